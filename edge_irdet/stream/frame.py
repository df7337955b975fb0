"""One frame on its way from a source to the sinks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

MAX_FRAMES_IN_FLIGHT = 10
"""Frames that may be alive at once between a source and the end of the sinks' work on them."""


class PixelFormat(str, Enum):
    """What a frame's numbers are."""

    GREY = "GREY"
    """8-bit grey, or the luma of a colour source."""

    Y16 = "Y16"
    """16-bit counts."""


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """What is really in a frame, where the source knows it (synthetic scenes)."""

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom in continuous pixels."""

    centroids: NDArray[np.float64]
    """[n, 2] x, y, sub-pixel."""

    track_ids: NDArray[np.int64]
    """[n] the same target has the same number in every frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Its source does not write into the image again while anybody holds it or a view of it
    (:class:`edge_irdet.stream.image_pool.ImagePool`).
    """

    image: NDArray[np.uint8] | NDArray[np.uint16]
    """[H, W] uint8 or uint16."""

    sequence: int
    """Number of the frame at its source, from 0; a gap is a frame that was lost or could not be read."""

    capture_ns: int
    """When it was captured, ns of the monotonic clock: the driver's stamp where there is one, else the moment
    at which it had been read."""

    source: str
    """The source's URI without credentials."""

    pixel_format: PixelFormat
    """What the numbers are."""

    discontinuity: bool = False
    """Something is missing before this frame, or its size is another: no tracker may bridge it blindly."""

    truth: FrameTruth | None = None
    """Ground truth where the source has it."""


def pixel_format_of(image: NDArray[np.generic]) -> PixelFormat:
    """The format of a grey image by its dtype."""
    return PixelFormat.Y16 if image.dtype == np.uint16 else PixelFormat.GREY
