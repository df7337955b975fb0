"""The record: what a tracker, a file or another machine gets to know about one frame.

Whoever reads records needs this module and nothing else of the package: no NumPy, no OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, get_type_hints

import msgspec

from edge_irdet.errors import RecordInvalidError
from edge_irdet.errors.installation import UPDATE_STEP

RECORD_SCHEMA = 2
"""Version of the record this package writes and the newest it reads. Version 1 lacked what has a default
here, and its ``centroid`` was the middle of the box."""

Dropped = Annotated[
    int, msgspec.Meta(ge=0, description="Frames captured, then replaced by a newer one before detection.")
]
Skipped = Annotated[int, msgspec.Meta(ge=0, description="Frames that could not be read.")]
Missed = Annotated[
    int,
    msgspec.Meta(
        ge=0, description="Frames that the device made and never delivered, by gaps in its own numbering."
    ),
]
Interruptions = Annotated[
    int, msgspec.Meta(ge=0, description="Times that the source was lost and came back; not frames.")
]
Queued = Annotated[
    int, msgspec.Meta(ge=0, description="Frames that waited behind this one when the detector took it.")
]


class LossCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was lost, from the start of the stream on: each counter only ever grows.

    The counters are defined here and nowhere else; whatever has them inherits them. Only :class:`Record`
    names them again, without a text of its own: its fields have the order of its line.
    """

    dropped: Dropped = 0
    skipped: Skipped = 0
    missed: Missed = 0
    interruptions: Interruptions = 0


class FrameCounts(LossCounts, frozen=True, kw_only=True):
    """What a source had lost up to one frame, and what waited behind that frame."""

    queued: Queued = 0


def count_descriptions() -> dict[str, str]:
    """One sentence on each counter of :class:`FrameCounts`, by its name."""
    hints = get_type_hints(FrameCounts, include_extras=True)
    return {name: hints[name].__metadata__[0].description for name in FrameCounts.__struct_fields__}


class DetectionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One detection."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in continuous pixels of the source frame: column ``i`` covers [i, i + 1)."""

    score: float
    """Confidence, 0..1."""

    class_id: int
    """Index into the classes of the package."""

    class_name: str
    """Name of that class."""

    centroid: tuple[float, float]
    """x, y of the target's centre of brightness in the same pixels, measured in the source frame to a
    fraction of a pixel."""

    scr: float | None = None
    """Local signal-to-clutter ratio: how far the target stands out from its surroundings, in standard
    deviations of the surroundings; null without surroundings."""

    track_id: int | None = None
    """Confirmed track that took this detection; null without one."""


class TrackState(str, Enum):
    """How sure a track is of its target in this frame."""

    CONFIRMED = "confirmed"
    """Seen in this frame."""

    COASTING = "coasting"
    """Not seen in this frame; its place is predicted."""


class TrackRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One confirmed track."""

    track_id: int
    """Number from 1, never reused in a stream."""

    state: TrackState
    """``confirmed``: seen in this frame; ``coasting``: not seen, position predicted."""

    centre: tuple[float, float]
    """x, y of the estimated position in continuous pixels."""

    velocity: tuple[float, float]
    """x, y in pixels per second."""

    sigma: float
    """Standard deviation of the estimated position in pixels, the larger of its two axes."""

    box: tuple[float, float, float, float]
    """Box of the last detection, moved to ``centre``."""

    class_id: int
    """Class of the last detection."""

    score: float
    """Score of the last detection, 0..1."""

    hits: int
    """Number of frames in which it was seen."""

    missed: int
    """Number of frames since it was last seen."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One frame's record. An empty ``detections`` means: the frame was processed, and nothing was found."""

    schema: Annotated[int, msgspec.Meta(ge=1)] = RECORD_SCHEMA
    """Version of this layout; a reader rejects a higher one."""

    source: str
    """URI of the source, without credentials; a second source with the same URI is ``URI #2``."""

    sequence: int
    """Number of the frame at the source, from 0; it continues over interruptions."""

    capture_ns: int
    """Capture time, ns of ``CLOCK_MONOTONIC`` of the machine that runs the stream; not the time of day."""

    emit_ns: int
    """Time the record was made, same clock; ``emit_ns - capture_ns`` is the age of the result."""

    width: int
    """Width of the source frame, pixels."""

    height: int
    """Height of the source frame, pixels."""

    pixel_format: str
    """``GREY`` (8 bits) or ``Y16``."""

    dropped: Dropped
    skipped: Skipped
    missed: Missed = 0
    interruptions: Interruptions = 0
    queued: Queued = 0
    # Of this source, up to this frame: see FrameCounts. Version 1 had the first two only.

    discontinuity: bool
    """Frames are missing before this one, or its size differs: do not interpolate across it."""

    shutter: bool = False
    """The camera's shutter was closed (flat-field correction), or the frame shows nothing: the absence of
    detections says nothing about the scene."""

    detections: list[DetectionRecord]
    """Detections, best score first."""

    tracks: list[TrackRecord] | None = None
    """Confirmed tracks by number; null without a tracker."""


UNDECODABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What a decoder raises: UnicodeError of text that is not UTF-8, RecursionError of one nested too deep."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


@dataclass(frozen=True, slots=True)
class TrackUpdate:
    """What a tracker made of one frame's detections."""

    track_ids: Sequence[int | None]
    """[n] the confirmed track that took each detection."""

    tracks: list[TrackRecord]
    """All confirmed tracks, by number."""


def encode_record(record: Record) -> bytes:
    """One line of JSON without its newline; floats are written so that they read back equal."""
    return _encoder.encode(record)


def decode_record(line: bytes | str) -> Record:
    """Read a record back.

    Raises:
        RecordInvalidError: not a record, or of a newer schema.
    """
    try:
        record = _decoder.decode(line)
    except UNDECODABLE as error:
        if (schema := _schema_of(line)) > RECORD_SCHEMA:
            raise _newer(schema) from error
        raise RecordInvalidError(
            f"the line is not a record: {error}", "check that the file is what edge-irdet stream wrote"
        ) from error
    if record.schema > RECORD_SCHEMA:
        # It may look alike and mean something else.
        raise _newer(record.schema)
    return record


def _newer(schema: int) -> RecordInvalidError:
    return RecordInvalidError(
        f"the record has schema {schema}; this edge-irdet reads up to {RECORD_SCHEMA}", UPDATE_STEP
    )


def _schema_of(line: bytes | str) -> int:
    try:
        return msgspec.json.decode(line, type=_SchemaOnly).schema
    except UNDECODABLE:
        return 0


class _SchemaOnly(msgspec.Struct):
    schema: int = 0
