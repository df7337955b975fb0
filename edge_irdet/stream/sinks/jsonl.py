"""Records as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from edge_irdet.record import Record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.line_file import LineFile
from edge_irdet.stream.sinks.sink import Sink, StreamInfo


class JsonLinesSink(Sink):
    """One record a line, written as soon as it is made.

    Args:
        path: the file; None is standard output.
    """

    usage: ClassVar[str] = "PATH.jsonl or -   one JSON record per frame, to a file or standard output"

    def __init__(self, path: Path | None) -> None:
        super().__init__("standard output" if path is None else str(path))
        self.path = path
        self._file: LineFile | None = None

    def open(self, info: StreamInfo) -> None:
        """Make the file."""
        self._file = LineFile(self.path)

    def write(self, frame: Frame, record: Record) -> None:
        """Append the record."""
        assert self._file is not None
        self._file.write(encode_record(record))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
