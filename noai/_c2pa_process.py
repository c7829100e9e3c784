"""Validating manifest stores where it can be stopped: in one process beside this one.

The C2PA library is native code that reads what strangers wrote. A store of 2 MB was seen to take 24 GB of
memory, and code like this can hang or crash; none of it may happen to the caller. So the library runs in
a process of its own, with limits on processor time and memory, that is started for the first store
and then serves all others. When it dies the store is not judged, and the next one gets a new process.

Usable from several threads, which take turns. After a fork the child starts its own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Final

from noai import _c2pa_worker as worker
from noai.errors import ManifestError, ManifestStopped
from noai.limits import (
    C2PA_ANSWER_BYTES,
    C2PA_CPU_SECONDS,
    C2PA_MEMORY,
    C2PA_WAIT_SECONDS,
    READ_SIZE,
)

#: Runs :mod:`noai._c2pa_worker` without the package around it, and with this process's module path.
_START: Final = """
import json, sys
from importlib import machinery, util
told = json.loads(sys.argv[1])
sys.path[:] = told["path"]
spec = machinery.PathFinder.find_spec("_c2pa_worker", told["package"])
module = util.module_from_spec(spec)
spec.loader.exec_module(module)
module.main(told["bounds"])
"""
_HEAD: Final = 5


@dataclass(frozen=True)
class Bounds:
    """What one validation may cost."""

    #: Of processor time, to the second above.
    cpu_seconds: int = C2PA_CPU_SECONDS
    wait_seconds: int = C2PA_WAIT_SECONDS
    memory: int = C2PA_MEMORY
    answer_bytes: int = C2PA_ANSWER_BYTES


class _Died(Exception):
    """The process ended, or was ended, before it answered."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        #: Whether this store was the reason: the next try would come to the same.
        self.for_good = for_good


