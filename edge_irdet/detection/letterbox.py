"""Fitting a frame into the network input and bringing boxes back, as the manifest's preprocess spec says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a source frame lies in the network input.

    A point maps as ``network = source * scale + offset`` in continuous pixels, for each axis.
    """

    width: int
    """Width of the scaled frame in network pixels."""

    height: int
    """Height of the scaled frame in network pixels."""

    left: int
    """Padding columns left of it."""

    top: int
    """Padding rows above it."""

    scale_x: float
    """Network pixels a source pixel along x; rounding makes it differ a little from ``scale_y``."""

    scale_y: float
    """Network pixels a source pixel along y."""

    source_width: int
    """Width of the source frame."""

    source_height: int
    """Height of the source frame."""

    _scale: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _offset: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _limits: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made here: a placement lasts as long as frames keep their size, its methods run every frame.
        set_once = object.__setattr__
        set_once(self, "_scale", np.array([self.scale_x, self.scale_y] * 2, np.float32))
        set_once(self, "_offset", np.array([self.left, self.top] * 2, np.float32))
        set_once(self, "_limits", np.array([self.source_width, self.source_height] * 2, np.float32))

    def to_network(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 4] xyxy source pixels -> network pixels."""
        return boxes * self._scale + self._offset

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 4] xyxy network pixels -> source pixels, not clipped."""
        return (boxes - self._offset) / self._scale

    def to_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 4] xyxy network pixels -> source pixels, clipped to the source frame."""
        source = self.to_source(boxes)
        np.maximum(source, 0, out=source)
        return np.minimum(source, self._limits, out=source)


def fit_frame(source: tuple[int, int], network: tuple[int, int]) -> Placement:
    """Placement of a frame of ``source`` (width, height) in an input of ``network`` (width, height)."""
    scale = min(network[0] / source[0], network[1] / source[1])
    width = max(1, min(network[0], math.floor(source[0] * scale + 0.5)))
    height = max(1, min(network[1], math.floor(source[1] * scale + 0.5)))
    return Placement(
        width=width,
        height=height,
        left=(network[0] - width) // 2,
        top=(network[1] - height) // 2,
        scale_x=width / source[0],
        scale_y=height / source[1],
        source_width=source[0],
        source_height=source[1],
    )


def letterbox(image: NDArray[np.uint8], placement: Placement, out: NDArray[np.uint8]) -> None:
    """Scale ``image`` [h, w] into its place in ``out`` [H, W]; the padding of ``out`` is left as it is."""
    inside = out[
        placement.top : placement.top + placement.height, placement.left : placement.left + placement.width
    ]
    if image.shape == inside.shape:
        inside[...] = image
    else:
        # The exact variant gives the same bytes on every processor; the plain one differs by a level between
        # x86 and ARM, which no golden array would survive. It costs some 0.03 ms a frame.
        size = (placement.width, placement.height)
        cv2.resize(image, size, dst=inside, interpolation=cv2.INTER_LINEAR_EXACT)
