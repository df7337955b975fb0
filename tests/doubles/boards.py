"""Real boards, written to by a test in place of a pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.record import FrameCounts, Record
from edge_irdet.stream.board import SourceEntry, StreamBoard
from edge_irdet.stream.delivery import Delivery, Detected
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.status import SourceState
from edge_irdet.stream.uri import redact_uri

DESCRIPTION = DetectorDescription(
    package="test-package", precision="fp16", runtime="tensorrt", reason="written by a test"
)


def board_of(*sources: str, sinks: Sequence[str] = ("out.jsonl",)) -> StreamBoard:
    """A board on which all sources run and nothing has been seen yet."""
    board = StreamBoard(DESCRIPTION)
    for name in sources:
        board.add_source(name, live=True).enter(SourceState.RUNNING)
    for name in sinks:
        board.add_sink(name)
    return board


def entry_of(board: StreamBoard, source: str) -> SourceEntry:
    """A source's entry."""
    return next(entry for entry in board.sources if entry.uri == redact_uri(source))


def write_record(board: StreamBoard, frame: Frame, record: Record) -> None:
    """Count a frame and its record as the emit thread does."""
    entry = entry_of(board, record.source)
    entry.count_record(record)
    for sink in board.sinks:
        sink.count_written()
    delivery = Delivery(entry.index, frame, FrameCounts())
    detected = Detected(delivery, Detections.none(), frame.capture_ns, record.emit_ns)
    board.count_times(detected, record.emit_ns, time.monotonic_ns())


def turn(
    board: StreamBoard, source: str, state: SourceState, error: str | None = None, seconds_ago: float = 0.0
) -> None:
    """Bring a source into a state as its capture does, in the past if need be."""
    entry = entry_of(board, source)
    entry.enter(state, error)
    entry.since_ns = time.monotonic_ns() - round(seconds_ago * 1e9)
