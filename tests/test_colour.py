"""Colour to grey: the one formula, in every reader that meets colour."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_irdet.images import read_grey_image
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.opencv_capture import grey_of_decoded

GOLDEN = Path(__file__).parent / "golden" / "colour"
BGR, GREY = np.load(GOLDEN / "bgr.npy"), np.load(GOLDEN / "grey.npy")


def test_the_golden_arrays_are_the_formula() -> None:
    blue, green, red = (int(value) for value in BGR[7, 9])
    assert GREY[7, 9] == (3735 * blue + 19235 * green + 9798 * red + 16384) >> 15
    assert 3735 + 19235 + 9798 == 1 << 15, "a grey picture stored as colour stays as it is"


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_image_files_meet_them(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(str(path), BGR)
    np.testing.assert_array_equal(read_grey_image(path), GREY)


@pytest.mark.parametrize("rows", [1, 3, 32])
def test_frames_of_a_stream_meet_them(rows: int) -> None:
    np.testing.assert_array_equal(grey_of_decoded(BGR[:rows], ImagePool()), GREY[:rows])
