"""One frame on its way from a source to the sinks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

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

    The image belongs to the source, which writes into it again after ``MAX_FRAMES_IN_FLIGHT`` further frames:
    whoever keeps it longer copies it.
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
    """Images of equal shape that a source fills in turn, so that nothing is allocated a frame."""

    def __init__(self) -> None:
        self._images: list[NDArray[Any]] = []
        self._next = 0

    def take(self, shape: tuple[int, int], dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
        """The image to fill next; a new shape or dtype starts a new ring."""
        if not self._images or self._images[0].shape != shape or self._images[0].dtype != dtype:
            self._images = [np.zeros(shape, dtype) for _ in range(MAX_FRAMES_IN_FLIGHT + 1)]
            self._next = 0
        image = self._images[self._next]
        self._next = (self._next + 1) % len(self._images)
        return image


def pixel_format_of(image: NDArray[np.generic]) -> PixelFormat:
    """The format of a grey image by its dtype."""
    return PixelFormat.Y16 if image.dtype == np.uint16 else PixelFormat.GREY
