"""Your own reaction to each record, as a sink: an alarm when a target is in the right half."""

from edge_irdet import (
    Detector,
    Frame,
    Pipeline,
    PipelineConfig,
    Record,
    Sink,
    StreamInfo,
    Tracker,
    open_source,
)


class Alarm(Sink):
    """Says once per track that it has come into the right half of the frame."""

    usage = "alarm"

    def open(self, info: StreamInfo) -> None:
        """Called once, before the first record."""
        self._known: set[int] = set()

    def write(self, frame: Frame, record: Record) -> None:
        """Called with each frame in order. Be quick, and copy frame.image if you keep it."""
        for track in record.tracks or []:
            if track.centre[0] > record.width / 2 and track.track_id not in self._known:
                self._known.add(track.track_id)
                print(f"frame {record.sequence}: track {track.track_id} is in the right half")

    def close(self) -> None:
        """Called once, at the end."""


source = open_source("synthetic:treeline?frames=150")
with Detector() as detector:
    Pipeline(source, detector, [Alarm("alarm")], PipelineConfig(tracker=Tracker)).run()
