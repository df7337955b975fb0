"""Classes of target size, the same in every table: a detector's figures mean little without them."""

from __future__ import annotations

import bisect
import itertools

SIZE_LIMITS = (3.0, 5.0, 8.0, 12.0)
"""Longer sides of targets in the image, pixels, that the size classes end below."""

SIZE_CLASSES = (
    f"under {SIZE_LIMITS[0]:g} px",
    *(f"{low:g} to {high:g} px" for low, high in itertools.pairwise(SIZE_LIMITS)),
    f"{SIZE_LIMITS[-1]:g} px and more",
)
"""Names, smallest first."""


def size_class(longer_side: float) -> str:
    """The class of a target.

    Args:
        longer_side: of its extent in the image, pixels.
    """
    return SIZE_CLASSES[bisect.bisect_right(SIZE_LIMITS, longer_side)]
