"""What a stream did, in numbers."""

from __future__ import annotations

from edge_irdet.errors import FramesSkippedError, RecordsLostError
from edge_irdet.record import LossCounts
from edge_irdet.stream.status import Percentiles, SinkStatus


class StreamSummary(LossCounts, frozen=True, kw_only=True):
    """Figures of a stream from its start to now, over all sources, with what they have lost."""

    frames: int
    """Frames that went all the way to the sinks."""

    skip_reasons: tuple[str, ...]
    """The first skipped frames, each with its name and reason."""

    live: bool
    """Whether a source is live."""

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
        """Frames per second, end to end."""
        return self.frames / self.seconds if self.seconds > 0 and self.frames else None

    def require_complete(self) -> None:
        """Check that nothing is missing from the results, as ``edge-irdet stream`` does for its exit code.

        Raises:
            RecordsLostError: an output lost records.
            FramesSkippedError: frames of a file could not be read. Of a camera they are counted and marked in
                the records: a torn frame now and then does not make weeks of running a failure.
        """
        losses = [sink for sink in self.sinks if sink.lost]
        if losses:
            raise RecordsLostError(
                "; ".join(
                    f"{sink.sink} lost {sink.lost} of {sink.offered} records ({sink.last_error})"
                    for sink in losses
                ),
                "remove the cause, for a full disk: df -h; every other record is written",
            )
        if self.skipped and not self.live:
            raise FramesSkippedError(
                f"{self.skipped} of {self.frames + self.skipped} frames could not be read and were "
                f"skipped: {'; '.join(self.skip_reasons)}",
                "replace or remove these files; the records of all other frames are written",
            )
