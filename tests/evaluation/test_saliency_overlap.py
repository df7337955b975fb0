from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import MaskSizeError
from edge_irdet.evaluation.saliency_overlap import SaliencyOverlap


def row(text: str) -> np.ndarray:
    return np.array([[character == "#" for character in text]])


def test_hand_computed():
    overlap = SaliencyOverlap()
    assert overlap.add(row("##......"), row(".##.....")) == 1 / 3
    assert overlap.add(row("####...."), row("####....")) == 1.0
    assert overlap.add(row("#......."), row(".......#")) == 0.0
    assert overlap.iou == (1 + 4 + 0) / (3 + 4 + 2)
    assert overlap.niou == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_image_empty_in_both_counts_one_in_the_mean_and_nothing_in_the_sum():
    overlap = SaliencyOverlap()
    assert overlap.add(row("...."), row("....")) == 1.0
    assert overlap.iou == overlap.niou == 1.0
    overlap.add(row("##.."), row("#..."))
    assert overlap.iou == 0.5
    assert overlap.niou == 0.75


def test_false_alarm_in_an_empty_image_counts_zero():
    overlap = SaliencyOverlap()
    assert overlap.add(row("#..."), row("....")) == 0.0
    assert overlap.add(row("...."), row("#...")) == 0.0
    assert overlap.iou == overlap.niou == 0.0


def test_nothing_added():
    assert SaliencyOverlap().iou is SaliencyOverlap().niou is None


def test_values_other_than_one_count_as_target():
    overlap = SaliencyOverlap()
    assert overlap.add(row("##..").astype(np.uint8) * 255, row("##..").astype(np.uint8)) == 1.0


def test_sizes_must_agree():
    with pytest.raises(MaskSizeError):
        SaliencyOverlap().add(row("...."), row("..."))


@given(st.integers(0, 2**32 - 1))
def test_bounds_symmetry_and_order(seed):
    random = np.random.default_rng(seed)
    pairs = random.random((5, 2, 6, 7)) < random.random((5, 2, 1, 1))
    forward, swapped, shuffled = SaliencyOverlap(), SaliencyOverlap(), SaliencyOverlap()
    for predicted, true in pairs:
        forward.add(predicted, true)
        swapped.add(true, predicted)
    for index in random.permutation(5):
        shuffled.add(*pairs[index])
    assert 0 <= forward.iou <= 1
    assert 0 <= forward.niou <= 1
    assert forward.iou == swapped.iou == shuffled.iou
    assert forward.niou == pytest.approx(swapped.niou) == pytest.approx(shuffled.niou)
