from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.dataset.tightening import LEAST_SIDE, tight_extent


def sky(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(58, 63, (64, 64)).astype(np.uint8)


@pytest.mark.parametrize("grey", [200, 5])
def test_a_blob_is_outlined_whether_brighter_or_darker(grey: int) -> None:
    image = sky()
    image[30:33, 28:34] = grey
    extent = tight_extent(image, (22, 24, 40, 39))
    assert extent.box == (28, 30, 34, 33)
    assert extent.pixels is not None
    rows, columns = np.nonzero(extent.pixels)
    assert (rows.min() + 24, rows.max() + 25, columns.min() + 22, columns.max() + 23) == (30, 33, 28, 34)


def test_the_blob_at_the_centre_is_taken_not_the_brighter_one_at_the_rim() -> None:
    image = sky()
    image[30:33, 30:33] = 140
    image[25:27, 38:41] = 250
    assert tight_extent(image, (22, 22, 42, 42)).box == (30, 30, 33, 33)


def test_a_target_before_a_band_of_cloud_is_cut_at_a_higher_level() -> None:
    image = sky()
    image[28:36] = 130
    image[30:33, 30:34] = 220
    assert tight_extent(image, (22, 22, 42, 42)).box == (30, 30, 34, 33)


def test_a_flat_box_gets_a_centred_stand_in() -> None:
    extent = tight_extent(np.full((64, 64), 60, np.uint8), (20, 20, 40, 30))
    assert extent.pixels is None
    assert extent.box == (27.0, 23.5, 33.0, 26.5)


def test_a_target_that_fills_its_box_keeps_it() -> None:
    image = sky()
    image[20:40, 20:50] = 200
    assert tight_extent(image, (20, 20, 50, 40)).box == (20, 20, 50, 40)


def test_one_pixel_is_widened() -> None:
    image = sky()
    image[31, 31] = 220
    left, top, right, bottom = tight_extent(image, (25, 25, 38, 38)).box
    assert (right - left, bottom - top) == (LEAST_SIDE, LEAST_SIDE)
    assert ((left + right) / 2, (top + bottom) / 2) == (31.5, 31.5)


@given(
    seed=st.integers(0, 100),
    left=st.floats(0, 60),
    top=st.floats(0, 60),
    width=st.floats(1, 60),
    height=st.floats(1, 60),
)
def test_the_extent_stays_in_the_image_and_has_an_area(
    seed: int, left: float, top: float, width: float, height: float
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (64, 64)).astype(np.uint8)
    box = tight_extent(image, (left, top, min(64.0, left + width), min(64.0, top + height))).box
    assert 0 <= box[0] < box[2] <= 64
    assert 0 <= box[1] < box[3] <= 64
