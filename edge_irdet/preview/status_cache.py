"""The stream's status, taken from its board at most a few times per second, however many look."""

from __future__ import annotations

import time

import msgspec

from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.health import Health, HealthLimits, judge_health
from edge_irdet.stream.status import SinkStatus, SourceStatus, StreamStatus
from edge_irdet.stream.uri import redact_uri

FRESH_NS = 250_000_000


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a page is told beside the pictures."""

    stream: StreamStatus
    """The stream now."""

    health: Health
    """Judgement of the same moment."""

    viewers: int
    """Pages and plain streams that are being served."""


class StatusCache:
    """Holds the newest status, without credentials. It belongs to the server's thread.

    Args:
        board: where the stream writes how it is.
        limits: for the judgement.
    """

    def __init__(self, board: StreamBoard, limits: HealthLimits) -> None:
        self._board = board
        self._limits = limits
        self._taken_ns = 0
        self._stream: StreamStatus | None = None

    def stream(self) -> StreamStatus:
        """The status."""
        now = time.monotonic_ns()
        if self._stream is None or now - self._taken_ns > FRESH_NS:
            self._taken_ns = now
            self._stream = redacted(self._board.status())
        return self._stream

    def health(self) -> Health:
        """The judgement of now."""
        return judge_health(self.stream(), time.monotonic_ns(), self._limits)

    def source_at(self, index: int) -> SourceStatus | None:
        """A source's status by its place, None where there is none."""
        sources = self.stream().sources
        return sources[index] if 0 <= index < len(sources) else None


def redacted(status: StreamStatus) -> StreamStatus:
    """The same status without credentials in its names and errors, whoever filled it in."""
    return msgspec.structs.replace(
        status,
        sources=[_redacted_source(source) for source in status.sources],
        sinks=[_redacted_sink(sink) for sink in status.sinks],
    )


def _redacted_source(source: SourceStatus) -> SourceStatus:
    error = None if source.last_error is None else redact_uri(source.last_error)
    return msgspec.structs.replace(source, source=redact_uri(source.source), last_error=error)


def _redacted_sink(sink: SinkStatus) -> SinkStatus:
    error = None if sink.last_error is None else redact_uri(sink.last_error)
    return msgspec.structs.replace(sink, sink=redact_uri(sink.sink), last_error=error)
