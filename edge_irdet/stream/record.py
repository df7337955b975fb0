"""The record: what a tracker, a file or another machine gets to know about one frame."""

from __future__ import annotations

from typing import Annotated

import msgspec

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import RecordInvalidError
from edge_irdet.stream.frame import Frame

RECORD_SCHEMA = 1
"""Version of the record this package writes and the newest it reads."""


class DetectionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detection."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in continuous pixels of the source frame: column ``i`` covers [i, i + 1)."""

    score: float
    """0..1."""

    class_id: int
    """Index into the package's classes."""

    class_name: str
    """The class's name."""

    centroid: tuple[float, float]
    """x, y in the same pixels; the box's centre."""

    track_id: int | None = None
    """Number of the track, null without a tracker."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One frame's record. An empty ``detections`` means: looked, and found none."""

    schema: Annotated[int, msgspec.Meta(ge=1)] = RECORD_SCHEMA
    """Version of this layout."""

    source: str
    """The source's URI without credentials."""

    sequence: int
    """Number of the frame at its source, from 0."""

    capture_ns: int
    """Capture, ns of the machine's monotonic clock."""

    emit_ns: int
    """When the record was made, same clock."""

    width: int
    """Of the source frame, pixels."""

    height: int
    """Of the source frame, pixels."""

    pixel_format: str
    """``GREY`` (8 bits) or ``Y16``."""

    dropped: int
    """Frames of this source that were captured and dropped so far, because a newer one came first."""

    skipped: int
    """Frames of this source that could not be read so far."""

    discontinuity: bool
    """Something is missing before this frame, or its size is another."""

    detections: list[DetectionRecord]
    """Best score first."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def make_record(
    frame: Frame, detections: Detections, classes: tuple[str, ...], emit_ns: int, dropped: int, skipped: int
) -> Record:
    """Put a frame's detections into a record."""
    boxes, centres = detections.boxes.tolist(), detections.centres.tolist()
    rows = zip(boxes, centres, detections.scores.tolist(), detections.classes.tolist(), strict=True)
    return Record(
        source=frame.source,
        sequence=frame.sequence,
        capture_ns=frame.capture_ns,
        emit_ns=emit_ns,
        width=frame.image.shape[1],
        height=frame.image.shape[0],
        pixel_format=frame.pixel_format.value,
        dropped=dropped,
        skipped=skipped,
        discontinuity=frame.discontinuity,
        detections=[
            DetectionRecord(tuple(box), score, class_id, classes[class_id], tuple(centre))
            for box, centre, score, class_id in rows
        ],
    )


def encode_record(record: Record) -> bytes:
    """One line of JSON without its newline; floats are written so that they read back equal."""
    return _encoder.encode(record)


def decode_record(line: bytes | str) -> Record:
    """Read a record back.

    Raises:
        RecordInvalidError: not a record, or of a newer schema.
    """
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as error:
        reason = str(error)
        try:
            schema = msgspec.json.decode(line, type=_SchemaOnly).schema
        except msgspec.DecodeError:
            schema = 0
        if schema > RECORD_SCHEMA:
            raise RecordInvalidError(
                f"the record has schema {schema}; this edge-irdet reads up to {RECORD_SCHEMA}",
                "update edge-irdet: pip install --upgrade edge-irdet",
            ) from error
        raise RecordInvalidError(
            f"the line is not a record: {reason}", "check that the file is what edge-irdet stream wrote"
        ) from error


class _SchemaOnly(msgspec.Struct):
    schema: int = 0
