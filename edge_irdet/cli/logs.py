"""Structured logs on standard error."""

from __future__ import annotations

import json
import logging
import sys
import time
from enum import Enum
from typing import TYPE_CHECKING, TextIO

from edge_irdet.intake import escape_controls, one_line
from edge_irdet.stream.uri import redact_text

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class LogFormat(str, Enum):
    """How a log line looks."""

    TEXT = "text"
    """Time, level, what happened, name=value."""

    JSON = "json"
    """One JSON object a line."""


class EventFormatter(logging.Formatter):
    """Formats an event with its fields; credentials in any of them are replaced by ``***``.

    Args:
        form: how a line looks.
    """

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """One line; of an unexpected error also its traceback."""
        fields = {
            name: redact_text(value) if isinstance(value, str) else value
            for name, value in record.__dict__.items()
            if name not in _STANDARD
        }
        event = redact_text(record.getMessage())
        stamp = f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"
        trace = redact_text(self.formatException(record.exc_info)) if record.exc_info else None
        if self._form is LogFormat.JSON:
            content = {
                "time": stamp,
                "level": record.levelname.lower(),
                "event": event,
                "logger": record.name,
                **fields,
            }
            if trace is not None:
                content["traceback"] = trace
            return json.dumps(content, default=str)
        named = "".join(f" {name}={value!r}" for name, value in fields.items())
        # Names of files, peers and devices come from elsewhere: they must not steer the terminal.
        line = one_line(f"{stamp} {record.levelname.lower()} {event}{named}")
        return line if trace is None else f"{line}\n{escape_controls(trace)}"


if TYPE_CHECKING:
    _TextHandler = logging.StreamHandler[TextIO]
else:
    _TextHandler = logging.StreamHandler  # takes no type before Python 3.11


class StandardErrorHandler(_TextHandler):
    """Writes to what is standard error at that moment: a progress bar puts itself in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error now."""
        return sys.stderr


def start_logging(form: LogFormat, level: str) -> None:
    """Send this package's events to standard error.

    Args:
        form: how a line looks.
        level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    handler = StandardErrorHandler()
    handler.setFormatter(EventFormatter(form))
    logger = logging.getLogger("edge_irdet")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
