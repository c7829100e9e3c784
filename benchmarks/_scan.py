"""A process of its own for one scan at decision depth.

python benchmarks/_scan.py FOLDER JOBS
"""

from __future__ import annotations

import sys
import time

import noai
from noai import corpus


def main() -> None:
    folder, jobs = sys.argv[1], int(sys.argv[2])
    before, start = time.process_time(), time.perf_counter()
    count = sum(1 for _ in corpus.scan([folder], trust=noai.TrustList(), jobs=jobs))
    print(count, time.perf_counter() - start, before)


if __name__ == "__main__":
    main()
