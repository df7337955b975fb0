"""Limits of a manifest's values, so that nothing is allocated, drawn or divided by what cannot be meant.

Each check raises :class:`ValueError` with a clause that follows the field's path; whoever decodes a manifest
turns it into an error of the manifest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LONGEST_SIDE = 16384
"""Longest side of a network input or of a map in its outputs, pixels."""

MOST_BOXES = 1 << 24
"""Most boxes that a graph may give per frame."""

MOST_VALUES = 1 << 26
"""Most values of one output per frame, 256 MB."""

MOST_CLASSES = 10_000
"""Most classes of a package."""

LEAST_LIMIT = 2.0**-126
"""Smallest limit of a suppression rule: limits are compared as float32."""

LONGEST_NAME = 256
"""Longest name of a package, variant, class, tensor or graph file, characters."""


def check_name(name: str) -> None:
    """A name is not empty, can be printed on one line, and is not long.

    Raises:
        ValueError: it is not so.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        shown = f"{name[:40]!r}{'...' if len(name) > 40 else ''}"
        raise ValueError(
            f"the name {shown} has {len(name)} characters; names have 1 to {LONGEST_NAME} that can be printed"
        )


def check_classes(classes: Sequence[str]) -> None:
    """Classes have names of their own.

    Raises:
        ValueError: a name is none or is there twice, or there are none or too many.
    """
    if not 0 < len(classes) <= MOST_CLASSES:
        raise ValueError(f"there are {len(classes)} classes; 1 to {MOST_CLASSES} are possible")
    for name in classes:
        check_name(name)
    if len(set(classes)) < len(classes):
        raise ValueError("a class is named twice")


def check_input(width: int, height: int, channels: int, dtype: str) -> None:
    """Sides of an input are those of a picture, and its values are grey levels.

    Raises:
        ValueError: a side or the number of channels is out of range, or the values have another type.
    """
    if max(width, height) > LONGEST_SIDE:
        raise ValueError(f"the input is {width}x{height}; sides go up to {LONGEST_SIDE}")
    if channels > 4:
        raise ValueError(f"the input has {channels} channels; up to 4 are possible")
    if dtype != "uint8":
        raise ValueError(f"the input has values of {dtype[:40]!r}; uint8 is possible")


def check_outputs(shapes: Sequence[tuple[str, Sequence[int]]], classes: int) -> None:
    """``boxes`` [1, N, 4] and ``scores`` [1, N, classes] are there, for one N; ``saliency`` is [1, 1, H, W].

    Args:
        shapes: (name, shape) of each output.
        classes: number of classes.

    Raises:
        ValueError: an output is missing, is there twice, or has another shape.
    """
    named = dict(shapes)
    if len(named) < len(shapes):
        raise ValueError("an output is named twice")
    boxes, scores, saliency = (named.get(name) for name in ("boxes", "scores", "saliency"))
    if boxes is None or scores is None:
        raise ValueError(f"the outputs are {', '.join(named) or 'none'}; boxes and scores must be there")
    if len(boxes) != 3 or boxes[0] != 1 or boxes[2] != 4 or not 0 < boxes[1] <= MOST_BOXES:
        raise ValueError(f"boxes has the shape {list(boxes)}, not [1, N, 4] with N up to {MOST_BOXES}")
    if list(scores) != [1, boxes[1], classes]:
        raise ValueError(f"scores has the shape {list(scores)}, not [1, {boxes[1]}, {classes}]")
    if saliency is not None and (
        len(saliency) != 4 or list(saliency[:2]) != [1, 1] or max(saliency) > LONGEST_SIDE
    ):
        raise ValueError(f"saliency has the shape {list(saliency)}, not [1, 1, H, W]")
    for name, shape in shapes:
        if math.prod(shape) > MOST_VALUES:
            raise ValueError(f"{name[:40]!r} has the shape {list(shape)}, more than {MOST_VALUES} values")


def check_mapping(percentiles: bool, low: float, high: float) -> None:
    """Bounds of a 16 -> 8 bit mapping are in order and in range.

    Args:
        percentiles: whether they are percentiles, else counts.
        low, high: the bounds.

    Raises:
        ValueError: they are not.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"the mapping goes from {low:g} to {high:g}; the first must be the smaller")
    if percentiles and not 0.0 <= low < high <= 100.0:
        raise ValueError(f"the percentiles are {low:g} and {high:g}; they lie in 0..100")


def check_nms_limit(fraction: bool, limit: float) -> None:
    """The limit of a suppression rule suits the rule.

    Args:
        fraction: whether the rule compares a share (IoU, NWD), else a distance in pixels.
        limit: the limit.

    Raises:
        ValueError: it is above 1 for a share, or no distance.
    """
    highest = 1.0 if fraction else float(LONGEST_SIDE)
    if not LEAST_LIMIT <= limit <= highest:
        raise ValueError(
            f"the suppression rule has the limit {limit:g}; it lies above 0 and up to {highest:g}"
        )


def check_levels(strides: Sequence[int], anchors: Sequence[Sequence[Sequence[float]]]) -> None:
    """Each detection level has a stride and anchors with two finite sides above 0.

    Raises:
        ValueError: it is not so.
    """
    if len(strides) != len(anchors) or max(strides, default=0) > LONGEST_SIDE:
        raise ValueError(f"there are {len(strides)} strides and {len(anchors)} levels of anchors")
    for level in anchors:
        for anchor in level:
            if len(anchor) != 2 or not all(0.0 < side < math.inf for side in anchor):
                raise ValueError(f"the anchor {list(anchor)} is not a width and a height")
