from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.detection.detections import Detections


@pytest.fixture
def detections() -> Callable[..., Detections]:
    """Makes detections from (box, score) or (box, score, class), in any order of score."""

    def make(*found: tuple) -> Detections:
        ordered = sorted(found, key=lambda entry: -entry[1])
        return Detections(
            np.array([entry[0] for entry in ordered], np.float32).reshape(-1, 4),
            np.array([entry[1] for entry in ordered], np.float32),
            np.array([entry[2] if len(entry) > 2 else 0 for entry in ordered], np.int64),
        )

    return make


def _write(path: Path, image: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


@pytest.fixture
def masked_dataset(tmp_path: Path) -> LabelledDataset:
    """Three 60x50 images: targets at columns 5..8, rows 2..4 and 40..41, 30..31; at 10..12, 20..22; none."""
    root = tmp_path / "masked"
    masks = np.zeros((3, 50, 60), np.uint8)
    masks[0, 2:5, 5:9] = 255
    masks[0, 30:32, 40:42] = 255
    masks[1, 20:23, 10:13] = 255
    background = np.random.default_rng(0).integers(40, 80, (50, 60), dtype=np.uint8)
    for name, mask in zip("abc", masks, strict=True):
        _write(root / "images" / f"{name}.png", np.where(mask > 0, np.uint8(200), background))
        _write(root / "masks" / f"{name}.png", mask)
    return read_dataset(root)


@pytest.fixture
def boxed_dataset(tmp_path: Path) -> LabelledDataset:
    """Two 16-bit 40x30 images with a drone each, and the classes drone and bird, in YOLO's layout."""
    root = tmp_path / "boxed"
    (root / "labels").mkdir(parents=True)
    (root / "classes.txt").write_text("drone\nbird\n")
    for name in ("first_ü", "second_" + "long" * 12):
        image = np.full((30, 40), 2000, np.uint16)
        image[13:17, 18:22] = 2600
        _write(root / "images" / f"{name}.png", image)
        (root / "labels" / f"{name}.txt").write_text("0 0.5 0.5 0.1 0.13333333\n")
    return read_dataset(root)
