"""Response headers as nginx and Apache are configured to send them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from noai.publishing.addresses import SitePath
from noai.publishing.saying import HeaderField

NGINX_NAME: Final = "noai.nginx.conf"
APACHE_NAME: Final = "noai.apache.conf"
#: How every snippet begins: what does not is not overwritten.
FIRST_LINE: Final = "# Written by noai publish, which writes it anew."

_NGINX: Final = """\
# Copy it to /etc/nginx/snippets/, and in the server block:  include snippets/noai.nginx.conf;
# A location with an add_header of its own inherits none: include it there once more.
"""
_APACHE: Final = """\
# Copy it to /etc/apache2/conf-available/, then:  a2enmod headers && a2enconf noai.apache
"""


def nginx(fields: Sequence[HeaderField], paths: Sequence[SitePath]) -> str:
    """``add_header`` for the server block; within it no ``location`` is made, which could hide the site's."""
    lines = [FIRST_LINE, _NGINX.rstrip("\n")]
    if any(path.is_everything for path in paths):
        lines += [f'add_header {field.name} "{field.value}";' for field in fields]
        return "\n".join([*lines, ""])
    variables = [(field, f"$noai_{field.name.lower().replace('-', '_')}") for field in fields]
    # A field whose value is empty is not sent.
    lines += [f'set {variable} "";' for _, variable in variables]
    lines.append(f'if ($uri ~ "{_expression(paths)}") {{')
    lines += [f'    set {variable} "{field.value}";' for field, variable in variables]
    lines.append("}")
    lines += [f"add_header {field.name} {variable};" for field, variable in variables]
    return "\n".join([*lines, ""])


def apache(fields: Sequence[HeaderField], paths: Sequence[SitePath]) -> str:
    """``Header`` of mod_headers. Without the module the server says so and does not start."""
    lines = [FIRST_LINE, _APACHE.rstrip("\n"), f'<LocationMatch "{_expression(paths)}">']
    for field in fields:
        # Beside what the site sends already, but for a field that means nothing twice.
        action = "set" if field.is_single else "add"
        lines.append(f'    Header {action} {field.name} "{field.value.replace("%", "%%")}"')
    return "\n".join([*lines, "</LocationMatch>", ""])


def _expression(paths: Sequence[SitePath]) -> str:
    return "^" + (paths[0].expression if len(paths) == 1 else f"(?:{'|'.join(p.expression for p in paths)})")
