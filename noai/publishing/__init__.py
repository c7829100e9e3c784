"""What a publisher's site says about AI use: robots.txt, ``/.well-known/tdmrep.json``, response headers.

All of it is derived from the same uses as a marker's claim, by the table in :mod:`noai.vocabulary`. What a
vocabulary cannot say without saying more is left out, and named.

- ``saying``: from denied uses to the words of each vocabulary.
- ``addresses``: the parts of a site, and addresses, as every one of the files can hold them.
- ``robots``, ``tdmrep``, ``snippets``: one file of the site each; pure, from the old bytes to the new ones.
- ``site``: reads what is there, plans, and writes whole files or none.
"""

from noai.publishing.addresses import SitePath
from noai.publishing.saying import HeaderField, SiteStatement
from noai.publishing.site import Outcome, Plan, SiteFile, plan, write

__all__ = ["HeaderField", "Outcome", "Plan", "SiteFile", "SitePath", "SiteStatement", "plan", "write"]
