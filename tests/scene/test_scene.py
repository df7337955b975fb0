from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.errors import FrameFormatError, OptionError
from edge_irdet.scene import Clutter, SceneConfig, SceneTruth, SyntheticScene

SMALL = SceneConfig(width=96, height=80, targets=4)


@pytest.mark.parametrize("clutter", Clutter)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_frame_depends_on_the_configuration_and_its_number_alone(clutter: Clutter, bits: int) -> None:
    config = replace(SMALL, clutter=clutter, bits=bits)
    scene = SyntheticScene(config)
    in_order = [scene.render(index) for index in range(12)]
    again = SyntheticScene(replace(config, frames=7))
    for index in (7, 0, 11, 7):
        frame, first = again.render(index), in_order[index]
        np.testing.assert_array_equal(frame.image, first.image)
        for name in ("boxes", "centroids", "track_ids", "scr"):
            np.testing.assert_array_equal(getattr(frame.truth, name), getattr(first.truth, name))
    assert not np.array_equal(in_order[0].image, in_order[1].image), "noise is new in every frame"
    other = SyntheticScene(replace(config, seed=1)).render(0)
    assert not np.array_equal(other.image, in_order[0].image)


def test_leaving_the_scene_far_behind_changes_nothing() -> None:
    scene, fresh = SyntheticScene(SMALL), SyntheticScene(SMALL)
    scene.render(10_000_000)
    np.testing.assert_array_equal(scene.render(5).image, fresh.render(5).image)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        SceneConfig,
        clutter=st.sampled_from(Clutter),
        width=st.integers(32, 150),
        height=st.integers(32, 150),
        seed=st.integers(0, 2**40),
        targets=st.integers(0, 8),
        bits=st.sampled_from([8, 16]),
        drift=st.floats(0, 60),
        noise=st.floats(0, 5),
        rate=st.floats(1, 200),
    ),
    st.integers(0, 10**7),
)
def test_any_scene_renders_and_its_truth_lies_in_the_frame(config: SceneConfig, index: int) -> None:
    frame = SyntheticScene(config).render(index)
    assert frame.image.shape == (config.height, config.width)
    assert frame.image.dtype == (np.uint16 if config.bits == 16 else np.uint8)
    truth = frame.truth
    assert len(truth.boxes) == len(truth.centroids) == len(truth.track_ids) == len(truth.scr)
    assert len(truth.boxes) <= config.targets
    assert np.all(np.diff(truth.track_ids) > 0), "no two targets have one number"
    for (left, top, right, bottom), (x, y) in zip(truth.boxes, truth.centroids, strict=True):
        assert 0 <= x < config.width
        assert 0 <= y < config.height
        assert left < x < right
        assert top < y < bottom
        assert right - left <= config.target_size[1] + 2.5
        assert bottom - top <= config.target_size[1] + 2.5
    assert np.isfinite(truth.scr).all()


class AddedByTargets:
    """Grey levels that the targets add, measured: 16 bits hold a sixteenth of a level."""

    def __init__(self, config: SceneConfig) -> None:
        config = replace(config, bits=16)
        self.scene, self.without = SyntheticScene(config), SyntheticScene(replace(config, targets=0))

    def at(self, index: int) -> tuple[NDArray[np.float64], SceneTruth]:
        frame = self.scene.render(index)
        return (frame.image.astype(np.float64) - self.without.render(index).image) / 16, frame.truth


def added_by_targets(config: SceneConfig, index: int) -> tuple[NDArray[np.float64], SceneTruth]:
    return AddedByTargets(config).at(index)


@pytest.mark.parametrize("clutter", Clutter)
def test_the_truth_is_where_the_light_is(clutter: Clutter) -> None:
    measured = 0
    both = [
        AddedByTargets(SceneConfig(clutter, width=160, height=128, targets=1, seed=seed, dark_share=0.2))
        for seed in range(4)
    ]
    for scene, index in product(both, range(0, 1200, 150)):
        added, truth = scene.at(index)
        for box, (x, y), scr in zip(truth.boxes, truth.centroids, truth.scr, strict=True):
            if not (13 < x < 147 and 13 < y < 115):
                continue
            left, top = int(x) - 12, int(y) - 12
            patch = added[top : top + 25, left : left + 25] * np.sign(scr)
            rows, columns = np.mgrid[top : top + 25, left : left + 25] + 0.5
            centroid = [(columns * patch).sum() / patch.sum(), (rows * patch).sum() / patch.sum()]
            np.testing.assert_allclose(centroid, [x, y], atol=0.05)
            ys, xs = np.nonzero(patch >= 0.5 * patch.max())
            found = [left + xs.min(), top + ys.min(), left + xs.max() + 1, top + ys.max() + 1]
            np.testing.assert_allclose(box, found, atol=0.75)
            measured += 1
    assert measured >= 12


def test_scr_is_peak_over_what_surrounds_the_target() -> None:
    checked = 0
    for seed in range(14):
        config = SceneConfig(width=160, height=128, targets=1, seed=seed, drift=0.0)
        truth = SyntheticScene(config).render(0).truth
        empty = replace(config, targets=0)
        behind = SyntheticScene(replace(empty, noise=0.0, bits=16)).render(0).image.astype(np.float64) / 16
        added, _ = added_by_targets(config, 0)
        for (x, y), scr in zip(truth.centroids, truth.scr, strict=True):
            if not (12 < x < 148 and 12 < y < 116):
                continue
            around = behind[int(y) - 10 : int(y) + 11, int(x) - 10 : int(x) + 11]
            clutter = np.hypot(around.std(), config.noise)
            peak = np.abs(added[int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7]).max()
            # The peak falls between pixels; a point target's brightest pixel keeps at least half of it.
            assert 0.45 <= peak / (abs(scr) * clutter) <= 1.15
            checked += 1
    assert checked >= 5


