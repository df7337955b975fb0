"""What a stream did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from edge_irdet.stream.status import Percentiles, SinkStatus


@dataclass(frozen=True)
class StreamSummary:
    """Figures of a stream from its start to now."""

    frames: int
    """Frames that went all the way to the sinks."""

    dropped: int
    """Frames that were captured and dropped because a newer one came (policy ``latest``)."""

    missed: int
    """Frames that a device made and that never arrived."""

    skipped: int
    """Frames that were there and could not be read."""

    skip_reasons: tuple[str, ...]
    """The first of them by name."""

    interruptions: int
    """How often sources were lost and came back."""

    detections: int
    """Detections in all frames."""

    seconds: float
    """From the first frame's arrival to the last record."""

    sinks: tuple[SinkStatus, ...]
    """What each output took and lost."""

    latency_ms: Percentiles
    """From capture to the record handed to all sinks."""

    detector_ms: Percentiles
    """Preprocess, inference, suppression."""

    sinks_ms: Percentiles
    """All sinks together."""

    @property
    def fps(self) -> float | None:
        """Frames a second, end to end."""
        return self.frames / self.seconds if self.seconds > 0 and self.frames else None
