"""Detections as MOTChallenge text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.line_file import LineFile
from edge_irdet.stream.sinks.sink import Sink, StreamInfo


class MotSink(Sink):
    """``frame,id,left,top,width,height,score,-1,-1,-1`` per detection.

    Frames count from 1, so a frame is its sequence number plus one; the id is the track's, or -1. The format
    counts pixels from 1 as well: left and top are ours plus one (MOTChallenge development kit).

    Args:
        path: the file.
    """

    usage: ClassVar[str] = "PATH.txt or mot:PATH   MOTChallenge text"
    shared: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self._file: LineFile | None = None

    def open(self, info: StreamInfo) -> None:
        """Make the file."""
        self._file = LineFile(self.path)

    def write(self, frame: Frame, record: Record) -> None:
        """Append one line per detection, all of a frame or none."""
        assert self._file is not None
        lines = []
        for found in record.detections:
            left, top, right, bottom = found.box
            track = -1 if found.track_id is None else found.track_id
            numbers = f"{left + 1:.3f},{top + 1:.3f},{right - left:.3f},{bottom - top:.3f},{found.score:.5f}"
            lines.append(f"{record.sequence + 1},{track},{numbers},-1,-1,-1")
        if lines:
            self._file.write("\n".join(lines).encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
