"""``noai serve``: verdicts and marks over HTTP, for those without Python (``noai[serve]``).

- ``settings``: everything that a service is told when it starts.
- ``app``: the endpoints, and what each does.
- ``uploads``: a request's file, streamed to disk within limits of size and time.
- ``questions``, ``marks``: what a request asks; ``media``: which types are audio, and which are a lie.
- ``problems``: every refusal (RFC 9457).
- ``hosts``: under which names it answers, and whose pages it works for.
- ``working``: the threads that judge and mark, and when they give up.
- ``watching``, ``logs``, ``metrics``: what is told about a request, to whoever runs the service.
- ``openapi``: the contract, for machines; ``pages``: the web page, in the folder ``page``.
- ``connections``, ``running``: the server below all of that.
"""

from noai.service.app import service
from noai.service.settings import Pace, Settings

__all__ = ["Pace", "Settings", "service"]
