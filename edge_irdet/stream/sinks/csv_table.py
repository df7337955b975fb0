"""Detections as a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import ClassVar

from edge_irdet.record import DetectionRecord, Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.line_file import LineFile
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


class CsvSink(Sink):
    """One row per detection, after a header; a frame without detections has one row with their columns empty.

    Numbers are written so that they read back equal, truth values as 1 and 0, what is unknown as nothing. All
    rows of a frame are written at once: a reader finds all of them or none. Tracks that no detection of the
    frame belongs to (coasting ones) are not in the table.

    Args:
        path: the file.
    """

    usage: ClassVar[str] = "PATH.csv   one row per detection"

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self._file: LineFile | None = None
        self._text = io.StringIO(newline="")
        # Only with this ending does the library quote both line characters in a name.
        self._writer = csv.writer(self._text, lineterminator="\r\n")

    def open(self, info: StreamInfo) -> None:
        """Make the file with its header.

        Raises:
            OutputFailedError: it cannot be made, or its header does not fit.
        """
        file = LineFile(self.path)
        try:
            file.write(self._row((*FRAME_COLUMNS, *DETECTION_COLUMNS)))
        except BaseException:
            file.close()
            raise
        self._file = file

    def write(self, frame: Frame, record: Record) -> None:
        """Append the frame's rows."""
        assert self._file is not None
        start = _frame_values(record)
        found = [_detection_values(one) for one in record.detections] or [("",) * len(DETECTION_COLUMNS)]
        self._file.write(b"\n".join(self._row((*start, *values)) for values in found))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

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
