"""Consent: who may use a reserved recording after all (docs/format/consent-v1.md).

* :mod:`.statements`: what grants, revocations, status lists and delegations share, and reading them strictly;
* :mod:`.grants`, :mod:`.endings`, :mod:`.delegations`: what each of them says;
* :mod:`.issuing`: making and signing them;
* :mod:`.held`: what an ingest holds, :class:`Consent`; :mod:`.judging`: judging it once for all files;
* :mod:`.taking_back`, :mod:`.lifting`: what that does to the findings of one file, pure;
* :mod:`.memory`: the newest status list that was seen, so that no older one is taken for it;
* :mod:`.files`: statements in files, one a line; :mod:`.ledger`: what an identity has ended.
"""

from __future__ import annotations

from noai.consent.delegations import Delegation
from noai.consent.endings import Ended, Revocation, StatusList
from noai.consent.files import load
from noai.consent.grants import Grant, Scope
from noai.consent.held import Consent, Declared, Line
from noai.consent.issuing import delegate, grant, revoke, status_list
from noai.consent.judging import judge
from noai.consent.memory import StatusMemory
from noai.consent.statements import Named

__all__ = [
    "Consent",
    "Declared",
    "Delegation",
    "Ended",
    "Grant",
    "Line",
    "Named",
    "Revocation",
    "Scope",
    "StatusList",
    "StatusMemory",
    "delegate",
    "grant",
    "judge",
    "load",
    "revoke",
    "status_list",
]
