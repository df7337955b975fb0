"""A frame on its way through the stream, with what each stage adds to it."""

from __future__ import annotations

from dataclasses import dataclass

from edge_irdet.detection.detections import Detections
from edge_irdet.record import FrameCounts
from edge_irdet.stream.frame import Frame


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame with what had been lost of its source before it."""

    source_index: int
    """Which source it is of."""

    frame: Frame
    """Its ``discontinuity`` is set where frames were dropped since the last delivery."""

    counts: FrameCounts
    """What the source had lost up to this frame, and what waits behind it."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A frame that comes out of the detector."""

    delivery: Delivery
    """The frame."""

    detections: Detections
    """What was found in it."""

    received_ns: int
    """When the detector got it, monotonic clock."""

    detected_ns: int
    """When the detector had finished with it, monotonic clock."""
