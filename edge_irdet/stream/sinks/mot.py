"""Detections as MOTChallenge text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.line_file import LineFile
from edge_irdet.stream.sinks.output_file import open_new
from edge_irdet.stream.sinks.sink import Sink, StreamInfo


class MotSink(Sink):
    """``frame,id,left,top,width,height,score,-1,-1,-1`` per detection.

    Frames count from 1, so a frame is its sequence number plus one; the id is the track's, or -1. The format
    counts pixels from 1 as well: left and top are ours plus one (MOTChallenge development kit).

    Frames are numbered from 1 in each file, so each start takes a new one.

    Args:
        path: the file.
        overwrite: whether the file is replaced if it is there.
    """

    usage: ClassVar[str] = "PATH.txt or mot:PATH   MOTChallenge text"
    shared: ClassVar[bool] = False

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        super().__init__(str(path))
        self.path = path
        self._overwrite = overwrite
        self._file: LineFile | None = None

    def open(self, info: StreamInfo) -> None:
        """Make the file.

        Raises:
            OutputTakenError: it is a link.
            OutputFailedError: it cannot be made.
        """
        file = open_new(self.path, self._overwrite)
        self.file = str(file.path)
        self._file = LineFile(file)

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
