"""Copy-paste: targets cut out of the training images and added to others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.sample import Sample
from edge_irdet.training.config import AugmentationConfig

PASTE_MARGIN = 0.5
"""Context around a pasted target, as a share of its longer side."""

PASTE_ATTEMPTS = 8

STRENGTH = (0.5, 1.2)
"""Range of the factor of a pasted target's excess."""

PASTED_SIDES = (1.5, 40.0)
"""Smallest and largest longer side, pixels, that a target is scaled to."""

DIM_EXCESS = (5.0, 20.0)
"""Grey levels by which a dimmed target differs from its surroundings at most."""

DIM_SIDE = 12.0
"""Pixels; larger targets are not dimmed, for a faint smear of 20 px is a cloud to anybody."""

ROOM_BELOW = 0.7
"""Share of its excess that the surroundings must have above black for a target to be pasted dark."""


@dataclass(frozen=True, slots=True)
class CutTarget:
    """A target cut out for pasting: what it adds to its surroundings."""

    excess: NDArray[np.float32]
    """[h, w] grey levels, fading out towards the rim."""

    mask: NDArray[np.float32]
    """[h, w] 1 on the target."""

    box: NDArray[np.float32]
    """[4] xyxy within the cut."""

    target_class: int


@dataclass(slots=True)
class Canvas:
    """An image that targets are pasted into."""

    image: NDArray[np.float32]
    """[H, W] grey levels; written to."""

    boxes: NDArray[np.float32]
    """[n, 4] xyxy."""

    classes: NDArray[np.int64]
    """[n]."""

    mask: NDArray[np.float32]
    """[H, W]; written to."""


def cut_targets(sample: Sample) -> list[CutTarget]:
    """The targets of an image of 8 bits that its mask shows, less the median of their surroundings."""
    height, width = sample.image.shape
    cuts = []
    for box, target_class in zip(sample.boxes, sample.classes, strict=True):
        margin = max(2.0, PASTE_MARGIN * float(max(box[2] - box[0], box[3] - box[1])))
        left, top = int(max(0, box[0] - margin)), int(max(0, box[1] - margin))
        right, bottom = int(min(width, np.ceil(box[2] + margin))), int(min(height, np.ceil(box[3] + margin)))
        patch = sample.image[top:bottom, left:right].astype(np.float32)
        own = sample.mask[top:bottom, left:right].astype(np.float32)
        around = patch[own == 0]
        if not own.any() or not around.size:
            continue
        # The target's excess over its surroundings fades out within the margin, so no patch edge is learnt.
        weight = np.maximum(cv2.GaussianBlur(cv2.dilate(own, np.ones((3, 3))), (0, 0), 1.0), own)
        excess = (patch - np.float32(np.median(around))) * weight
        cuts.append(
            CutTarget(excess, own, box - np.array([left, top, left, top], np.float32), int(target_class))
        )
    return cuts


def paste_targets(
    canvas: Canvas,
    targets: Sequence[CutTarget],
    count: int,
    config: AugmentationConfig,
    generator: np.random.Generator,
) -> None:
    """Add ``count`` of the targets where no other one lies; one that finds no such place is left out.

    Args:
        canvas: changed in place.
        targets: at least one.
        count: how many.
        config: scale, dimming and polarity of what is pasted.
        generator: source of everything random.
    """
    height, width = canvas.image.shape
    for _ in range(count):
        target = targets[int(generator.integers(len(targets)))]
        if config.pasted_scale != (1.0, 1.0):
            target = _scaled(target, config.pasted_scale, generator)
        rows, columns = target.excess.shape
        strength = np.float32(generator.uniform(*STRENGTH))
        if rows >= height or columns >= width:
            continue
        dim = bool(config.dim_targets) and bool(generator.random() < config.dim_targets)
        if dim and float((target.box[2:] - target.box[:2]).max()) <= DIM_SIDE:
            peak = float(np.abs(target.excess).max())
            dimmed = float(generator.uniform(*DIM_EXCESS)) / max(peak, 1.0)
            strength = np.float32(min(float(strength), dimmed))
        dark = bool(config.dark_targets) and bool(generator.random() < config.dark_targets)
        for _ in range(PASTE_ATTEMPTS):
            x, y = int(generator.integers(width - columns)), int(generator.integers(height - rows))
            if not _overlaps(canvas.boxes, x, y, x + columns, y + rows):
                _add(canvas, target, x, y, strength, dark)
                break


def _add(canvas: Canvas, target: CutTarget, x: int, y: int, strength: np.float32, dark: bool) -> None:
    rows, columns = target.excess.shape
    patch = canvas.image[y : y + rows, x : x + columns]
    excess = target.excess * strength
    if dark and float(patch.mean()) >= ROOM_BELOW * float(excess.max()):
        excess = -excess
    patch += excess
    region = canvas.mask[y : y + rows, x : x + columns]
    np.maximum(region, target.mask, out=region)
    moved = target.box + np.array([x, y, x, y], np.float32)
    canvas.boxes = np.concatenate((canvas.boxes, moved[None]))
    canvas.classes = np.append(canvas.classes, target.target_class)


def _scaled(target: CutTarget, scale: tuple[float, float], generator: np.random.Generator) -> CutTarget:
    longer = float(max(target.box[2] - target.box[0], target.box[3] - target.box[1]))
    factor = float(np.exp(generator.uniform(*np.log(scale))))
    factor = float(np.clip(factor, PASTED_SIDES[0] / longer, max(PASTED_SIDES[1] / longer, 1e-3)))
    rows, columns = target.excess.shape
    size = max(3, round(columns * factor)), max(3, round(rows * factor))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    excess: NDArray[np.float32] = cv2.resize(target.excess, size, interpolation=way)  # type: ignore[assignment]
    mask: NDArray[np.float32] = cv2.resize(target.mask, size, interpolation=way)  # type: ignore[assignment]
    across, down = size[0] / columns, size[1] / rows
    box = (target.box * np.array([across, down, across, down])).astype(np.float32)
    return CutTarget(excess, mask, box, target.target_class)


def _overlaps(boxes: NDArray[np.float32], left: int, top: int, right: int, bottom: int) -> bool:
    if not len(boxes):
        return False
    beside = (
        (boxes[:, 2] + 2 < left)
        | (boxes[:, 0] - 2 > right)
        | (boxes[:, 3] + 2 < top)
        | (boxes[:, 1] - 2 > bottom)
    )
    return not bool(beside.all())
