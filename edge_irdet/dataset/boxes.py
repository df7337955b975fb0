"""Boxes and masks of targets: checking the one, making either from the other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import LabelInvalidError

ROUNDING_SLACK = 1.0
"""Pixels by which a labelled box may overreach its image and is still clipped: the rounding of normalised
or integer coordinates. More than this is a wrong label."""


def checked_box(
    corners: Sequence[float], width: int, height: int, where: str
) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom clipped to the image.

    Args:
        corners: left, top, right, bottom in continuous pixels.
        width: of the image.
        height: of the image.
        where: file and line (or element), for the message.

    Raises:
        LabelInvalidError: a value is not finite, the box has no area, or it overreaches the image by more
            than ``ROUNDING_SLACK``.
    """
    left, top, right, bottom = corners
    shown = ", ".join(f"{value:g}" for value in corners)
    if not all(math.isfinite(value) for value in corners):
        raise LabelInvalidError(
            f"{where}: the box ({shown}) holds a value that is not a number", f"correct {where}"
        )
    if right <= left or bottom <= top:
        raise LabelInvalidError(f"{where}: the box ({shown}) has no area", f"correct or remove {where}")
    overreach = max(-left, -top, right - width, bottom - height)
    if overreach > ROUNDING_SLACK:
        raise LabelInvalidError(
            f"{where}: the box ({shown}) reaches {overreach:g} px outside the {width}x{height} image",
            f"correct {where}, or check that the label belongs to this image",
        )
    clipped = max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        raise LabelInvalidError(
            f"{where}: the box ({shown}) lies outside the {width}x{height} image", f"correct {where}"
        )
    return clipped


def box_array(boxes: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """[n, 4] float32 of ``boxes``, also for n = 0."""
    return np.asarray(boxes, np.float32).reshape(-1, 4)


def boxes_of_mask(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Boxes of the 8-connected components of a mask, ordered as OpenCV labels them (top row first).

    Args:
        mask: [H, W], non-zero on targets.

    Returns:
        [n, 4] left, top, right, bottom in continuous pixels; a component of one pixel has a 1x1 box.
    """
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    components = np.asarray(statistics[1:, :4], np.float32)
    components[:, 2:] += components[:, :2]
    return components


def mask_of_boxes(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.uint8]:
    """Stand-in mask of a set without masks: the ellipse inscribed in each box.

    A pixel belongs to the ellipse when its centre does. A box too small to hold any pixel's centre marks the
    pixel under its own centre, so that every target leaves at least one pixel.

    Args:
        boxes: [n, 4] within the image.
        width: of the image.
        height: of the image.

    Returns:
        [height, width], 1 on targets, 0 elsewhere.
    """
    mask = np.zeros((height, width), np.uint8)
    for left, top, right, bottom in boxes.tolist():
        centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
        columns = np.arange(math.floor(left), min(math.ceil(right), width))
        rows = np.arange(math.floor(top), min(math.ceil(bottom), height))
        across = (columns + 0.5 - centre_x) / ((right - left) / 2)
        down = (rows + 0.5 - centre_y) / ((bottom - top) / 2)
        inside = across[None, :] ** 2 + down[:, None] ** 2 <= 1.0
        if inside.any():
            mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] |= inside.astype(np.uint8)
        else:
            mask[min(int(centre_y), height - 1), min(int(centre_x), width - 1)] = 1
    return mask
