from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.errors import FrameFormatError, OptionError
from edge_irdet.scene import Clutter, SceneConfig, SyntheticScene
from edge_irdet.scene.targets import stamp, targets_at

SMALL = SceneConfig(width=96, height=80, frames=50, targets=4)


@pytest.mark.parametrize("clutter", Clutter)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_frame_depends_on_the_configuration_and_its_number_alone(clutter: Clutter, bits: int) -> None:
    config = replace(SMALL, clutter=clutter, bits=bits)
    scene = SyntheticScene(config)
    in_order = [scene.render(index) for index in range(12)]
    again = SyntheticScene(config)
    for index in (7, 0, 11, 7):
        frame = again.render(index)
        np.testing.assert_array_equal(frame.image, in_order[index].image)
        np.testing.assert_array_equal(frame.truth.boxes, in_order[index].truth.boxes)
        np.testing.assert_array_equal(frame.truth.centroids, in_order[index].truth.centroids)
    other = SyntheticScene(replace(config, seed=1)).render(0)
    assert not np.array_equal(other.image, in_order[0].image)


@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        SceneConfig,
        clutter=st.sampled_from(Clutter),
        width=st.integers(64, 150),
        height=st.integers(64, 150),
        seed=st.integers(0, 10**6),
        targets=st.integers(0, 8),
        bits=st.sampled_from([8, 16]),
        drift=st.floats(0, 60),
    ),
    st.integers(0, 10**6),
)
def test_any_scene_renders_and_its_truth_lies_in_the_frame(config: SceneConfig, index: int) -> None:
    frame = SyntheticScene(config).render(index)
    assert frame.image.shape == (config.height, config.width)
    assert frame.image.dtype == (np.uint16 if config.bits == 16 else np.uint8)
    truth = frame.truth
    assert len(truth.boxes) == len(truth.centroids) == len(truth.track_ids) <= config.targets
    assert len(set(truth.track_ids.tolist())) == len(truth.track_ids)
    for left, top, right, bottom in truth.boxes:
        assert 0 <= left < right <= config.width
        assert 0 <= top < bottom <= config.height
        assert right - left <= 11
        assert bottom - top <= 11


def test_the_truth_is_where_the_light_is() -> None:
    """Centroid and box, measured on the difference between the scene with and without its targets."""
    config = replace(SMALL, width=200, height=160, targets=3, contrast=(60.0, 90.0), bits=16, seed=4)
    with_targets, without = SyntheticScene(config), SyntheticScene(replace(config, targets=0))
    measured = 0
    for index in range(0, 50, 5):
        frame = with_targets.render(index)
        added = frame.image.astype(np.float64) - without.render(index).image
        for box, centroid in zip(frame.truth.boxes, frame.truth.centroids, strict=True):
            around = slice(int(box[1]) - 6, int(box[3]) + 6), slice(int(box[0]) - 6, int(box[2]) + 6)
            others = np.delete(
                frame.truth.centroids, frame.truth.centroids.tolist().index(centroid.tolist()), 0
            )
            near = len(others) and np.abs(others - centroid).max(1).min() < 25
            if (
                near
                or min(around[0].start, around[1].start) < 0
                or around[0].stop > 160
                or around[1].stop > 200
            ):
                continue
            patch = added[around]
            ys, xs = np.mgrid[around] + 0.5
            total = patch.sum()
            np.testing.assert_allclose(
                [(xs * patch).sum() / total, (ys * patch).sum() / total], centroid, atol=0.05
            )
            rows, columns = np.nonzero(patch >= 0.5 * patch.max())
            found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            expected = box - np.array([around[1].start, around[0].start] * 2)
            np.testing.assert_allclose(found, expected, atol=1)
            measured += 1
    assert measured >= 10


def test_targets_move_smoothly_come_and_go() -> None:
    config = replace(SMALL, targets=3, speed=(1.0, 2.0))
    seen: dict[int, list[tuple[int, np.ndarray]]] = {}
    scene = SyntheticScene(config)
    for index in range(0, 900, 3):
        truth = scene.render(index).truth
        for track, centroid in zip(truth.track_ids.tolist(), truth.centroids, strict=True):
            seen.setdefault(track, []).append((index, centroid))
    assert len(seen) > 3, "others follow those that have left"
    for steps in seen.values():
        for (before, start), (after, end) in pairwise(steps):
            assert np.linalg.norm(end - start) <= 3.0 * (after - before)
        first, last = steps[0], steps[-1]
        for index, centroid in (first, last):
            at_rim = min(*centroid, config.width - centroid[0], config.height - centroid[1]) < 8
            assert at_rim or index < 3 or index > 893, "no target appears or vanishes in mid-air"


def test_a_target_reaches_its_contrast_and_no_more() -> None:
    for target in targets_at(replace(SMALL, targets=40), 0):
        levels = stamp(target, 0).levels
        assert 0.55 * target.contrast < levels.max() <= target.contrast * 1.0001


def test_sixteen_bit_counts_are_those_of_a_thermal_core() -> None:
    counts = SyntheticScene(replace(SMALL, bits=16)).render(0).image
    assert counts.min() > 2200
    assert counts.max() < 2**14
    assert np.unique(counts).size > 256, "more levels than 8 bits hold"


def test_it_renders_into_the_given_array_and_refuses_another() -> None:
    scene = SyntheticScene(SMALL)
    out = np.zeros((80, 96), np.uint8)
    assert scene.render(3, out=out).image is out
    for wrong in (np.zeros((80, 97), np.uint8), np.zeros((80, 96), np.uint16)):
        with pytest.raises(FrameFormatError):
            scene.render(3, out=wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 10},
        {"height": 5000},
        {"frames": 0},
        {"seed": -1},
        {"targets": -1},
        {"bits": 12},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"noise": -1.0},
        {"drift": 1000.0},
        {"extent": (5.0, 2.0)},
        {"contrast": (-5.0, 2.0)},
        {"speed": (0.0, 1.0)},
    ],
)
def test_impossible_scenes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="choose"):
        replace(SMALL, **wrong)
