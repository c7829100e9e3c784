"""noai: a signed, tamper-evident "no AI training" declaration inside audio files.

Two doors: :func:`mark` puts a declaration into a file, :func:`verify` says whether a file may be
used. Behind them, from types to verbs:

- ``claim``, ``codes``, ``errors``, ``limits``: what can be said, what can be found, what can go wrong.
- ``signing``, ``identities``, ``certificates``, ``trust``: who says it, and who is believed.
- ``encoding``, ``envelope``, ``marker``, ``essence``, ``statement``, ``xmp``, ``manifest``: the mechanisms.
- ``containers``: where a file keeps its tags and its audio, one file a kind.
- ``signals``: what is found there, one file a vocabulary.
- ``verifying`` (facts), ``combining`` and ``policy`` (judgement), ``verdict`` (the answer).
- ``consent``: grants, revocations, status lists and delegations, and what they do to a verdict.
- ``http``: what a site says beside a file, for those who fetch; ``publishing``: saying it.
- ``planning``, ``workspace``, ``marking``: writing without ever harming the original.
- ``corpus``, ``cli``: many files, and the command line.

What ``__all__`` names is stable; everything else may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from noai import errors
from noai._version import __version__
from noai.claim import Claim, Permission, Profile, Rights, Use, Work
from noai.codes import Code
from noai.identities import Identity, IdentityStore
from noai.marking import MarkResult, Outcome, mark
from noai.policy import Admission, Policy
from noai.report import Check, Depth, Finding, Report
from noai.signing import CallbackSigner, KeySigner, Signer
from noai.trust import May, TrustEntry, TrustList
from noai.verdict import Decision, Reason, Verdict
from noai.verifying import Verifier, verify

if TYPE_CHECKING:
    from types import ModuleType

    from noai import consent, http

__all__ = [
    "Admission",
    "CallbackSigner",
    "Check",
    "Claim",
    "Code",
    "Decision",
    "Depth",
    "Finding",
    "Identity",
    "IdentityStore",
    "KeySigner",
    "MarkResult",
    "May",
    "Outcome",
    "Permission",
    "Policy",
    "Profile",
    "Reason",
    "Report",
    "Rights",
    "Signer",
    "TrustEntry",
    "TrustList",
    "Use",
    "Verdict",
    "Verifier",
    "Work",
    "__version__",
    "consent",
    "errors",
    "http",
    "mark",
    "verify",
]


def __getattr__(name: str) -> "ModuleType":
    # Most runs ask neither for a licensee nor for a site: no process starts with what only those need.
    if name in ("consent", "http"):
        return import_module(f"noai.{name}")
    raise AttributeError(f"module 'noai' has no attribute {name!r}")
