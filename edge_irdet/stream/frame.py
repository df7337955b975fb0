"""One frame on its way from a source to the sinks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_FRAMES_IN_FLIGHT = 10
"""Frames that may be alive at once between a source and the end of the sinks' work on them."""

MAX_RING_IMAGES = 2 * MAX_FRAMES_IN_FLIGHT

_REFERENCES_WHEN_FREE = 3
"""Of the ring's list, of the variable in :meth:`ImageRing.take`, of the call that counts. A NumPy view refers
to the array that owns the numbers, so it counts as well."""


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

    The image belongs to the source, which writes into it again when nobody refers to it or to a view of it
    any more.
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


class ImageRing:
    """Images of equal shape that a source fills in turn, so that nothing is allocated a frame.

    An image is given out again only when nobody holds it any more, however long a detector or an output
    takes: a live source does not wait for them, and must not write into a frame that they are still at. There
    are as many images as frames were ever in flight at once.
    """

    def __init__(self) -> None:
        self._images: list[NDArray[Any]] = []
        self._next = 0

    def take(self, shape: tuple[int, int], dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
        """The image to fill next; a new shape or dtype starts a new ring."""
        if self._images and (self._images[0].shape != shape or self._images[0].dtype != dtype):
            self._images, self._next = [], 0
        for _ in range(len(self._images)):
            image = self._images[self._next]
            self._next = (self._next + 1) % len(self._images)
            if sys.getrefcount(image) <= _REFERENCES_WHEN_FREE:
                return image
        image = np.zeros(shape, dtype)
        # Whoever keeps frames for good gets new ones, but the ring does not grow with that.
        if len(self._images) < MAX_RING_IMAGES:
            self._images.append(image)
        return image


def pixel_format_of(image: NDArray[np.generic]) -> PixelFormat:
    """The format of a grey image by its dtype."""
    return PixelFormat.Y16 if image.dtype == np.uint16 else PixelFormat.GREY
