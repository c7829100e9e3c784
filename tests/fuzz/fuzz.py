"""Fuzz with atheris: ``python -m tests.fuzz.fuzz TARGET,…|all CORPUS [-runs=N] [libFuzzer options]``.

``CORPUS`` has a folder of inputs for each target. A target ends with an error at the first input for which it
breaks its promise, takes more than ten seconds or more than 700 MB; the input then stands in
``tests/fuzz/found``. Several targets are run one after the other, each in a process of its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["noai"], enable_loader_override=False):
    import noai.containers.registry
    import noai.http
    import noai.signals.registry  # noqa: F401
    from tests.fuzz.targets import Target, targets

FOUND = Path(__file__).parent / "found"
WORDS = Path(__file__).with_name("words.dict")


def fuzz(name: str, target: Target, corpus: Path, options: list[str]) -> None:
    """Does not return: libFuzzer ends the process."""
    found = FOUND / name
    found.mkdir(exist_ok=True)
    limits = ["-timeout=10", "-rss_limit_mb=700", f"-artifact_prefix={found}/", f"-dict={WORDS}"]
    # Whole files from the start on: a container cut to a few bytes is no container.
    growth = "-len_control=0"
    atheris.Setup([name, growth, *limits, *options, str(corpus / name)], target)
    atheris.Fuzz()


def main() -> None:
    wanted, corpus, *options = sys.argv[1:]
    known = dict(targets())
    names = list(known) if wanted == "all" else wanted.split(",")
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such target: {', '.join(unknown)}; there are {', '.join(known)}")
    failed = []
    for name in names:
        child = os.fork()
        if not child:
            fuzz(name, known[name], Path(corpus), options)
        _, status = os.waitpid(child, 0)
        if status:
            failed.append(name)
    if failed:
        sys.exit(f"found something: {', '.join(failed)}")


if __name__ == "__main__":
    main()
