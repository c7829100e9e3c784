"""The process that asks the C2PA library: what happens to it, and what never happens to the caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from noai import _c2pa_process
from noai._c2pa_process import Bounds, Validator
from noai.c2pa_json import DataHash, facts, settings
from noai.codes import Code
from noai.errors import ManifestError, ManifestStopped
from noai.limits import C2PA_MEMORY, C2PA_PARSED_BYTES
from noai.manifest import Order, sign
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import verify
from tests.audio import SAMPLES
from tests.manifests import (
    ALLOWED,
    NO_AI,
    cbor_bytes,
    foreign,
    live_signer,
    marked,
    naming,
    rewritten,
    store_of,
)

MP3 = SAMPLES / "unmarked" / "tune.mp3"
STORE = sign(Order(NO_AI, live_signer()), DataHash(bytes(32), ((1000, 13_000),)))
SETTINGS = settings(live_signer().chain[-1:])
GIB = 1 << 30


@pytest.fixture
def validator() -> Iterator[Validator]:
    started = Validator()
    yield started
    started.close()


def validates(validator: Validator) -> bool:
    found = facts(validator.validate(SETTINGS, STORE))
    return found.manifests == 1 and found.problems == ()


def is_running(pid: int | None) -> bool:
    """Whether a process is there and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def soon(holds: Callable[[], bool]) -> bool:
    for _ in range(500):
        if holds():
            return True
        time.sleep(0.02)
    return False


# -- one process for all stores --------------------------------------------------------------


def test_it_is_started_by_the_first_store_and_serves_all_others(validator: Validator) -> None:
    assert validator.pid is None
    assert validates(validator)
    first = validator.pid
    assert is_running(first)
    assert all(validates(validator) for _ in range(5))
    assert validator.pid == first
    validator.close()
    assert not is_running(first)
    assert validates(validator)


def test_a_store_that_the_library_refuses_ends_no_process(validator: Validator) -> None:
    assert validates(validator)
    first = validator.pid
    for refused in (b"", b"nonsense", STORE[:-100]):
        with pytest.raises(ManifestError) as caught:
            validator.validate(SETTINGS, refused)
        assert not isinstance(caught.value, ManifestStopped)
    assert validates(validator)
    assert validator.pid == first


def test_threads_take_turns(validator: Validator) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: validates(validator), range(64)))


def test_judging_files_shares_one_process() -> None:
    denied, permitted = marked(MP3), marked(MP3, ALLOWED)
    verify(denied, trust=TrustList())
    first = _c2pa_process._SHARED.pid
    assert first is not None
    for data in (permitted, denied, permitted):
        verify(data, trust=TrustList())
    assert _c2pa_process._SHARED.pid == first


def test_what_a_terminal_sends_to_its_group_does_not_reach_it(validator: Validator) -> None:
    validates(validator)
    assert validator.pid is not None
    assert os.getpgid(validator.pid) != os.getpgid(0)


# -- real stores that hurt -------------------------------------------------------------------


def store_with(size: int) -> bytes:
    """A signed store with one assertion that afterwards became a byte string of ``size``."""
    whole = store_of(foreign(MP3, [{"label": "org.example", "data": {"a": 1}}]))
    return rewritten(whole, "org.example", lambda _: cbor_bytes(bytes(size)))


def test_a_store_that_swells_ends_its_process_and_nothing_else(validator: Validator) -> None:
    """2 MB that a claim names ten times take 4 GB; a hundred times they took all of 24."""
    swelling = rewritten(store_with(2_000_000), "c2pa.claim.v2", naming("org.example", 10))
    assert validates(validator)
    first = validator.pid
    with pytest.raises(ManifestStopped):
        validator.validate(SETTINGS, swelling)
    assert not is_running(first)
    assert validates(validator)


