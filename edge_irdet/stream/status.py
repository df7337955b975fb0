"""What a running stream says about itself; :class:`edge_irdet.stream.board.StreamBoard` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.record import LossCounts


@dataclass(frozen=True)
class Percentiles:
    """Median and tail of a duration, milliseconds; None where nothing was measured."""

    p50: float | None
    p90: float | None
    p99: float | None


class SourceState(str, Enum):
    """Where a source is between its start and its end."""

    CONNECTING = "connecting"
    """Being opened, for the first time or again."""

    RUNNING = "running"
    """Gives frames."""

    STALLED = "stalled"
    """Open, but has given nothing for longer than its time-out."""

    LOST = "lost"
    """Failed or hung, and is being closed."""

    WAITING = "waiting"
    """Lost; the next attempt comes after a pause."""

    ENDED = "ended"
    """Its last frame has been read, or it was given up."""


class SourceStatus(LossCounts, frozen=True, kw_only=True):
    """One source now, with what it has lost."""

    source: str
    """URI without credentials."""

    state: SourceState
    """Where it is."""

    since_ns: int
    """When it came to this state, monotonic clock."""

    frames: int
    """Frames that became records."""

    fps: float | None
    """Records per second over the last seconds; None before there are two."""

    width: int
    """Of the last frame, pixels; 0 before the first."""

    height: int
    """Of the last frame, pixels; 0 before the first."""

    pixel_format: str
    """Of the last frame, ``GREY`` or ``Y16``; empty before the first."""

    last_capture_ns: int | None
    """Capture of the last frame that became a record, monotonic clock."""

    last_error: str | None
    """Why it was lost the last time, without credentials."""

    degraded: bool
    """Whether more of its frames were skipped or missed of late than came."""


class SinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One sink now."""

    sink: str
    """Its name, without credentials."""

    offered: int
    """Records it was given."""

    written: int
    """Records it took."""

    lost: int
    """Records it could not take, or took and lost on their way."""

    failing: bool
    """Whether it failed to take the last record."""

    last_loss_ns: int | None
    """When it last lost a record, monotonic clock; None where it has lost none."""

    degraded: bool
    """Whether it is failing, or has lost a record of late."""

    last_error: str | None
    """Why it failed the last time."""

    file: str | None = None
    """The file it writes, where that may have another name than the one that was asked for."""


class StreamStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A stream now."""

    detector: DetectorDescription
    """Package, precision and runtime that run, and why."""

    started_ns: int
    """Start, monotonic clock."""

    now_ns: int
    """When this was written, monotonic clock."""

    last_record_ns: int | None
    """When the last record was made, monotonic clock."""

    sources: list[SourceStatus]
    """In the order in which they were named."""

    sinks: list[SinkStatus]
    """In the order in which they were named."""

    latency_ms: Percentiles
    """From capture to the record handed to all sinks."""

    detector_ms: Percentiles
    """Preprocess, inference, suppression."""

    sinks_ms: Percentiles
    """All sinks together."""
