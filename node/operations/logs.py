"""Log lines: one line each, readable by a person (text) or a machine (json), on stderr.

What is worth filtering by goes into `extra={...}` and comes out as `name=value` or as JSON members.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
PART_VARIABLE = "NODE_PART"


class TextLines(logging.Formatter):
    """`2026-11-21T22:30:00Z warning worker-1  delivery failed host=a.example seconds=3.1`"""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; an exception adds its traceback, indented."""
        words = " ".join(f"{name}={_quoted(value)}" for name, value in facts(record).items())
        line = f"{_clock(record)} {record.levelname.lower():<7} {self.part:<10} {_one_line(record.getMessage())}"
        if words:
            line += "  " + words
        if record.exc_info and record.exc_info[0]:
            trace = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            line += "\n    " + trace.replace("\n", "\n    ")
        return line


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, part, logger, message, and the facts."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one JSON object."""
        entry: dict[str, object] = {"time": _clock(record), "level": record.levelname.lower(), "part": self.part}
        entry.update(logger=record.name, message=record.getMessage())
        entry.update(facts(record))
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(entry, default=str, ensure_ascii=False)


def set_up(log_format: str, part: str | None = None) -> None:
    """Send this process's logs to stderr. `part` says who speaks; else NODE_PART, which the supervisor sets."""
    name = part or os.environ.get(PART_VARIABLE) or "courtyard"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(name) if log_format == "json" else TextLines(name))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # These tell every job and connection; what matters of it we say ourselves.
    for noisy in ("rq", "rq.worker", "alembic", "urllib3", "werkzeug", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def facts(record: logging.LogRecord) -> dict[str, object]:
    """Return what the caller put into `extra`."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD and not name.startswith("_")}


def _clock(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def _one_line(text: str) -> str:
    # A remote name with a line break in it must not be able to write a log line of its own.
    return text if text.isprintable() else "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


def _quoted(value: object) -> str:
    text = str(value)
    return _one_line(text) if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)