class Validator:
    """Asks the library, in a process that it starts when it is needed and ends on :meth:`close`."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        #: Stores that the process has answered for.
        self._answered = 0

    @property
    def pid(self) -> int | None:
        """The number of the process, or None while there is none."""
        return None if self._process is None else self._process.pid

    def validate(self, settings: str, store: bytes) -> str:
        """The library's report on ``store`` by itself, as far as :func:`noai.c2pa_json.facts` reads it.

        Raises:
            ManifestError: if the library refuses the store, cannot be loaded, or no process can be started.
            ManifestStopped: if it crashed, or reached a limit.
        """
        with self._lock:
            try:
                return self._ask_again(settings, store)
            except ManifestError:
                raise
            except BaseException:
                # Ctrl-C, say: the answer to this question must not be taken for that to the next.
                self._end()
                raise

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def forget(self) -> None:
        """In a forked child: the process and the lock are the parent's."""
        self._lock = threading.Lock()
        process, self._process, self._answered = self._process, None, 0
        if process is not None:
            # Were they left open, the process would not see its input end when the parent does.
            _close(process)
            # It is no child of this process: nothing to wait for.
            process.returncode = 0

    # -- one question -----------------------------------------------------------------------

    def _ask_again(self, settings: str, store: bytes) -> str:
        """Ask, and once more where it was perhaps not this store that ended the process."""
        try:
            return self._ask(settings, store)
        except _Died as died:
            # Somebody may have ended it; what earlier stores left behind may have been too much.
            blameless = self._answered > 0 and not died.for_good
            self._end()
            if not blameless:
                raise ManifestStopped(str(died)) from None
        try:
            return self._ask(settings, store)
        except _Died as died:
            self._end()
            raise ManifestStopped(str(died)) from None

    def _ask(self, settings: str, store: bytes) -> str:
        process = self._process or self._start()
        request = b"".join(len(part).to_bytes(4, "big") + part for part in (settings.encode(), store))
        kind, answer = self._exchange(process, request)
        self._answered += 1
        text = answer.decode("utf-8", "replace")
        if kind == worker.REPORT and text:
            return text
        if kind == worker.REPORT:
            raise ManifestError("the C2PA library finds no manifest")
        if kind == worker.REFUSED:
            raise ManifestError(f"the manifest cannot be read: {text}")
        if kind == worker.TOO_LARGE:
            raise _Died("the C2PA library's report is too large", for_good=True)
        raise _Died("the C2PA library ran out of memory")

    def _start(self) -> subprocess.Popen[bytes]:
        if getattr(sys, "frozen", False) or not sys.executable:
            raise ManifestError("there is no interpreter to run the C2PA library in a process of its own")
        package = os.path.dirname(os.path.abspath(__file__))
        # Programs put other things there, too, which no import looks at.
        path = [entry for entry in sys.path if isinstance(entry, str)]
        told = {"path": path, "package": [package], "bounds": asdict(self._bounds)}
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, json.dumps(told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                # What a terminal sends to its foreground group, Ctrl-C above all, is for this process.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ManifestError(f"no process can be started for the C2PA library: {error}") from error
        self._process, self._answered = process, 0
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        try:
            kind, answer = self._exchange(process, b"")
        except _Died as died:
            self._end()
            raise ManifestError(f"the process for the C2PA library does not start: {died}") from None
        if kind != worker.READY:
            self._end()
            raise ManifestError(f"the C2PA library cannot be loaded: {answer.decode('utf-8', 'replace')}")
        return process

    def _end(self) -> None:
        process, self._process, self._answered = self._process, None, 0
        if process is not None:
            _close(process)
            with suppress(OSError):
                process.kill()
            process.wait()

    # -- bytes ------------------------------------------------------------------------------

    def _exchange(self, process: subprocess.Popen[bytes], request: bytes) -> tuple[int, bytes]:
        """Send ``request`` and take one answer: its kind and its content."""
        deadline = time.monotonic() + self._bounds.wait_seconds
        assert process.stdin is not None
        assert process.stdout is not None
        rest = memoryview(request)
        while rest:
            self._wait(process, process.stdin, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(process.stdin.fileno(), rest[:READ_SIZE]) :]
            except BlockingIOError:
                continue
            except OSError:
                # Its end is closed; or this one is, by a program that closes all that it does not know.
                raise self._died(process) from None
        head = self._read(process, process.stdout, _HEAD, deadline)
        length = int.from_bytes(head[1:], "big")
        if length > max(self._bounds.answer_bytes, READ_SIZE):
            raise _Died("the process for the C2PA library answers nonsense", for_good=True)
        return head[0], self._read(process, process.stdout, length, deadline)

    def _read(self, process: subprocess.Popen[bytes], pipe: IO[bytes], length: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < length:
            self._wait(process, pipe, select.POLLIN, deadline)
            try:
                more = os.read(pipe.fileno(), length - len(data))
            except BlockingIOError:
                continue
            except OSError:
                raise self._died(process) from None
            if not more:
                raise self._died(process)
            data += more
        return bytes(data)

    def _wait(self, process: subprocess.Popen[bytes], pipe: IO[bytes], event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            reason = f"no answer from the C2PA library within {self._bounds.wait_seconds} s"
            raise _Died(reason, for_good=True)

    def _died(self, process: subprocess.Popen[bytes]) -> _Died:
        """Why the process ended, which has closed its end of a pipe."""
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return _Died("the process for the C2PA library closed its output")
        if code == -signal.SIGXCPU:
            limit = f"{self._bounds.cpu_seconds} s of processor time"
            return _Died(f"checking the manifest takes more than {limit}", for_good=True)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        return _Died(f"the process for the C2PA library {how}")


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


#: The one that a process has.
_SHARED: Final = Validator()
atexit.register(_SHARED.close)
os.register_at_fork(after_in_child=_SHARED.forget)


def validate(settings: str, store: bytes) -> str:
    """:meth:`Validator.validate` by the process that all callers share."""
    return _SHARED.validate(settings, store)
