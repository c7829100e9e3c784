"""The process in which the C2PA library validates manifest stores that strangers made.

It imports nothing of noai, so that it starts in a tenth of a second; :mod:`noai._c2pa_process` starts
it, and says what passes between the two. It ends with its input: when the process that started it does.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import Any, BinaryIO, Final

#: What an answer is: see :func:`serve`.
READY, REPORT, REFUSED, TOO_LARGE, OUT_OF_MEMORY, NO_LIBRARY = b"RVELMN"
#: The type under which a store is validated by itself, without the file that it came from.
_MEDIA_TYPE: Final = "application/octet-stream"


def main(bounds: dict[str, int]) -> None:
    """Validate stores from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # What the library or an interpreter hook prints must not get between the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # Ignored or blocked by the program that started this, they would stay so, and end nothing.
    for limit in (signal.SIGXCPU, signal.SIGALRM):
        signal.signal(limit, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGXCPU, signal.SIGALRM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Writable memory, since address space is also what threads merely reserve. Where the system
    # enforces neither (macOS), the limits on what is asked and on processor time bound it.
    _limit(resource.RLIMIT_DATA, bounds["memory"])
    _limit(resource.RLIMIT_AS, bounds["memory"] * 8)
    try:
        import c2pa
    except (ImportError, OSError, MemoryError) as error:
        _send(answers, NO_LIBRARY, str(error).encode())
        return
    _send(answers, READY, b"")
    serve(sys.stdin.buffer, answers, c2pa, bounds)


def serve(requests: BinaryIO, answers: BinaryIO, c2pa: Any, bounds: dict[str, int]) -> None:
    """One answer for each request: its kind in one byte, four bytes of length, and the report or the reason.

    A request is the settings and the store, each behind four bytes of length.
    """
    while (settings := _frame(requests)) is not None and (store := _frame(requests)) is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + bounds["cpu_seconds"])
        # For a process that nobody waits for any more.
        signal.alarm(bounds["wait_seconds"] + 60)
        try:
            report = _validate(c2pa, settings.decode(), store)
        except c2pa.C2paError as error:
            kind, answer = REFUSED, str(error).encode()
        except MemoryError:
            kind, answer = OUT_OF_MEMORY, b""
        else:
            kind, answer = REPORT, report
        if len(answer) > bounds["answer_bytes"]:
            kind, answer = TOO_LARGE, b""
        signal.alarm(0)
        _send(answers, kind, answer)


def _validate(c2pa: Any, settings: str, store: bytes) -> bytes:
    """What :func:`noai.c2pa_json.facts` needs of the library's report; nothing for "no manifest"."""
    context = _context(settings, c2pa.Context.from_json)
    reader = c2pa.Reader.try_create(_MEDIA_TYPE, io.BytesIO(b"\0"), store, context=context)
    if reader is None:
        return b""
    with reader:
        report = json.loads(reader.json())
    manifests = report.get("manifests") or {}
    needed = {
        "active_manifest": report.get("active_manifest"),
        "validation_results": report.get("validation_results"),
        "manifests": {label: {"signature_info": _signature(held)} for label, held in manifests.items()},
    }
    return json.dumps(needed).encode()


def _signature(manifest: dict[str, Any]) -> dict[str, Any]:
    return {"cert_serial_number": (manifest.get("signature_info") or {}).get("cert_serial_number")}


@lru_cache(maxsize=16)
def _context(settings: str, make: Any) -> Any:
    return make(settings)


def _limit(which: int, wanted: int) -> None:
    _, most = resource.getrlimit(which)
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    resource.setrlimit(which, (wanted, most))


def _frame(file: BinaryIO) -> bytes | None:
    """The next bytes behind their length, or None at the end of the input."""
    length = file.read(4)
    if len(length) < 4:
        return None
    data = file.read(int.from_bytes(length, "big"))
    return data if len(data) == int.from_bytes(length, "big") else None


def _send(file: BinaryIO, kind: int, data: bytes) -> None:
    file.write(bytes((kind,)) + len(data).to_bytes(4, "big") + data)
    file.flush()
