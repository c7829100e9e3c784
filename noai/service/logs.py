"""Logs: one JSON object a line, with no names of files, no addresses of clients and no tokens in it."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import datetime, timezone
from typing import IO, Any, Final

from noai.records import dump_json
from noai.service.problems import CutShort

LOGGER: Final = logging.getLogger("noai.service")
#: The attribute of a log record that holds members for its object.
_MEMBERS: Final = "noai"


def tell(level: int, message: str, **members: Any) -> None:
    """Log ``message`` with ``members``."""
    LOGGER.log(level, message, extra={_MEMBERS: members})


def place(error: BaseException) -> str:
    """What a bug report needs to know about an exception, but for its words, which may name a file."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record tells what no line of the service's own has told."""
    return record.exc_info is None or not isinstance(record.exc_info[1], CutShort)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage().strip(),
            **getattr(record, _MEMBERS, {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = place(record.exc_info[1])
        return dump_json(line)


def set_up(level: str, stream: IO[str] | None = None) -> None:
    """Log everything of at least ``level`` to ``stream``, which is stderr if None."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("noai", "uvicorn"):
        logging.getLogger(name).setLevel(level.upper())
