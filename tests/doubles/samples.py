"""Labelled images made for tests."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_irdet.dataset.sample import MaskSource, Sample


def blob_sample(name: str, seed: int, side: int = 64, targets: int = 2) -> Sample:
    """A dim noisy image with bright rectangles of 3 to 6 px."""
    generator = np.random.default_rng(seed)
    image = generator.integers(40, 60, (side, side)).astype(np.uint8)
    mask = np.zeros((side, side), np.uint8)
    boxes = []
    for index in range(targets):
        width, height = generator.integers(3, 7, 2)
        left = int(generator.integers(2, side - 10))
        top = 4 + index * (side // max(1, targets))
        image[top : top + height, left : left + width] = 220
        mask[top : top + height, left : left + width] = 1
        boxes.append((left, top, left + width, top + height))
    return Sample(
        name,
        image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros(len(boxes), np.int64),
        mask,
        MaskSource.ANNOTATED,
    )


def write_images_and_masks(root: Path, count: int, side: int) -> None:
    """``count`` images i0, i1, ... of one target each in the NUAA layout under ``root``."""
    for part in ("images", "masks"):
        (root / part).mkdir(parents=True)
    for index in range(count):
        sample = blob_sample(f"i{index}", index, side, targets=1)
        cv2.imwrite(str(root / "images" / f"i{index}.png"), sample.image)
        cv2.imwrite(str(root / "masks" / f"i{index}.png"), 255 * sample.mask)
