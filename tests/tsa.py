"""A timestamp authority on this machine: ``openssl ts`` behind a small HTTP server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from noai import certificates
from tests.signers import Cert, key_pem, new_key

_START: Final = datetime.now(timezone.utc) - timedelta(days=30)
_END: Final = _START + timedelta(days=365)
ROOT: Final = Cert(
    "TSA root", "es256-tsa-root", ca=True, usages=None, key_cert_sign=True, start=_START, end=_END
)
_STAMPING: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
#: With the usage that RFC 3161, section 2.3, asks for: critical, and the only one.
LEAF: Final = Cert("TSA", "es256-tsa", usages=None, start=_START, end=_END, extra=((_STAMPING, True),))
_CONFIGURATION: Final = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """``url`` stamps what it is asked; ``asked`` counts the requests, ``broken`` is answered instead."""

    folder: Path
    root: x509.Certificate
    leaf: x509.Certificate
    url: str = ""
    asked: int = 0
    broken: bytes | None = None

    def stamp(self, query: bytes) -> bytes:
        """A TimeStampResp."""
        path, answer = self.folder / "query.tsq", self.folder / "answer.tsr"
        path.write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-queryfile", path]
        subprocess.run([*command, "-out", answer], check=True, capture_output=True)
        return answer.read_bytes()

    @property
    def root_pem(self) -> Path:
        return self.folder / "root.pem"


def make_authority(folder: Path, root: Cert = ROOT, leaf: Cert = LEAF) -> Authority:
    folder.mkdir(exist_ok=True)
    anchor, certificate = root.issue(), leaf.issue(root)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.key").write_bytes(key_pem(new_key(leaf.key)))
    (folder / "tsa.pem").write_text(certificates.pem([certificate]))
    (folder / "chain.pem").write_text(certificates.pem([anchor]))
    (folder / "root.pem").write_text(certificates.pem([anchor]))
    (folder / "tsa.cnf").write_text(_CONFIGURATION.format(folder=folder))
    return Authority(folder, anchor, certificate)


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            authority.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            answer = authority.broken if authority.broken is not None else authority.stamp(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        authority.url = f"http://127.0.0.1:{server.server_port}/tsa"
        yield authority
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
