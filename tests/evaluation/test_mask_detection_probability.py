from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import MaskSizeError, OptionError
from edge_irdet.evaluation.mask_detection_probability import MaskDetectionProbability


def mask(*rectangles: tuple[int, int, int, int]) -> np.ndarray:
    """[30, 40] with ones in each left, top, right, bottom."""
    values = np.zeros((30, 40), np.uint8)
    for left, top, right, bottom in rectangles:
        values[top:bottom, left:right] = 1
    return values


def test_false_alarm_of_the_same_area_as_a_matched_component_is_kept():
    # The widely copied code lists matched components by their area and drops every component with such an
    # area from the false alarms: it reports no false pixels here.
    rated = MaskDetectionProbability()
    rated.add(mask((5, 5, 7, 7), (20, 20, 22, 22)), mask((5, 5, 7, 7)))
    assert rated.counts.pd == 1.0
    assert rated.counts.false_pixels == 4
    assert rated.counts.fa == 4 / 1200


def test_greedy_matching_would_lose_a_target():
    # Components are in the order of their rows. The upper prediction lies within 3 px of both targets, the
    # lower only of the first. Giving the first target the first prediction in reach, which is also its
    # nearest, leaves the second target without one.
    true = mask((10, 8, 11, 9), (14, 9, 15, 10))
    predicted = mask((12, 8, 13, 9), (9, 10, 10, 11))
    rated = MaskDetectionProbability()
    match = rated.add(predicted, true)
    assert match.pairs.tolist() == [[0, 1], [1, 0]]
    assert rated.counts.pd == 1.0
    assert rated.counts.fa == 0.0


def test_one_component_over_two_targets_detects_one():
    rated = MaskDetectionProbability()
    rated.add(mask((10, 10, 15, 11)), mask((10, 10, 11, 11), (14, 10, 15, 11)))
    assert rated.counts.pd == 0.5
    assert rated.counts.false_pixels == 0


def test_two_components_on_one_target_leave_a_false_alarm():
    rated = MaskDetectionProbability()
    rated.add(mask((10, 10, 12, 12), (13, 10, 14, 12)), mask((10, 10, 14, 12)))
    assert rated.counts.detected == 1
    assert rated.counts.false_alarms == 1
    assert rated.counts.false_pixels == 2  # the farther component, 1x2


def test_corner_contact_joins():
    predicted = mask((10, 10, 12, 12), (12, 12, 14, 14))
    rated = MaskDetectionProbability()
    rated.add(predicted, predicted)
    assert rated.counts.targets == 1


def test_centroid_counts_not_overlap():
    rated = MaskDetectionProbability()
    rated.add(mask((5, 5, 16, 6)), mask((15, 5, 16, 6)))  # overlaps, but the centroids are 5 px apart
    assert rated.counts.pd == 0.0
    assert rated.counts.false_pixels == 11
    rated.add(mask((5, 5, 6, 6)), mask((8, 5, 9, 6)))  # apart, but exactly 3 px
    assert rated.counts.detected == 1


def test_empty_masks():
    rated = MaskDetectionProbability()
    rated.add(mask(), mask())
    assert rated.counts.pd is None
    assert rated.counts.fa == 0.0
    rated.add(mask(), mask((1, 1, 2, 2)))
    assert rated.counts.pd == 0.0


def test_sizes_must_agree():
    with pytest.raises(MaskSizeError, match=r"\(30, 40\).*\(40, 30\)"):
        MaskDetectionProbability().add(mask(), mask().T)


def test_distance_must_be_positive():
    with pytest.raises(OptionError):
        MaskDetectionProbability(0.0)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.5]))
def test_bounds_symmetry_and_perfection(seed, density):
    random = np.random.default_rng(seed)
    predicted, true = random.random((2, 20, 24)) < density
    rated, mirrored, perfect = (MaskDetectionProbability() for _ in range(3))
    rated.add(predicted, true)
    mirrored.add(predicted[::-1, ::-1], true[::-1, ::-1])
    assert rated.counts.detected == mirrored.counts.detected
    assert rated.counts.pd is None or 0 <= rated.counts.pd <= 1
    assert 0 <= rated.counts.false_pixels <= np.count_nonzero(predicted)
    perfect.add(true, true.astype(np.uint8) * 255)
    assert perfect.counts.detected == perfect.counts.targets
    assert perfect.counts.fa == 0.0
