"""From a loose box around a target to the target's own extent in the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

EXTENT_LEVELS = (0.35, 0.5, 0.65)
"""Shares of the peak contrast above which a pixel belongs to the target. Of the levels 0.15 to 0.6 the
first agrees best with the extents that people drew in NUAA-SIRST's train list: 93 % of the boxes at
IoU >= 0.5, median IoU 0.80, median ratio of the sides 1.0. The next ones are for a target in front of a cloud
or edge that the lower level would join to it."""

RING = 3
"""Width, in pixels, of the frame around the loose box that the background is taken from."""

CENTRAL = 0.3
"""The peak is looked for within this share of the sides from the box's centre, or ``CENTRAL_PIXELS``."""

CENTRAL_PIXELS = 3.0

LEAST_CONTRAST = 3.0
"""A peak below this many standard deviations of the background is no target that can be outlined."""

LEAST_DEVIATION = 1.5
"""Grey levels; compressed video leaves flat skies flatter than their grain was."""

LARGEST_FILL = 0.7
"""A component that covers more of the loose box than this is a target that fills it."""

LEAST_SIDE = 2.0
"""Pixels; optics spread a point over about two, and thinner boxes have no overlap to speak of."""

FALLBACK_SHARE = 0.3
"""Sides of the box that stands in where the target cannot be outlined, as a share of the loose ones: the
median of those that can be."""


@dataclass(frozen=True, slots=True)
class Extent:
    """A target as the image shows it."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in continuous pixels."""

    pixels: NDArray[np.bool_] | None
    """[rows, columns] the target's pixels within the loose box rounded outwards to whole pixels; None where
    the box is a stand-in or the loose box itself."""


def tight_extent(image: NDArray[np.uint8], loose: tuple[float, float, float, float]) -> Extent:
    """The extent of the one target that a loose box surrounds.

    The background is the median of a frame around the box; the target is the 8-connected component, around
    the brightest (or, if it stands out more, the darkest) pixel near the box's centre, of pixels with at
    least the first of :data:`EXTENT_LEVELS` of that pixel's contrast, or the next level where the component
    crosses the whole loose box along an axis. A target that fills the box keeps it. Where nothing stands out,
    or the component crosses the box at every level, the box is a stand-in: centred, with
    :data:`FALLBACK_SHARE` of the sides.

    Args:
        image: [H, W], 8 bits.
        loose: left, top, right, bottom in continuous pixels, within the image.
    """
    height, width = image.shape
    left, top = int(max(0, np.floor(loose[0]))), int(max(0, np.floor(loose[1])))
    right, bottom = int(min(width, np.ceil(loose[2]))), int(min(height, np.ceil(loose[3])))
    outer = image[
        max(0, top - RING) : min(height, bottom + RING), max(0, left - RING) : min(width, right + RING)
    ].astype(np.float32)
    inside_row, inside_column = min(top, RING), min(left, RING)
    inner = outer[inside_row : inside_row + bottom - top, inside_column : inside_column + right - left]
    around = np.ones(outer.shape, np.bool_)
    around[inside_row : inside_row + bottom - top, inside_column : inside_column + right - left] = False
    background = outer[around] if around.any() else outer.ravel()
    level = float(np.median(background))
    deviation = max(LEAST_DEVIATION, 1.4826 * float(np.median(np.abs(background - level))))
    contrast = inner - np.float32(level)
    central = _central(loose, left, top, contrast.shape)
    if not central.any():
        return _stand_in(loose)
    brightest = float(contrast[central].max())
    darkest = float(-contrast[central].min())
    if darkest > brightest:
        contrast, brightest = -contrast, darkest
    if brightest < LEAST_CONTRAST * deviation:
        return _stand_in(loose)
    row, column = np.unravel_index(int(np.where(central, contrast, -np.inf).argmax()), contrast.shape)
    for share in EXTENT_LEVELS:
        above = (contrast >= share * brightest).astype(np.uint8)
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
        own = int(labels[row, column])
        x, y, w, h, area = (int(value) for value in statistics[own])
        if area > LARGEST_FILL * contrast.size and share == EXTENT_LEVELS[0]:
            return Extent(loose, None)
        if (w < contrast.shape[1] or w <= RING) and (h < contrast.shape[0] or h <= RING):
            box = (float(left + x), float(top + y), float(left + x + w), float(top + y + h))
            return Extent(_at_least(box, width, height), labels == own)
    return _stand_in(loose)


def _at_least(
    box: tuple[float, float, float, float], width: int, height: int
) -> tuple[float, float, float, float]:
    grow_x = max(0.0, LEAST_SIDE - (box[2] - box[0])) / 2
    grow_y = max(0.0, LEAST_SIDE - (box[3] - box[1])) / 2
    return (
        max(0.0, box[0] - grow_x),
        max(0.0, box[1] - grow_y),
        min(float(width), box[2] + grow_x),
        min(float(height), box[3] + grow_y),
    )


def _central(
    loose: tuple[float, float, float, float], left: int, top: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    centre_x, centre_y = (loose[0] + loose[2]) / 2 - left, (loose[1] + loose[3]) / 2 - top
    reach_x = max(CENTRAL_PIXELS, CENTRAL * (loose[2] - loose[0]))
    reach_y = max(CENTRAL_PIXELS, CENTRAL * (loose[3] - loose[1]))
    across = np.abs(np.arange(shape[1]) + 0.5 - centre_x) <= reach_x
    down = np.abs(np.arange(shape[0]) + 0.5 - centre_y) <= reach_y
    central: NDArray[np.bool_] = down[:, None] & across[None, :]
    return central


def _stand_in(loose: tuple[float, float, float, float]) -> Extent:
    centre_x, centre_y = (loose[0] + loose[2]) / 2, (loose[1] + loose[3]) / 2
    half_width = max(1.0, FALLBACK_SHARE * (loose[2] - loose[0]) / 2)
    half_height = max(1.0, FALLBACK_SHARE * (loose[3] - loose[1]) / 2)
    box = (
        max(loose[0], centre_x - half_width),
        max(loose[1], centre_y - half_height),
        min(loose[2], centre_x + half_width),
        min(loose[3], centre_y + half_height),
    )
    return Extent(box, None)
