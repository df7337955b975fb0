"""One labelled image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class MaskSource(str, Enum):
    """Where a sample's saliency mask comes from."""

    ANNOTATED = "annotated"
    """Drawn by people, pixel by pixel."""

    BOXES = "boxes"
    """Made from the boxes (the ellipse inscribed in each), because the set has no masks."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image, decoded.

    Coordinates are continuous pixels: pixel column ``i`` covers ``[i, i + 1)``.
    """

    name: str
    """Name in its set, unique there."""

    image: NDArray[np.uint8] | NDArray[np.uint16]
    """[H, W] grey, 8 or 16 bits as stored."""

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom; n may be 0."""

    classes: NDArray[np.int64]
    """[n] index into the set's class list."""

    mask: NDArray[np.uint8]
    """[H, W] 1 on targets, 0 elsewhere."""

    mask_source: MaskSource
    """Whether the mask was annotated or made from the boxes."""