def test_targets_move_smoothly_come_in_and_go_out_at_the_border() -> None:
    config = replace(SMALL, targets=3, width=128, height=128, rate=30.0)
    scene = SyntheticScene(config)
    seen: dict[int, list[tuple[int, NDArray[np.float64]]]] = {}
    last_frame = 1500
    for index in range(last_frame):
        truth = scene.render(index).truth
        for track, centroid in zip(truth.track_ids.tolist(), truth.centroids, strict=True):
            seen.setdefault(track, []).append((index, centroid))
    assert len(seen) > 6, "others follow those that have left"
    for steps in seen.values():
        indices = [index for index, _ in steps]
        assert all(after - before == 1 for before, after in pairwise(indices)) or len(indices) < 5
        places = np.array([place for _, place in steps])
        speeds = np.linalg.norm(np.diff(places, axis=0), axis=1)
        assert speeds.max(initial=0) < 2.5, "no jumps"
        if len(places) > 2:
            assert np.abs(np.diff(places, n=2, axis=0)).max() < 0.05, "acceleration is small"
        for index, place in (steps[0], steps[-1]):
            rim = min(*place, config.width - place[0], config.height - place[1])
            assert rim < 2.5 or index in (0, last_frame - 1), "nothing appears or vanishes in mid-air"


def test_the_camera_moves_slowly_and_stays_around_one_place() -> None:
    config = SceneConfig(width=128, height=96, targets=0, noise=0.0, drift=6.0)
    scene = SyntheticScene(config)
    first = scene.render(0).image.astype(np.float32)
    next_one = scene.render(1).image.astype(np.float32)
    later = scene.render(200).image.astype(np.float32)
    assert 0 < np.abs(next_one - first).mean() < np.abs(later - first).mean()
    still = SyntheticScene(replace(config, drift=0.0))
    np.testing.assert_array_equal(still.render(0).image, still.render(200).image)


def test_the_sea_moves_and_the_sky_above_it_does_not() -> None:
    config = SceneConfig(Clutter.SEA, width=128, height=96, targets=0, noise=0.0, drift=0.0)
    scene = SyntheticScene(config)
    change = np.abs(scene.render(10).image.astype(int) - scene.render(0).image)
    assert change[:25].max() == 0
    assert change[70:].mean() > 0.5


def test_noise_has_the_configured_deviation_and_little_fixed_pattern() -> None:
    config = SceneConfig(width=128, height=96, targets=0, noise=3.0, drift=0.0, bits=16)
    scene = SyntheticScene(config)
    frames = np.stack([scene.render(index).image.astype(np.float64) / 16 for index in range(40)])
    assert frames.std(0).mean() == pytest.approx(3.0, rel=0.1)
    noiseless = SyntheticScene(replace(config, noise=0.0)).render(0).image / 16
    assert (frames.mean(0) - noiseless).std() == pytest.approx(3.0 / 3, rel=0.35)


def test_more_contrast_is_brighter_and_dark_targets_are_darker() -> None:
    weak, _ = added_by_targets(replace(SMALL, targets=1, scr=(1.5, 1.5), dark_share=0.0), 0)
    strong, _ = added_by_targets(replace(SMALL, targets=1, scr=(3.0, 3.0), dark_share=0.0), 0)
    dark, truth = added_by_targets(replace(SMALL, targets=1, scr=(3.0, 3.0), dark_share=1.0), 0)
    assert strong.max() == pytest.approx(2 * weak.max(), rel=0.05)
    assert dark.min() == pytest.approx(-strong.max(), rel=0.05)
    assert (truth.scr < 0).all()


def test_sixteen_bit_counts_fit_fourteen_bits_and_are_finer_than_grey_levels() -> None:
    counts = SyntheticScene(replace(SMALL, bits=16)).render(0).image
    grey = SyntheticScene(SMALL).render(0).image
    assert counts.min() > 6000 - 500
    assert counts.max() < 2**14
    assert np.unique(counts).size > 2 * np.unique(grey).size
    levels = (counts.astype(float) - 6000) / 16
    np.testing.assert_allclose(np.minimum(levels, 255), grey, atol=0.6)


def test_it_renders_into_the_given_array_and_refuses_another() -> None:
    scene = SyntheticScene(SMALL)
    out = np.zeros((80, 96), np.uint8)
    assert scene.render(3, out=out).image is out
    np.testing.assert_array_equal(out, SyntheticScene(SMALL).render(3).image)
    for wrong in (np.zeros((80, 97), np.uint8), np.zeros((80, 96), np.uint16)):
        with pytest.raises(FrameFormatError):
            scene.render(3, out=wrong)
    with pytest.raises(OptionError, match="-1"):
        scene.render(-1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 10},
        {"height": 5000},
        {"frames": 0},
        {"seed": -1},
        {"targets": -1},
        {"targets": 101},
        {"bits": 12},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"noise": -1.0},
        {"noise": float("nan")},
        {"drift": 2000.0},
        {"dark_share": 1.5},
        {"target_size": (5.0, 2.0)},
        {"target_size": (0.0, 2.0)},
        {"scr": (-5.0, 2.0)},
    ],
)
def test_impossible_scenes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="choose"):
        replace(SMALL, **wrong)
