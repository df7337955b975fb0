"""Records as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from edge_irdet.errors import RecordInvalidError
from edge_irdet.record import Record, decode_record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.earlier_lines import require_own
from edge_irdet.stream.sinks.line_file import LineFile, standard_output
from edge_irdet.stream.sinks.output_file import open_to_append
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

RECORD_START = b'{"schema":'
"""How every record begins."""


class JsonLinesSink(Sink):
    """One record a line, written as soon as it is made, behind those that are in the file.

    Args:
        path: the file; None is standard output.
        overwrite: whether records that are in the file are removed.
    """

    usage: ClassVar[str] = "PATH.jsonl or -   one JSON record per frame, to a file or standard output"

    def __init__(self, path: Path | None, overwrite: bool = False) -> None:
        super().__init__("standard output" if path is None else str(path))
        self.path = path
        self._overwrite = overwrite
        self._file: LineFile | None = None

    def open(self, info: StreamInfo) -> None:
        """Open the file behind its last whole record.

        Raises:
            OutputTakenError: it holds something else, is a link, or somebody else writes it.
            OutputFailedError: it cannot be made.
        """
        file = standard_output() if self.path is None else open_to_append(self.path, self._overwrite)
        self._file = LineFile(file)
        if self.path is not None:
            try:
                require_own(file, "records", _is_record, _is_record, RECORD_START)
            except BaseException:
                self.close()
                raise

    def write(self, frame: Frame, record: Record) -> None:
        """Append the record."""
        assert self._file is not None
        self._file.write(encode_record(record))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _is_record(line: bytes) -> bool:
    try:
        decode_record(line)
    except RecordInvalidError:
        return False
    return True
