"""Detections as a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import ClassVar

from edge_irdet.record import DetectionRecord, Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.earlier_lines import cut_after, lines_at_end, require_own
from edge_irdet.stream.sinks.line_file import LineFile
from edge_irdet.stream.sinks.output_file import OutputFile, open_to_append
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

FRAME_COLUMNS = (
    "source",
    "sequence",
    "capture_ns",
    "emit_ns",
    "frame_width",
    "frame_height",
    "pixel_format",
    "dropped",
    "skipped",
    "missed",
    "interruptions",
    "queued",
    "discontinuity",
    "shutter",
    "detections",
)
"""Equal in all rows of a frame; ``detections`` is how many rows of detections it has."""

DETECTION_COLUMNS = (
    "left",
    "top",
    "right",
    "bottom",
    "score",
    "class_id",
    "class_name",
    "centroid_x",
    "centroid_y",
    "scr",
    "track_id",
)
"""One detection; all empty in the one row of a frame without detections."""


COLUMNS = (*FRAME_COLUMNS, *DETECTION_COLUMNS)


class CsvSink(Sink):
    """One row per detection, after a header; a frame without detections has one row with their columns empty.

    Numbers are written so that they read back equal, truth values as 1 and 0, what is unknown as nothing. All
    rows of a frame are written at once: a reader finds all of them or none. Tracks that no detection of the
    frame belongs to (coasting ones) are not in the table.

    Rows follow those that are in the file, if its header is this one.

    Args:
        path: the file.
        overwrite: whether rows that are in the file are removed.
    """

    usage: ClassVar[str] = "PATH.csv   one row per detection"

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        super().__init__(str(path))
        self.path = path
        self._overwrite = overwrite
        self._file: LineFile | None = None
        self._text = io.StringIO(newline="")
        # Only with this ending does the library quote both line characters in a name.
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._header = self._row(COLUMNS)

    def open(self, info: StreamInfo) -> None:
        """Open the file behind its last whole frame; a new one gets its header.

        Raises:
            OutputTakenError: it has another header, is a link, or somebody else writes it.
            OutputFailedError: it cannot be made, or its header does not fit.
        """
        file = open_to_append(self.path, self._overwrite)
        lines = LineFile(file)
        try:
            self._require_own(file)
            if not file.regular or not file.size:
                lines.write(self._header)
        except BaseException:
            lines.close()
            raise
        self._file = lines

    def write(self, frame: Frame, record: Record) -> None:
        """Append the frame's rows; before them the header, where a log rotation has emptied the file."""
        assert self._file is not None
        start = _frame_values(record)
        found = [_detection_values(one) for one in record.detections] or [("",) * len(DETECTION_COLUMNS)]
        rows = [self._row((*start, *values)) for values in found]
        if self._file.is_empty():
            rows.insert(0, self._header)
        self._file.write(b"\n".join(rows))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _require_own(self, file: OutputFile) -> None:
        what = "a table with these columns"
        require_own(file, what, self._header.__eq__, _is_row, self._header)
        if not file.regular or not file.size:
            return
        # A power loss may have taken some rows of the last frame, which a reader counts on.
        lines, end = lines_at_end(file)
        cut_after(file, end - _rows_of_half_a_frame(lines))

    def _row(self, values: tuple[object, ...]) -> bytes:
        self._text.seek(0)
        self._text.truncate()
        self._writer.writerow(values)
        return self._text.getvalue()[:-2].encode()


def _frame_values(record: Record) -> tuple[object, ...]:
    return (
        record.source,
        record.sequence,
        record.capture_ns,
        record.emit_ns,
        record.width,
        record.height,
        record.pixel_format,
        record.dropped,
        record.skipped,
        record.missed,
        record.interruptions,
        record.queued,
        int(record.discontinuity),
        int(record.shutter),
        len(record.detections),
    )


def _detection_values(found: DetectionRecord) -> tuple[object, ...]:
    return (
        *found.box,
        found.score,
        found.class_id,
        found.class_name,
        *found.centroid,
        found.scr,
        found.track_id,
    )


def _is_row(line: bytes) -> bool:
    return len(_values(line)) == len(COLUMNS)


def _values(line: bytes) -> list[str]:
    return next(csv.reader([line.decode(errors="replace")]), [])


def _rows_of_half_a_frame(lines: list[bytes]) -> int:
    """Bytes of the last frame's rows with their newlines where some of its rows are missing, else 0."""
    last = _values(lines[-1])[: len(FRAME_COLUMNS)]
    count = next(
        (number for number, line in enumerate(reversed(lines)) if _values(line)[: len(last)] != last), 0
    )
    count = count or len(lines)
    wanted = last[-1]
    if not wanted.isdecimal() or count >= max(1, int(wanted)):
        return 0
    return sum(len(line) + 1 for line in lines[-count:])
