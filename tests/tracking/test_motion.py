"""The filter against hand-computed steps and against the textbook's matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.tracking.motion import correct, predict

Tracks = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def one(x: float, y: float, vx: float, vy: float, place: float, mixed: float, speed: float) -> Tracks:
    return tuple(np.array([row], np.float64) for row in ((x, y), (vx, vy), (place, mixed, speed)))


def test_a_predicted_step_by_hand() -> None:
    tracks = one(10, 20, 4, -2, place=1, mixed=2, speed=5)
    predict(*tracks, seconds=0.5, density=24.0)
    position, velocity, covariance = tracks
    np.testing.assert_allclose(position, [[12, 19]])
    np.testing.assert_allclose(velocity, [[4, -2]])
    # 1 + 2 * .5 * 2 + .25 * 5 + 24 * .125 / 3;  2 + .5 * 5 + 24 * .25 / 2;  5 + 24 * .5
    np.testing.assert_allclose(covariance, [[5.25, 7.5, 17]])


def test_a_corrected_step_by_hand() -> None:
    tracks = one(10, 20, 4, -2, place=3, mixed=2, speed=5)
    correct(*tracks, measured=np.array([[14.0, 16.0]]), variance=1.0)
    position, velocity, covariance = tracks
    np.testing.assert_allclose(position, [[13, 17]])  # gain 3 / 4 of (4, -4)
    np.testing.assert_allclose(velocity, [[6, -4]])  # gain 2 / 4
    np.testing.assert_allclose(covariance, [[0.75, 0.5, 4]])  # 3 * 1/4; 2 * 1/4; 5 - 2 * 2 / 4


def test_many_tracks_are_filtered_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    position, velocity = rng.normal(0, 100, (7, 2)), rng.normal(0, 50, (7, 2))
    covariance = np.stack([rng.uniform(1, 9, 7), rng.uniform(0, 1, 7), rng.uniform(1, 9, 7)], axis=1)
    measured = position + rng.normal(0, 3, (7, 2))
    alone = [tuple(a[i : i + 1].copy() for a in (position, velocity, covariance)) for i in range(7)]
    predict(position, velocity, covariance, 0.1, 400.0)
    correct(position, velocity, covariance, measured, 0.5)
    for index, tracks in enumerate(alone):
        predict(*tracks, 0.1, 400.0)
        correct(*tracks, measured[index : index + 1], 0.5)
        for together, single in zip((position, velocity, covariance), tracks, strict=True):
            np.testing.assert_array_equal(together[index], single[0])


steps = st.lists(
    st.tuples(st.floats(0, 2), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.floats(0.05, 5), st.floats(1, 1e4), st.floats(1, 5e3))
def test_the_covariance_stays_positive_whatever_happens(
    steps: list[tuple[float, float, float, bool]], sigma: float, speed: float, acceleration: float
) -> None:
    tracks = one(0, 0, 0, 0, sigma**2, 0, speed**2)
    for seconds, x, y, seen in steps:
        predict(*tracks, seconds, acceleration**2)
        if seen:
            correct(*tracks, np.array([[x, y]]), sigma**2)
        place, mixed, rate = tracks[2][0]
        assert place > 0
        assert rate > 0
        assert place * rate - mixed * mixed >= -1e-9 * place * rate
        assert all(np.isfinite(array).all() for array in tracks)


@settings(max_examples=40, deadline=None)
@given(steps, st.floats(0.2, 3), st.floats(1, 1e3), st.floats(1, 1e3))
def test_equals_the_four_state_filter_in_josephs_form(
    steps: list[tuple[float, float, float, bool]], sigma: float, speed: float, acceleration: float
) -> None:
    tracks = one(0, 0, 0, 0, sigma**2, 0, speed**2)
    state = np.zeros(4)  # x, y, vx, vy
    full = np.diag([sigma**2, sigma**2, speed**2, speed**2])
    seen_of = np.eye(2, 4)
    for seconds, x, y, seen in steps[:15]:
        seconds += 0.001
        predict(*tracks, seconds, acceleration**2)
        motion = np.eye(4)
        motion[[0, 1], [2, 3]] = seconds
        block = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]]) * acceleration**2
        state, full = motion @ state, motion @ full @ motion.T + np.kron(block, np.eye(2))
        if seen:
            correct(*tracks, np.array([[x, y]]), sigma**2)
            gain = full @ seen_of.T @ np.linalg.inv(full[:2, :2] + sigma**2 * np.eye(2))
            state = state + gain @ (np.array([x, y]) - state[:2])
            rest = np.eye(4) - gain @ seen_of
            full = rest @ full @ rest.T + sigma**2 * gain @ gain.T
        place, mixed, rate = tracks[2][0]
        np.testing.assert_allclose(
            full, np.kron([[place, mixed], [mixed, rate]], np.eye(2)), rtol=1e-6, atol=1e-6
        )
        np.testing.assert_allclose(np.concatenate([tracks[0][0], tracks[1][0]]), state, rtol=1e-5, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=10))
def test_steps_of_any_lengths_are_one_step_of_their_sum(parts: list[float]) -> None:
    """A dropped frame changes the time and nothing else."""
    many, single = one(1, 2, 30, -40, 2, 1, 50), one(1, 2, 30, -40, 2, 1, 50)
    for seconds in parts:
        predict(*many, seconds, 150.0**2)
    predict(*single, sum(parts), 150.0**2)
    for first, second in zip(many, single, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-9)


def test_a_steady_target_is_known_better_than_it_is_measured() -> None:
    rng = np.random.default_rng(1)
    tracks = one(0, 0, 0, 0, 1.0, 0, 300.0**2)
    errors = []
    for frame in range(1, 300):
        true = np.array([[2.0 * frame, -1.0 * frame]])
        predict(*tracks, 1 / 30, 20.0**2)
        correct(*tracks, true + rng.normal(0, 1.0, (1, 2)), 1.0)
        errors.append(tracks[0] - true)
    spread = float(np.sqrt(np.mean(np.square(errors[50:]))))
    assert spread < 0.75
    assert spread == pytest.approx(np.sqrt(tracks[2][0, 0]), rel=0.35)  # the filter knows how good it is
