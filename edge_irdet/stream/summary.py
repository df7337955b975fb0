"""What a stream did, in numbers."""

from __future__ import annotations

from edge_irdet.record import LossCounts
from edge_irdet.stream.status import Percentiles, SinkStatus


class StreamSummary(LossCounts, frozen=True, kw_only=True):
    """Figures of a stream from its start to now, over all sources, with what they have lost."""

    frames: int
    """Frames that went all the way to the sinks."""

    skip_reasons: tuple[str, ...]
    """The first skipped frames, each with its name and reason."""

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
