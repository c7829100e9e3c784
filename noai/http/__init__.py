"""What a site says over HTTP about AI use, for those who fetch: judged together with the file's own signals.

Nothing is fetched here. A crawler hands in what it has fetched anyway:

- :func:`signals` turns response headers, robots.txt, ``/.well-known/tdmrep.json`` and an RSL document
  into :class:`HttpSignals`: findings, and notes about what could not be read.
- :meth:`HttpSignals.verdict` judges a file together with them; :meth:`HttpSignals.merged` adds them to a
  report that is there already; :attr:`HttpSignals.denies` tells before anything is downloaded.
- :data:`UNREADABLE` stands for a document that could not be had; None says that there is none.

One file a vocabulary behind one seam, ``interface``; ``README.md`` beside it has the contract. Matching
agents and paths takes the extra ``noai[http]``; headers alone do not.
"""

from noai.http.interface import UNREADABLE, Document, Headers, Unread
from noai.http.reading import HttpSignals, signals

__all__ = ["UNREADABLE", "Document", "Headers", "HttpSignals", "Unread", "signals"]
