from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.tracking.association import associate, gate_of


@pytest.mark.parametrize(("probability", "quantile"), [(0.90, 4.605170), (0.95, 5.991465), (0.99, 9.210340)])
def test_the_gate_is_the_tabulated_quantile(probability: float, quantile: float) -> None:
    assert gate_of(probability) == pytest.approx(quantile, abs=1e-6)


def pairs(
    position: list[list[float]], variance: list[float], measured: list[list[float]], gate: float = 9.0
) -> set[tuple[int, int]]:
    rows, columns = associate(
        np.array(position, float).reshape(-1, 2),
        np.array(variance, float),
        np.array(measured, float).reshape(-1, 2),
        gate,
    )
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_nothing_to_associate() -> None:
    assert pairs([], [], [[1, 1]]) == set()
    assert pairs([[1, 1]], [1], []) == set()
    assert pairs([[1, 1]], [1], [[50, 50]]) == set()


def test_the_gate_is_in_standard_deviations_and_inclusive() -> None:
    assert pairs([[0, 0]], [4], [[6, 0]]) == {(0, 0)}
    assert pairs([[0, 0]], [4], [[6.001, 0]]) == set()


def test_the_best_sum_and_not_the_nearest_first() -> None:
    """Track 0 is nearest to detection 1, which is all that track 1 has."""
    assert pairs([[0, 0], [3, 0]], [1, 1], [[-2, 0], [1, 0]]) == {(0, 0), (1, 1)}


def test_an_unlikely_pair_is_not_bought_with_a_likely_one() -> None:
    """Both could have a detection each, but both would then be at the edge of their gates."""
    assert pairs([[0, 0], [2.9, 0]], [1, 1], [[0, 0], [-2.9, 0]]) == {(0, 0)}


def test_of_two_tracks_the_surer_one_takes_it() -> None:
    """The detection is 1 standard deviation from both, but one of these is 20 px."""
    assert pairs([[0, 0], [21, 0]], [400, 1], [[20, 0]]) == {(1, 0)}


def likelihood_gain(
    position: NDArray[np.float64], variance: NDArray[np.float64], measured: NDArray[np.float64], gate: float
) -> NDArray[np.float64]:
    distance = ((position[:, None] - measured[None]) ** 2).sum(axis=2) / variance[:, None]
    cost = distance + 2 * np.log(variance)[:, None]
    rows = (distance <= gate).any(axis=1)
    limit = gate + 1 + (2 * np.log(variance[rows]).max() if rows.any() else 0)
    return np.where(distance <= gate, limit - cost, -math.inf)


places = st.tuples(st.floats(0, 20), st.floats(0, 20))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(places, st.floats(0.5, 40)), max_size=4),
    st.lists(places, max_size=4),
    st.floats(1, 12),
)
def test_no_other_association_is_likelier(
    tracks: list[tuple[tuple[float, float], float]], detections: list[tuple[float, float]], gate: float
) -> None:
    position = np.array([place for place, _ in tracks], float).reshape(-1, 2)
    variance = np.array([spread for _, spread in tracks], float)
    measured = np.array(detections, float).reshape(-1, 2)
    gain = likelihood_gain(position, variance, measured, gate)
    rows, columns = associate(position, variance, measured, gate)
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(columns.tolist())) == len(columns)
    got = float(gain[rows, columns].sum())
    best = 0.0
    for size in range(1, min(len(position), len(measured)) + 1):
        for chosen in itertools.combinations(range(len(position)), size):
            for order in itertools.permutations(range(len(measured)), size):
                best = max(best, float(gain[list(chosen), list(order)].sum()))
    assert got == pytest.approx(best, abs=1e-6)
