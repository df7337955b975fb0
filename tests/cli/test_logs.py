from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest

from edge_irdet.cli.logs import LogFormat, start_logging


@pytest.fixture
def standard_error(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    logger = logging.getLogger("edge_irdet")
    before = logger.handlers, logger.level, logger.propagate
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    yield text
    logger.handlers, logger.level, logger.propagate = before


def test_json_lines_carry_their_fields_without_credentials(standard_error: io.StringIO) -> None:
    start_logging(LogFormat.JSON, "info")
    logger = logging.getLogger("edge_irdet.stream.capture")
    logger.info("source lost", extra={"source": "rtsp://me:hunter2@host/x", "attempts": 3})
    logger.debug("not at this level")
    (line,) = standard_error.getvalue().splitlines()
    event = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    assert event == {
        "level": "info",
        "event": "source lost",
        "logger": "edge_irdet.stream.capture",
        "source": "rtsp://***@host/x",
        "attempts": 3,
    }


def test_text_is_one_line_an_event(standard_error: io.StringIO) -> None:
    start_logging(LogFormat.TEXT, "warning")
    logger = logging.getLogger("edge_irdet.stream.outputs")
    logger.warning("output failed", extra={"sink": "out.jsonl", "reason": "no\nspace"})
    (line,) = standard_error.getvalue().splitlines()
    assert line.endswith(r"warning output failed sink='out.jsonl' reason='no\nspace'")


@pytest.mark.parametrize("form", list(LogFormat))
def test_an_unexpected_error_keeps_its_traceback_without_credentials(
    standard_error: io.StringIO, form: LogFormat
) -> None:
    start_logging(form, "warning")
    try:
        raise ValueError("mqtt://me:hunter2@broker/x is wrong")
    except ValueError as error:
        logging.getLogger("edge_irdet").warning("output failed", exc_info=error)
    text = standard_error.getvalue()
    assert "ValueError" in text
    assert "hunter2" not in text


def test_started_twice_each_event_is_said_once(standard_error: io.StringIO) -> None:
    for _ in range(2):
        start_logging(LogFormat.TEXT, "warning")
    logging.getLogger("edge_irdet").warning("once")
    assert standard_error.getvalue().count("once") == 1
