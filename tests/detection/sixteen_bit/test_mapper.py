"""The mappings over the frames of a stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from edge_irdet.detection.sixteen_bit.mapper import SixteenBitMapper
from edge_irdet.package import SixteenBitMapping, SixteenBitSpec

PLATEAU = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0.5, 99.9)
PERCENTILE = SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9)
FIXED = SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 2500, 3500)
SMOOTHED = [replace(spec, smoothing_frames=10.0) for spec in (PERCENTILE, PLATEAU)]
NAMES = ["linear-percentile", "plateau"]
SHAPE = (40, 50)


def scene(seed: int, sigma: float = 120.0, level: float = 3000.0) -> NDArray[np.uint16]:
    """The same place in each frame, with fresh noise."""
    place = np.random.default_rng(1000).normal(0, sigma, SHAPE)
    return np.rint(level + place + np.random.default_rng(seed).normal(0, 2, SHAPE)).astype(np.uint16)


def with_hot_object(image: NDArray[np.uint16]) -> NDArray[np.uint16]:
    hot = image.copy()
    hot[5:15, 5:15] += 3000
    return hot


def plain_plateau(image: NDArray[np.uint16], spec: SixteenBitSpec) -> NDArray[np.int64]:
    """The definition once more, count by count."""
    ordered = sorted(image.ravel().tolist())

    def percentile(share: float) -> int:
        return ordered[max(1, math.ceil(share / 100.0 * len(ordered))) - 1]

    low, high = percentile(spec.low), percentile(spec.high)
    limit = max(1, math.floor(spec.plateau / 100.0 * len(ordered)))
    weights = {count: min(ordered.count(count), limit) for count in range(low + 1, high + 1)}
    share, total, curve = spec.linear / 100.0, sum(weights.values()), {low: 0.0}
    for count, weight in weights.items():
        rise = weight * (255.0 * (1.0 - share) / total) + 255.0 * share / (high - low)
        curve[count] = curve[count - 1] + min(rise, spec.max_gain)
    base = (255.0 - curve[high]) / 2.0
    levels = [math.floor(curve[min(max(count, low), high)] + base + 0.5) for count in image.ravel().tolist()]
    return np.array(levels).reshape(image.shape)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 200),
    st.floats(0.01, 100),
    st.floats(0, 100),
    st.floats(0.01, 20),
)
def test_the_plateau_is_as_defined(seed: int, span: int, plateau: float, linear: float, gain: float) -> None:
    image = np.random.default_rng(seed).integers(5000, 5000 + span, (12, 15)).astype(np.uint16)
    spec = SixteenBitSpec(SixteenBitMapping.PLATEAU, 1, 99, plateau=plateau, linear=linear, max_gain=gain)
    if len(np.unique(image)) > 1 and np.percentile(image, 1) < np.percentile(image, 99):
        np.testing.assert_array_equal(SixteenBitMapper(spec)(image), plain_plateau(image, spec))


def test_a_plateau_by_hand() -> None:
    # Pixels of each count: 6, 2, 1 and 1; the plateau of 20 % lets none weigh more than 2.
    image = np.array([[10, 10, 10, 10, 10], [10, 11, 11, 12, 13]], np.uint16)
    spec = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0, 100, plateau=20, linear=0, max_gain=200)
    # Above the lowest count weigh 2, 1 and 1 of 4: levels 0, 127.5, 191.25, 255.
    assert SixteenBitMapper(spec)(image)[1].tolist() == [0, 128, 128, 191, 255]
    limited = replace(spec, max_gain=50)
    # Each rises by 50 at most; the 105 levels that are left lie half below and half above.
    assert SixteenBitMapper(limited)(image)[1].tolist() == [53, 103, 103, 153, 203]


def test_the_plateau_keeps_a_crowd_from_taking_all_levels() -> None:
    """A cold sky of many alike pixels and a warm ground: the ground gets its contrast."""
    image = scene(0, sigma=3.0, level=1000.0)
    ground = np.random.default_rng(1).normal(4000, 200, (8, 50))
    image[32:] = ground
    steep = SixteenBitMapper(replace(PLATEAU, plateau=100.0, linear=0.0, max_gain=255.0))(image)
    held = SixteenBitMapper(replace(PLATEAU, linear=0.0))(image)
    assert held[32:].astype(float).std() > 2 * steep[32:].astype(float).std()


def test_the_gain_limit_keeps_noise_small() -> None:
    noise = np.random.default_rng(0).integers(3000, 3005, SHAPE).astype(np.uint16)
    mapped = SixteenBitMapper(replace(PLATEAU, max_gain=2.0))(noise)
    assert np.ptp(mapped) <= 8
    assert abs(float(mapped.mean()) - 127.5) < 4


@pytest.mark.parametrize("level", [0, 3000, 65535])
@pytest.mark.parametrize("spec", [PLATEAU, *SMOOTHED], ids=["plateau", "smoothed linear", "smoothed plateau"])
def test_a_frame_of_equal_pixels_is_flat_grey(spec: SixteenBitSpec, level: int) -> None:
    mapper = SixteenBitMapper(spec)
    for _ in range(3):
        assert (mapper(np.full(SHAPE, level, np.uint16)) == 128).all()
        assert mapper.shutter


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from([0.0, 2.0, 100.0, 3000.0]), min_size=1, max_size=6),
    st.sampled_from([PERCENTILE, FIXED, PLATEAU, *SMOOTHED]),
)
def test_every_mapping_keeps_order_whatever_came_before(
    seed: int, sigmas: list[float], spec: SixteenBitSpec
) -> None:
    mapper = SixteenBitMapper(spec)
    generator = np.random.default_rng(seed)
    for sigma in sigmas:
        image = (
            np.rint(generator.normal(generator.uniform(0, 65535), sigma, SHAPE))
            .clip(0, 65535)
            .astype(np.uint16)
        )
        mapped = mapper(image)
        order = np.argsort(image, axis=None, kind="stable")
        assert (np.diff(mapped.ravel()[order].astype(int)) >= 0).all()
        assert mapped.dtype == np.uint8
        assert mapped.shape == image.shape


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_smoothing_starts_at_the_frames_own_mapping(spec: SixteenBitSpec) -> None:
    own = SixteenBitMapper(replace(spec, smoothing_frames=0.0))
    image = scene(0)
    np.testing.assert_array_equal(SixteenBitMapper(spec)(image), own(image))


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_a_hot_object_does_not_make_the_picture_pump(spec: SixteenBitSpec) -> None:
    """The grey of the background, which does not change, from frame to frame as an object comes and goes."""
    frames = [scene(index) for index in range(6)]
    frames += [with_hot_object(scene(index)) for index in range(6, 12)]
    frames += [scene(index) for index in range(12, 18)]
    steps = {}
    for name, used in (("smoothed", spec), ("not", replace(spec, smoothing_frames=0.0))):
        mapper = SixteenBitMapper(used)
        background = [mapper(image)[20:].astype(float).mean() for image in frames]
        steps[name] = np.abs(np.diff(background)).max()
    assert steps["smoothed"] < 0.4 * steps["not"]


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_the_shutter_leaves_the_mapping_as_it_was(spec: SixteenBitSpec) -> None:
    with_shutter, without = SixteenBitMapper(spec), SixteenBitMapper(spec)
    flat = np.rint(np.random.default_rng(3).normal(3300, 2, SHAPE)).astype(np.uint16)
    for index in range(12):
        if index in (5, 6):
            with_shutter(flat)
            assert with_shutter.shutter
        image = scene(index)
        np.testing.assert_array_equal(with_shutter(image), without(image))
        assert not with_shutter.shutter


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_a_scene_that_stays_flat_is_adopted(spec: SixteenBitSpec) -> None:
    mapper = SixteenBitMapper(replace(spec, shutter_frames=3))
    for index in range(5):
        mapper(scene(index))
    flat = [
        np.rint(np.random.default_rng(seed).normal(4200, 2, SHAPE)).astype(np.uint16) for seed in range(6)
    ]
    flags = []
    for image in flat:
        mapped = mapper(image)
        flags.append(mapper.shutter)
    assert flags == [True] * 3 + [False] * 3
    # Grey in the middle, its noise small: the flat scene's own mapping and not white above the old scene's.
    assert abs(float(mapped.mean()) - 127.5) < 8
    assert float(mapped.std()) < 12


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_a_jump_of_all_counts_is_followed_at_once(spec: SixteenBitSpec) -> None:
    """As after a flat-field correction: smoothing must not leave the picture white for many frames."""
    mapper = SixteenBitMapper(spec)
    for index in range(5):
        mapper(scene(index))
    moved = scene(5, level=5000)
    np.testing.assert_array_equal(mapper(moved), SixteenBitMapper(spec)(moved))


@pytest.mark.parametrize("spec", SMOOTHED, ids=NAMES)
def test_smoothing_arrives_where_the_scene_is(spec: SixteenBitSpec) -> None:
    mapper = SixteenBitMapper(spec)
    mapper(scene(0))
    for index in range(120):
        mapped = mapper(scene(index, level=3100))
    own = SixteenBitMapper(spec)(scene(119, level=3100))
    assert np.abs(mapped.astype(int) - own.astype(int)).max() <= 3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(SMOOTHED))
def test_from_a_reset_the_same_frames_give_the_same_bytes(seed: int, spec: SixteenBitSpec) -> None:
    generator = np.random.default_rng(seed)
    frames = [
        np.rint(generator.normal(generator.uniform(2000, 4000), generator.choice([2, 150]), SHAPE)).astype(
            np.uint16
        )
        for _ in range(6)
    ]
    mapper = SixteenBitMapper(spec)
    mapper(scene(1, level=9000))
    mapper.reset()
    first = [(mapper(image).copy(), mapper.shutter) for image in frames]
    fresh = SixteenBitMapper(spec)
    for image, (mapped, shutter) in zip(frames, first, strict=True):
        np.testing.assert_array_equal(fresh(image), mapped)
        assert fresh.shutter == shutter


def test_it_writes_into_the_given_array() -> None:
    out = np.zeros(SHAPE, np.uint8)
    assert SixteenBitMapper(PLATEAU)(scene(0), out=out) is out
    assert out.any()


def test_two_mappers_know_nothing_of_one_another() -> None:
    one, other = SixteenBitMapper(SMOOTHED[1]), SixteenBitMapper(SMOOTHED[1])
    for index in range(4):
        other(scene(index, level=8000, sigma=600))
    image = scene(5)
    np.testing.assert_array_equal(one(image), SixteenBitMapper(SMOOTHED[1])(image))
