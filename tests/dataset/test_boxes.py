from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.dataset.boxes import boxes_of_mask, checked_box, mask_of_boxes
from edge_irdet.errors import LabelInvalidError


def test_box_inside_is_unchanged():
    assert checked_box((1.5, 2, 3, 4.25), 10, 10, "a.txt:1") == (1.5, 2, 3, 4.25)


def test_rounding_slack_is_clipped():
    assert checked_box((-0.5, -1.0, 10.9, 11.0), 10, 10, "a.txt:1") == (0, 0, 10, 10)


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ((math.nan, 0, 1, 1), "not a number"),
        ((0, 0, math.inf, 1), "not a number"),
        ((3, 0, 3, 1), "has no area"),
        ((0, 4, 1, 2), "has no area"),
        ((0, 0, 11.5, 1), "1.5 px outside the 10x10 image"),
        ((-2, 0, 1, 1), "2 px outside"),
        ((-1, 0, 0, 1), "lies outside"),
        ((10, 0, 11, 1), "lies outside"),
    ],
)
def test_wrong_boxes_are_refused_with_their_place(box, problem):
    with pytest.raises(LabelInvalidError, match=problem) as caught:
        checked_box(box, 10, 10, "labels/a.txt:3")
    assert "labels/a.txt:3" in caught.value.what


def test_ellipse_of_a_large_box_leaves_the_corners():
    mask = mask_of_boxes(np.array([[2, 1, 9, 6]], np.float32), 12, 8)
    assert [mask[row, column] for row, column in ((1, 2), (1, 8), (5, 2), (5, 8))] == [0, 0, 0, 0]
    assert mask[3, 2] == mask[3, 8] == mask[1, 5] == mask[5, 5] == 1
    assert mask[:1].sum() == mask[6:].sum() == mask[:, :2].sum() == mask[:, 9:].sum() == 0


@pytest.mark.parametrize("side", [1, 2, 3])
def test_small_square_boxes_are_filled(side):
    mask = mask_of_boxes(np.array([[4, 5, 4 + side, 5 + side]], np.float32), 12, 12)
    assert mask.sum() == side * side
    assert mask[5 : 5 + side, 4 : 4 + side].all()


@given(
    st.lists(
        st.tuples(st.floats(0, 19), st.floats(0, 14), st.floats(0.05, 12), st.floats(0.05, 12)), max_size=5
    )
)
def test_every_box_marks_a_pixel_and_only_pixels_it_touches(corners):
    boxes = np.array(
        [(left, top, min(left + width, 20), min(top + height, 15)) for left, top, width, height in corners],
        np.float32,
    ).reshape(-1, 4)
    mask = mask_of_boxes(boxes, 20, 15)
    touched = np.zeros_like(mask)
    for left, top, right, bottom in boxes.tolist():
        part = np.s_[math.floor(top) : math.ceil(bottom), math.floor(left) : math.ceil(right)]
        assert mask[part].any()
        touched[part] = 1
    assert not (mask & ~touched.astype(bool)).any()
    assert set(np.unique(mask)) <= {0, 1}


def test_components_touching_by_a_corner_are_one_target():
    mask = np.zeros((10, 10), np.uint8)
    mask[1, 1] = mask[2, 2] = 1
    mask[7, 5:8] = 1
    assert boxes_of_mask(mask).tolist() == [[1, 1, 3, 3], [5, 7, 8, 8]]


def test_empty_mask_has_no_boxes():
    assert boxes_of_mask(np.zeros((4, 4), np.uint8)).shape == (0, 4)


@given(st.integers(0, 2**30))
def test_box_mask_box_round_trip_of_separate_boxes(seed):
    random = np.random.default_rng(seed)
    # One box in each 10x10 cell, off its border, so that no two touch; its ellipse spans it while small.
    cells = [(column * 10, row * 10) for row in range(2) for column in range(3)]
    boxes = []
    for x, y in cells:
        left, top = random.integers(1, 4, 2)
        width, height = random.integers(1, 6, 2)
        boxes.append((x + left, y + top, x + left + width, y + top + height))
    array = np.array(boxes, np.float32)
    found = boxes_of_mask(mask_of_boxes(array, 30, 20))
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, array.tolist()))
