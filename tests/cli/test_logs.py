from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest

from edge_irdet.cli.logs import LogFormat, start_logging


@pytest.fixture(autouse=True)
def _own_logger() -> Iterator[None]:
    logger = logging.getLogger("edge_irdet")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


def test_json_lines_carry_their_fields_without_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(LogFormat.JSON, "info")
    logger = logging.getLogger("edge_irdet.stream.capture")
    logger.info("source lost", extra={"source": "rtsp://me:hunter2@host/x", "attempts": 3})
    logger.debug("not at this level")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    assert event == {
        "level": "info",
        "event": "source lost",
        "logger": "edge_irdet.stream.capture",
        "source": "rtsp://***@host/x",
        "attempts": 3,
    }


def test_text_is_one_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(LogFormat.TEXT, "warning")
    logger = logging.getLogger("edge_irdet.stream.outputs")
    logger.warning("output failed", extra={"sink": "out.jsonl", "reason": "no\nspace"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"warning output failed sink='out.jsonl' reason='no\nspace'")


@pytest.mark.parametrize("form", list(LogFormat))
def test_an_unexpected_error_keeps_its_traceback_without_credentials(
    capsys: pytest.CaptureFixture[str], form: LogFormat
) -> None:
    start_logging(form, "warning")
    try:
        raise ValueError("mqtt://me:hunter2@broker/x is wrong")
    except ValueError as error:
        logging.getLogger("edge_irdet").warning("output failed", exc_info=error)
    text = capsys.readouterr().err
    assert "ValueError" in text
    assert "hunter2" not in text


def test_started_twice_each_event_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        start_logging(LogFormat.TEXT, "warning")
    logging.getLogger("edge_irdet").warning("once")
    assert capsys.readouterr().err.count("once") == 1
