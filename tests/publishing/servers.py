"""nginx and Apache as they are installed, each with one snippet and one folder to serve."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_SBIN = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _tool(name: str) -> str:
    found = shutil.which(name, path=_SBIN)
    assert found is not None, f"{name} is not installed: run tools/install-test-tools"
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # A warning is a mistake in the snippet, but for the name that Apache wants to have.
    assert "warn" not in done.stderr.lower(), done.stderr


@contextmanager
def nginx(site: Path, snippet: Path, work: Path) -> Iterator[httpx.Client]:
    """The folder ``site`` as nginx serves it."""
    sock = work / "nginx.sock"
    configuration = work / "nginx.conf"
    configuration.write_text(f"""\
{"user root;" if os.geteuid() == 0 else ""}
pid {work}/nginx.pid;
error_log {work}/nginx.log;
events {{ }}
http {{
    access_log off;
    types {{ audio/mpeg mp3; }}
    client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
    server {{
        listen unix:{sock};
        root {site};
        include {snippet};
        location /audio/own/ {{ add_header X-Own 1; include {snippet}; }}
    }}
}}
""")
    command = (_tool("nginx"), "-c", str(configuration), "-e", f"{work}/nginx.log")
    _run(*command, "-t")
    _run(*command)  # it goes into the background once it listens
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(sock)), base_url="http://site") as client:
            yield client
    finally:
        _run(*command, "-s", "stop")


@contextmanager
def apache(site: Path, snippet: Path, work: Path) -> Iterator[httpx.Client]:
    """The folder ``site`` as Apache serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    modules = Path("/usr/lib/apache2/modules")
    loaded = ("mpm_event", "authz_core", "mime", "headers")
    configuration = work / "apache.conf"
    configuration.write_text(f"""\
{chr(10).join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in loaded)}
ServerName site
Listen 127.0.0.1:{port}
PidFile {work}/apache.pid
ErrorLog {work}/apache.log
{"User www-data" + chr(10) + "Group www-data" if os.geteuid() == 0 else ""}
DefaultRuntimeDir {work}
TypesConfig /dev/null
AddType audio/mpeg .mp3
DocumentRoot {site}
<Directory {site}>
    Require all granted
</Directory>
Include {snippet}
""")
    command = (_tool("apache2"), "-f", str(configuration))
    _run(*command, "-t")
    _run(*command, "-k", "start")  # the same
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        _run(*command, "-k", "stop")
