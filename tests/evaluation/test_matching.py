from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.evaluation.matching import match_points


def on_a_line(*positions: float) -> np.ndarray:
    return np.array([(position, 0.0) for position in positions]).reshape(-1, 2)


def test_first_come_first_served_would_lose_a_target():
    # Both predictions reach target 0, only prediction 0 reaches target 1. Giving target 0 the first
    # prediction in reach, as widely copied code does, detects one of two.
    match = match_points(on_a_line(2, -1), on_a_line(0, 4))
    assert match.pairs.tolist() == [[0, 1], [1, 0]]
    assert match.missed.size == match.false_alarms.size == 0


def test_nearest_first_would_lose_a_target():
    match = match_points(on_a_line(1, -2.5), on_a_line(0, 4))
    assert match.pairs.tolist() == [[0, 1], [1, 0]]


def test_least_distance_among_the_matchings_with_most_pairs():
    match = match_points(on_a_line(0.5, 1.5), on_a_line(1, 0))
    assert match.pairs.tolist() == [[0, 1], [1, 0]]


def test_one_prediction_detects_one_target():
    match = match_points(on_a_line(0), on_a_line(-1, 1.5))
    assert match.pairs.tolist() == [[0, 0]]
    assert match.missed.tolist() == [1]


def test_second_prediction_of_a_target_is_a_false_alarm():
    match = match_points(on_a_line(1, 0.5), on_a_line(0))
    assert match.pairs.tolist() == [[1, 0]]
    assert match.false_alarms.tolist() == [0]


def test_the_limit_belongs_to_the_reach():
    assert len(match_points(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]]), 5.0).pairs) == 1
    assert len(match_points(np.array([[3.0, 4.001]]), np.array([[0.0, 0.0]]), 5.0).pairs) == 0


@pytest.mark.parametrize(("predicted", "true"), [(0, 0), (0, 2), (2, 0)])
def test_nothing_on_one_side(predicted, true):
    match = match_points(on_a_line(*range(predicted)), on_a_line(*range(true)))
    assert match.pairs.shape == (0, 2)
    assert len(match.false_alarms) == predicted
    assert len(match.missed) == true


def best_by_trying_all(predicted: np.ndarray, true: np.ndarray, distance: float) -> tuple[int, float]:
    """Most pairs and their least sum of distances, by enumeration."""
    few, many = (predicted, true) if len(predicted) <= len(true) else (true, predicted)
    best = (0, 0.0)
    for chosen in permutations(range(len(many)), len(few)):
        separations = [np.hypot(*(few[i] - many[j])) for i, j in enumerate(chosen)]
        near = [separation for separation in separations if separation <= distance]
        best = min(best, (-len(near), sum(near)))
    return -best[0], best[1]


points = st.lists(st.tuples(st.floats(0, 12), st.floats(0, 6)), max_size=5).map(
    lambda listed: np.array(listed, np.float64).reshape(-1, 2)
)


@given(points, points, st.sampled_from([0.5, 3.0, 40.0]))
def test_as_good_as_the_best_of_all_matchings(predicted, true, distance):
    match = match_points(predicted, true, distance)
    separations = np.hypot(*(predicted[match.pairs[:, 0]] - true[match.pairs[:, 1]]).T)
    count, total = best_by_trying_all(predicted, true, distance)
    assert len(match.pairs) == count
    assert separations.sum() == pytest.approx(total, abs=1e-9)
    assert (separations <= distance).all()
    assert sorted([*match.pairs[:, 0], *match.false_alarms]) == list(range(len(predicted)))
    assert sorted([*match.pairs[:, 1], *match.missed]) == list(range(len(true)))
