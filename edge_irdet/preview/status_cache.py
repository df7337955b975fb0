"""The stream's status, taken from its board at most a few times per second, however many look."""

from __future__ import annotations

import time

import msgspec

from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.health import Health, HealthLimits, judge_health
from edge_irdet.stream.status import SourceStatus, StreamStatus

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
    """Holds the newest status. It belongs to the server's thread.

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
            self._stream = self._board.status()
        return self._stream

    def health(self) -> Health:
        """The judgement of now."""
        return judge_health(self.stream(), time.monotonic_ns(), self._limits)

    def source_at(self, index: int) -> SourceStatus | None:
        """A source's status by its place; None for a place without a source."""
        sources = self.stream().sources
        return sources[index] if 0 <= index < len(sources) else None
