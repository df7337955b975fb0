"""Which pixels of a mask are on a target: masks hold 0/1, 0/255, instance numbers, or soft edges."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import LabelInvalidError

FEW_VALUES = 4
"""A mask with at most this many values besides 0 holds classes or instances: each of them is target."""

NOISE = 1 / 16
"""Share of the greatest value up to which a value of a mask with many is the ringing of a lossy format."""

MOST_COVERED = 0.5
"""Share of the image that its targets may cover; a small-target mask that covers more is inverted."""


def targets_of_mask(values: NDArray[np.uint8] | NDArray[np.uint16], where: str) -> NDArray[np.uint8]:
    """Pixels on targets.

    - At most :data:`FEW_VALUES` values besides 0, or regions of one value each (instance numbers): every
      pixel that is not 0 is on a target.
    - Otherwise edges are soft: pixels above half of the greatest value are on a target, and lower ones are
      the edge of such a pixel's region. A region without one is neither, so the mask is refused.

    Args:
        values: [H, W] as stored.
        where: the file, for the message.

    Returns:
        [H, W], 1 on targets, 0 elsewhere.

    Raises:
        LabelInvalidError: the values have no clear meaning, or more than half of the image is target.
    """
    present = np.count_nonzero(np.unique(values))
    if present <= FEW_VALUES or _regions_are_uniform(values):
        targets = (values > 0).astype(np.uint8)
    else:
        targets = _cores_of_soft_regions(values, where)
    covered = float(targets.mean()) if targets.size else 0.0
    if covered > MOST_COVERED:
        raise LabelInvalidError(
            f"{where}: {100 * covered:.0f} % of the mask is target, too much for small ones; is it inverted?",
            "write 0 where there is no target, and another value on targets",
        )
    return targets


def _regions_are_uniform(values: NDArray[np.uint8] | NDArray[np.uint16]) -> bool:
    """Whether no two different values besides 0 touch, corners included."""
    highest = cv2.dilate(values, np.ones((3, 3), np.uint8))
    # Zeros would win the erosion: they count as the greatest value there.
    filled = np.where(values > 0, values, np.iinfo(values.dtype).max)
    lowest = cv2.erode(filled, np.ones((3, 3), np.uint8))
    inside = values > 0
    return bool(
        np.array_equal(highest[inside], values[inside]) and np.array_equal(lowest[inside], values[inside])
    )


def _cores_of_soft_regions(values: NDArray[np.uint8] | NDArray[np.uint16], where: str) -> NDArray[np.uint8]:
    greatest = int(values.max())
    core = values > greatest / 2
    regions = (values > greatest * NOISE).astype(np.uint8)
    count, labels = cv2.connectedComponents(regions, connectivity=8)
    with_core = np.zeros(count, np.bool_)
    with_core[labels[core]] = True
    with_core[0] = True
    if not with_core.all():
        lost = [str(value) for value in np.unique(values[~with_core[labels]])]
        shown = ", ".join(lost[:8]) + (", ..." if len(lost) > 8 else "")
        raise LabelInvalidError(
            f"{where}: {int(np.count_nonzero(~with_core))} regions hold only the values {shown}, at most "
            f"half of the greatest ({greatest}): neither targets nor soft edges",
            "write every target with the same value, and 0 elsewhere",
        )
    return core.astype(np.uint8)