def test_what_is_just_within_the_limits_on_stores_stays_within_the_memory(validator: Validator) -> None:
    """What is asked in earnest needs less than half of what the process may have."""
    validator.validate(SETTINGS, store_with(C2PA_PARSED_BYTES))
    status = Path(f"/proc/{validator.pid}/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    assert peak * 1024 < C2PA_MEMORY // 2


def test_a_store_that_takes_long_is_stopped_by_processor_time() -> None:
    """Each of 5,000 assertions costs a search among all others: 3 s."""
    many = store_of(foreign(MP3, [{"label": f"org.example.{n}", "data": {"a": n}} for n in range(5_000)]))
    started = Validator(Bounds(cpu_seconds=0, answer_bytes=GIB, memory=4 * GIB))
    try:
        assert validates(started)
        with pytest.raises(ManifestStopped, match="processor time"):
            started.validate(SETTINGS, many)
        assert validates(started)
    finally:
        started.close()


# -- a library that fails in every way --------------------------------------------------------


FAKE = """
import ctypes, os, signal, time

class C2paError(Exception): ...

class Context:
    from_json = classmethod(lambda cls, text: None)

class Reader:
    text = "{}"

    @classmethod
    def try_create(cls, kind, file, store, context):
        if store == b"evil":
            fail(cls)
        return cls()

    def json(self): return self.text
    def __enter__(self): return self
    def __exit__(self, *_): ...
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts another module in the place of the library, for processes that are started from now on."""

    def install(code: str) -> None:
        (tmp_path / "c2pa.py").write_text(f"{FAKE}\n{code}\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


FATAL = {
    "abort": "os.abort()",
    "segmentation fault": "ctypes.string_at(0)",
    "exit": "os._exit(0)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "out of memory": "raise MemoryError",
    "takes all memory": "held = [bytes(1 << 20) for _ in iter(int, 1)]",
    "hangs": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)",
    "runs for ever": "while True: pass",
    "answers too much": "reader.text = '{\"active_manifest\": \"' + 'x' * 10**7 + '\"}'",
}


@pytest.mark.parametrize("what", FATAL.values(), ids=FATAL)
def test_whatever_the_library_does_it_is_an_error_and_the_next_store_has_its_answer(
    what: str, library: Callable[[str], None]
) -> None:
    library(f"def fail(reader):\n    {what}")
    started = Validator(Bounds(cpu_seconds=0, wait_seconds=3))
    try:
        assert started.validate("{}", b"good")
        with pytest.raises(ManifestStopped):
            started.validate("{}", b"evil")
        assert started.validate("{}", b"good")
    finally:
        started.close()


def test_what_the_library_prints_is_no_answer(library: Callable[[str], None], validator: Validator) -> None:
    library("print('x' * 100_000)\nos.write(1, b'RVELMN')")
    assert validator.validate("{}", b"good").startswith("{")


def test_a_process_that_was_ended_by_somebody_else_is_no_judgement_on_a_store(validator: Validator) -> None:
    assert validates(validator)
    first = validator.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert validates(validator)
    assert validator.pid != first


def test_a_process_that_is_killed_in_the_middle_is_replaced(validator: Validator) -> None:
    assert validates(validator)
    first = validator.pid
    assert first is not None
    # It stands still, and so cannot answer before it is killed.
    os.kill(first, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(validates, validator)
        time.sleep(0.1)
        assert not answer.done()
        os.kill(first, signal.SIGKILL)
        assert answer.result()
    assert validator.pid != first


def test_ctrl_c_ends_the_waiting_and_confuses_no_later_answer(validator: Validator) -> None:
    assert validates(validator)
    first = validator.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        validator.validate(SETTINGS, STORE)
    assert not is_running(first)
    assert validates(validator)


def test_a_search_path_may_hold_what_no_import_looks_at(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, Path("/somewhere"), None])
    assert validates(validator)


def test_pipes_that_the_program_closed_are_replaced(validator: Validator) -> None:
    """As programs do that become daemons: they close every descriptor that they do not know."""
    for name in ("stdin", "stdout"):
        assert validates(validator)
        assert validator._process is not None
        os.close(getattr(validator._process, name).fileno())
        assert validates(validator)


def test_signals_that_the_program_ignores_or_blocks_still_end_it(library: Callable[[str], None]) -> None:
    library("def fail(reader):\n    while True: pass")
    started = Validator(Bounds(cpu_seconds=0, wait_seconds=20))
    ignored = signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGXCPU, signal.SIGALRM))
    try:
        with pytest.raises(ManifestStopped, match="processor time"):
            started.validate("{}", b"evil")
    finally:
        started.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGXCPU, ignored)


# -- where no process can be started ----------------------------------------------------------


def refuse(*_arguments: Any, **_options: Any) -> Any:
    raise PermissionError("not in this sandbox")


CANNOT: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "no interpreter": lambda patch: patch.setattr(sys, "executable", ""),
    "frozen": lambda patch: patch.setattr(sys, "frozen", True, raising=False),
    "a program that is none": lambda patch: patch.setattr(sys, "executable", "/bin/false"),
    "a file that is not there": lambda patch: patch.setattr(sys, "executable", "/no/such/file"),
    "sandbox": lambda patch: patch.setattr(subprocess, "Popen", refuse),
}


@pytest.mark.parametrize("forbid", CANNOT.values(), ids=CANNOT)
def test_where_no_process_can_be_started_nothing_is_allowed(
    forbid: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    denied, permitted = marked(MP3), marked(MP3, ALLOWED)
    started = Validator()
    monkeypatch.setattr(_c2pa_process, "_SHARED", started)
    forbid(monkeypatch)
    with pytest.raises(ManifestError):
        started.validate(SETTINGS, STORE)
    assert verify(denied, trust=TrustList()).decision is Decision.REJECTED
    verdict = verify(permitted, trust=TrustList())
    assert verdict.decision is Decision.UNDECIDED
    assert Code.C2PA_UNREAD in {reason.code for reason in verdict.reasons}


# -- the processes around it ------------------------------------------------------------------


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", textwrap.dedent(code)]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "x.c2pa"
    path.write_bytes(STORE)
    return path


@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)", "raise SystemExit(3)"])
def test_it_ends_with_the_process_that_started_it(end: str, stored: Path) -> None:
    done = run(
        f"""
        import os, sys
        from noai import _c2pa_process, manifest
        with open(sys.argv[1], "rb") as file:
            manifest.read_validation(file.read())
        print(_c2pa_process._SHARED.pid, flush=True)
        {end}
        """,
        stored,
    )
    assert done.stderr == ""
    pid = int(done.stdout)
    assert soon(lambda: not is_running(pid))


def test_after_a_fork_the_child_starts_its_own(stored: Path) -> None:
    done = run(
        """
        import os, sys
        from noai import _c2pa_process, manifest
        with open(sys.argv[1], "rb") as file:
            store = file.read()
        def pid():
            assert manifest.read_validation(store).manifests == 1
            return _c2pa_process._SHARED.pid
        first = pid()
        child = os.fork()
        if child == 0:
            os._exit(0 if pid() not in (None, first) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        # It lives on although the child, which had its pipes, is gone.
        assert pid() == first
        """,
        stored,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_it_runs_nothing_of_the_program_that_started_it(stored: Path, tmp_path: Path) -> None:
    """No guard around the main module is needed, as it is for multiprocessing."""
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom noai import manifest\n"
        "print(manifest.read_validation(open(sys.argv[1], 'rb').read()).manifests)\n"
    )
    done = subprocess.run(
        [sys.executable, program, stored], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1\n"
