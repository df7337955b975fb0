"""Masks as data sets store them, and masks that say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_irdet.dataset.mask_values import targets_of_mask
from edge_irdet.errors import LabelInvalidError


def mask_with(*regions: tuple[int, int, int, int]) -> np.ndarray:
    """24x32 zeros with 2x3 regions: (row, column, value, rows)."""
    mask = np.zeros((24, 32), np.uint8)
    for row, column, value, rows in regions:
        mask[row : row + rows, column : column + 3] = value
    return mask


@pytest.mark.parametrize("values", [(255, 64), (1, 2), (1, 2, 3), (255, 254, 1)])
def test_each_of_a_few_values_is_target(values: tuple[int, ...]) -> None:
    mask = mask_with(*((2, 1 + 5 * index, value, 2) for index, value in enumerate(values)))
    assert targets_of_mask(mask, "m.png").sum() == 6 * len(values)


def test_a_few_values_may_touch() -> None:
    assert targets_of_mask(mask_with((2, 1, 255, 2), (4, 1, 64, 2)), "m.png").sum() == 12


def test_instance_numbers_of_a_swarm_are_all_targets() -> None:
    regions = [(3 * (index // 6), 5 * (index % 6), index + 1, 2) for index in range(40)]
    assert targets_of_mask(mask_with(*regions), "m.png").sum() == mask_with(*regions).astype(bool).sum()


def test_soft_edges_count_beside_a_core_only() -> None:
    soft = np.zeros((24, 32), np.uint8)
    soft[5, 3:11] = [0, 60, 127, 128, 255, 200, 90, 0]
    assert targets_of_mask(soft, "m.png").sum() == 3
    soft[15, 20] = 100
    with pytest.raises(LabelInvalidError, match=r"m\.png: 1 regions hold only the values 100, at most half"):
        targets_of_mask(soft, "m.png")


def test_the_ringing_of_a_jpeg_is_no_region() -> None:
    soft = np.zeros((24, 32), np.uint8)
    soft[5, 3:11] = [0, 60, 127, 128, 255, 200, 90, 0]
    soft[::4, ::4] = np.maximum(soft[::4, ::4], 9)
    assert targets_of_mask(soft, "m.png").sum() == 3


@pytest.mark.parametrize("value", [1, 255])
def test_an_inverted_mask_is_refused(value: int) -> None:
    inverted = np.where(mask_with((2, 1, 1, 2)) > 0, 0, value).astype(np.uint8)
    for mask in (inverted, np.full((4, 4), value, np.uint8)):
        with pytest.raises(LabelInvalidError, match="is it inverted"):
            targets_of_mask(mask, "m.png")


def test_sixteen_bit_masks() -> None:
    mask = np.zeros((24, 32), np.uint16)
    mask[3, 4], mask[10, 10] = 65535, 300
    assert targets_of_mask(mask, "m.png").sum() == 2


@given(arrays(np.uint8, (9, 11), elements=st.sampled_from([0, 0, 0, 0, 0, 3, 90, 140, 200, 255])))
def test_nothing_is_dropped_silently(mask: np.ndarray) -> None:
    try:
        targets = targets_of_mask(mask, "m.png")
    except LabelInvalidError:
        return
    assert set(np.unique(targets)) <= {0, 1}
    assert not targets[mask == 0].any()
    if mask.any():
        assert targets[mask == mask.max()].all()
