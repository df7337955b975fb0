from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.streaming import BrightSpotDetector, spot_image


@pytest.fixture
def detector() -> BrightSpotDetector:
    return BrightSpotDetector()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A real 30-frame MPEG-4 video with a moving spot."""
    path = tmp_path / "video.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (64, 48))
    assert writer.isOpened()
    for index in range(30):
        image = np.full((48, 64), 20, np.uint8)
        image[20:26, 5 + index : 11 + index] = 250
        writer.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve images, names that sort wrongly as text."""
    place = tmp_path / "frames"
    place.mkdir()
    for index in range(12):
        assert cv2.imwrite(str(place / f"f{index}.png"), spot_image(index))
    return place
