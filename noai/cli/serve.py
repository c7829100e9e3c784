"""``noai serve``: verdicts and marks over HTTP."""

from __future__ import annotations

import os
import stat
from typing import Final

import click

from noai import signing
from noai.claim import TRAINING_USES, Use
from noai.cli import _options
from noai.cli._exits import Exit
from noai.cli._files import trust_with
from noai.cli._options import PathType
from noai.cli._secrets import load_signer
from noai.errors import UsageError
from noai.integrations.gate import Gate
from noai.limits import (
    KIB,
    SERVICE_IDLE_SECONDS,
    SERVICE_JUDGE_SECONDS,
    SERVICE_REQUESTS,
    SERVICE_STOP_SECONDS,
    SERVICE_UPLOAD_SECONDS,
    UPLOAD_BYTES,
)
from noai.policy import Admission, Policy
from noai.report import Depth

_TOKEN: Final = "NOAI_TOKEN"
_LEVELS: Final = ("debug", "info", "warning", "error")

_EPILOG: Final = """\
\b
Addresses:
  GET  /               the web page
  POST /v1/verify      a file in, its verdict record out
  POST /v1/mark        a file in, the marked file out; with --identity and a token
  GET  /openapi.json   all of it, for machines
  GET  /healthz, /metrics

\b
Examples:
  noai serve
  noai serve --identity ana --token-file token
  curl -F file=@song.mp3 http://127.0.0.1:8642/v1/verify

\b
Stops at SIGTERM and Ctrl-C when what is at work is done. Keys and trust are read once, at the start.
"""


@click.command(short_help="Verdicts and marks over HTTP, with a web page.", epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen there.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, metavar="N", help="On it."
)
@click.option(
    "--allowed-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Answer requests for this host, too. May be repeated. Default: this machine alone.",
)
@click.option("--root-path", default="", metavar="PATH", help="What a proxy takes off in front of addresses.")
@click.option("--identity", metavar="NAME", help="Mark, and sign as this identity.")
@click.option("--key", type=PathType(), metavar="PEM", help="Mark with your own private key; with --cert.")
@click.option("--cert", type=PathType(), metavar="PEM", help="The certificate chain of --key, leaf first.")
@click.option(
    "--token-file",
    type=PathType(),
    metavar="FILE",
    help="The token that marking takes is in FILE. Default: what NOAI_TOKEN is.",
)
@_options.uses
@_options.anchors
@_options.policy
@_options.depth(Depth.EVIDENCE)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=UPLOAD_BYTES,
    show_default=True,
    metavar="N",
    help="Bytes of one upload.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Uploads to judge or mark at a time. Default: as many as there are cores.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=SERVICE_REQUESTS,
    show_default=True,
    metavar="N",
    help="Uploads to receive, keep waiting, work on and send back at a time; one more is refused with 503.",
)
@click.option(
    "--upload-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=SERVICE_UPLOAD_SECONDS,
    show_default=True,
    metavar="S",
    help="How long one upload may take, and one download.",
)
@click.option(
    "--judge-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=SERVICE_JUDGE_SECONDS,
    show_default=True,
    metavar="S",
    help="How long to work on one upload. Over it, the verdict is undecided, and nothing is marked.",
)
@click.option(
    "--idle-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=SERVICE_IDLE_SECONDS,
    show_default=True,
    metavar="S",
    help="How long a client may send nothing, or take nothing.",
)
@click.option(
    "--stop-seconds",
    type=click.IntRange(min=0),
    default=SERVICE_STOP_SECONDS,
    show_default=True,
    metavar="S",
    help="How long to wait for what is at work when stopping.",
)
@click.option(
    "--log-level", type=click.Choice(_LEVELS), default="info", show_default=True, help="Log this and worse."
)
def serve(
    host: str,
    port: int,
    hosts: tuple[str, ...],
    root_path: str,
    identity: str | None,
    key: str | None,
    cert: str | None,
    token_file: str | None,
    uses: tuple[Use, ...],
    anchors: tuple[str, ...],
    policy: str,
    depth: str,
    max_bytes: int,
    workers: int | None,
    queue: int,
    upload_seconds: float,
    judge_seconds: float,
    idle_seconds: float,
    stop_seconds: int,
    log_level: str,
) -> int:
    """Check files that are sent over HTTP; with an identity and a token, mark them as well.

    Uploads are judged and forgotten. Logs are lines of JSON on stderr, without names of files. The options
    about uses, policy and depth hold where a request does not say otherwise.
    """
    try:
        from noai.service import Pace, Settings
        from noai.service.running import listen, run
        from noai.service.settings import Marking
    except ImportError as error:
        raise UsageError(
            f"serving takes a package that is not installed ({error.name}): pip install 'noai[serve]'"
        ) from None
    if not (identity or key or cert) and token_file is not None:
        raise UsageError("a token is for marking, which takes --identity, or --key and --cert")
    marking = None
    warnings: list[str] = []
    if identity or key or cert:
        token = _token(token_file, warnings)
        marking = Marking.of(load_signer(identity, key, cert, signing.now()), token)
    question = Policy(uses or TRAINING_USES, Admission(policy))
    settings = Settings(
        Gate.of(question, trust_with(anchors), depth=Depth(depth)),
        marking,
        max_bytes,
        **({} if workers is None else {"workers": workers}),
        requests=queue,
        pace=Pace(upload_seconds, idle_seconds, stop_seconds, judge_seconds),
        hosts=(host, *hosts),
        root_path=root_path,
    )
    with listen(host, port) as listening:
        run(settings, listening, log_level, warnings)
    return Exit.OK


def _token(path: str | None, warnings: list[str]) -> str:
    if path is None:
        token = os.environ.get(_TOKEN, "")
        if not token:
            raise UsageError(f"marking takes a token: --token-file FILE, or {_TOKEN}")
        return token
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                warnings.append(
                    "everybody on this machine can read the file with the token, and mark with it"
                )
            return file.read(4 * KIB).strip()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
