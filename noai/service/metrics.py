"""What is counted, for Prometheus. No label holds anything that a client made up."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from noai.verdict import Decision

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "noai_requests_total",
            "Requests that were answered, or whose client went away (499).",
            ("path", "method", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "noai_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.received = Counter(
            "noai_received_bytes_total", "Bytes of the bodies of requests.", registry=self._registry
        )
        self.verdicts = Counter("noai_verdicts_total", "Verdicts.", ("decision",), registry=self._registry)
        self.marks = Counter(
            "noai_marks_total", "Files that were marked.", ("outcome",), registry=self._registry
        )
        self.uploads = Gauge(
            "noai_uploads",
            "Uploads that are received, waiting, in work or sent back.",
            registry=self._registry,
        )
        for decision in Decision:
            self.verdicts.labels(decision.value)

    def page(self) -> bytes:
        return generate_latest(self._registry)
