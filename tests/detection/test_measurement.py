from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.detection.measurement import SIGMA_FLOOR, measure
from edge_irdet.errors import FrameFormatError
from edge_irdet.scene import Clutter, SceneConfig, SyntheticScene

HEIGHT, WIDTH = 60, 80


def background(seed: int = 0, level: float = 1000.0, noise: float = 4.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(level, noise, (HEIGHT, WIDTH))


def spot(x: float, y: float, peak: float, sigma: float = 1.1) -> NDArray[np.float64]:
    """A blurred point source whose centroid is at x, y in continuous pixels."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    return peak * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


def counts(image: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.rint(image.clip(0, 65535)).astype(np.uint16)


def box_about(x: float, y: float, side: float = 5.0) -> list[float]:
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2]


def boxes_of(*boxes: list[float]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


@pytest.mark.parametrize("peak", [300.0, -300.0], ids=["bright", "dark"])
@pytest.mark.parametrize("place", [(30.2, 20.7), (41.5, 33.0), (25.9, 40.4)])
def test_a_spot_is_found_to_a_tenth_of_a_pixel(peak: float, place: tuple[float, float]) -> None:
    image = counts(background() + spot(*place, peak))
    # The box is half a pixel off, as detectors' boxes are.
    found = measure(image, boxes_of(box_about(place[0] + 0.5, place[1] - 0.4)))
    np.testing.assert_allclose(found.centroids[0], place, atol=0.1)
    assert found.scr[0] > 10


def test_the_ratio_by_hand() -> None:
    image = np.full((40, 40), 100, np.uint8)
    image[:, ::2] += 4  # mean 102 and standard deviation 2, as the ring holds whole pairs of columns
    image[18:22, 18:22] = 152
    found = measure(image, boxes_of([18, 18, 22, 22]))
    assert found.scr[0] == pytest.approx(50 / 2)
    np.testing.assert_allclose(found.centroids[0], (20, 20), atol=0.05)


def test_a_background_without_noise_has_that_of_rounding() -> None:
    image = np.full((40, 40), 100, np.uint8)
    image[20, 20] = 110
    found = measure(image, boxes_of([20, 20, 21, 21]))
    assert found.scr[0] == pytest.approx(10 / SIGMA_FLOOR)
    np.testing.assert_allclose(found.centroids[0], (20.5, 20.5))


def test_where_nothing_stands_out_the_middle_of_the_box_stays() -> None:
    flat = np.full((40, 40), 7, np.uint8)
    found = measure(flat, boxes_of([10.25, 11.5, 14.75, 14.0]))
    assert found.centroids.tolist() == [[12.5, 12.75]]
    assert found.scr.tolist() == [0.0]


def test_a_neighbour_hardly_pulls() -> None:
    weak, strong = (30.3, 30.6), (37.4, 30.1)
    image = counts(background() + spot(*weak, 150) + spot(*strong, 900))
    pair = measure(image, boxes_of(box_about(*weak), box_about(*strong)))
    alone = measure(image, boxes_of(box_about(*weak)))
    np.testing.assert_allclose(pair.centroids, (weak, strong), atol=0.12)
    np.testing.assert_allclose(alone.centroids[0], weak, atol=0.2)
    assert pair.scr[0] > 2 * alone.scr[0], "a known neighbour is no background"


def test_overlapping_boxes_keep_their_own_targets() -> None:
    first, second = (30.0, 30.0), (33.5, 31.0)
    image = counts(background(noise=2.0) + spot(*first, 400) + spot(*second, 400))
    found = measure(image, boxes_of(box_about(*first), box_about(*second)))
    np.testing.assert_allclose(found.centroids, (first, second), atol=0.35)


@pytest.mark.parametrize(
    "box",
    [
        [-3.0, -2.0, 2.5, 3.0],
        [76.0, 55.0, 84.0, 66.0],
        [0.0, 0.0, 80.0, 3.0],
        [79.0, 30.0, 80.0, 31.0],
        [39.9, 30.1, 40.1, 30.2],
        [5.0, 5.0, 60.0, 50.0],
    ],
    ids=["corner", "far corner", "edge to edge", "last column", "tiny", "large"],
)
def test_boxes_at_the_border_and_of_any_size_are_measured(box: list[float]) -> None:
    found = measure(counts(background() + spot(40, 30, 200) + spot(1.2, 1.3, 200)), boxes_of(box))
    left, top, right, bottom = box
    assert max(left, 0) <= found.centroids[0, 0] <= min(right, WIDTH)
    assert max(top, 0) <= found.centroids[0, 1] <= min(bottom, HEIGHT)
    assert np.isfinite(found.scr).all()


@pytest.mark.parametrize(
    "box",
    [
        [10.0, 10.0, 10.0, 14.0],
        [14.0, 10.0, 10.0, 14.0],
        [-9.0, -9.0, -2.0, -2.0],
        [90.0, 10.0, 99.0, 14.0],
        [0.0, 0.0, 80.0, 60.0],
        [math.nan, 1.0, 2.0, 3.0],
        [1.0, 1.0, math.inf, 3.0],
    ],
    ids=["no width", "inverted", "outside", "right of it", "whole frame", "NaN", "infinite"],
)
def test_what_cannot_be_measured_keeps_its_middle_and_has_no_ratio(box: list[float]) -> None:
    image = counts(background() + spot(40, 30, 200))
    good = box_about(40, 30)
    found = measure(image, boxes_of(good, box))
    np.testing.assert_array_equal(found.centroids[1], [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    assert math.isnan(found.scr[1])
    if box != [0.0, 0.0, 80.0, 60.0]:  # which leaves no background to anybody
        np.testing.assert_allclose(found.centroids[0], (40, 30), atol=0.1)


def test_without_boxes_and_in_a_frame_of_one_pixel() -> None:
    found = measure(counts(background()), boxes_of())
    assert found.centroids.shape == (0, 2)
    assert found.scr.shape == (0,)
    found = measure(np.zeros((1, 1), np.uint8), boxes_of([0, 0, 1, 1]))
    assert found.centroids.tolist() == [[0.5, 0.5]]
    assert math.isnan(found.scr[0])


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.float32), np.zeros((8, 8, 3), np.uint8)])
def test_other_images_are_refused(image: NDArray[np.generic]) -> None:
    with pytest.raises(FrameFormatError):
        measure(image, boxes_of([1, 1, 3, 3]))


def test_the_frame_is_not_written_to() -> None:
    image = counts(background() + spot(30, 30, 200))
    image.setflags(write=False)
    before = image.copy()
    measure(image, boxes_of(box_about(30, 30), box_about(34, 31)))
    np.testing.assert_array_equal(image, before)


def test_many_targets_at_once_are_as_each_alone() -> None:
    """Small and large windows are worked on differently, and none knows of a far one."""
    places = [(12.3, 8.8), (40.2, 8.1), (66.7, 7.0), (13.0, 45.5), (60.0, 42.0)]
    image = counts(background() + sum(spot(*place, 250) for place in places))
    sides = [4, 5, 6, 5, 33]
    boxes = boxes_of(*(box_about(*place, side) for place, side in zip(places, sides, strict=True)))
    together = measure(image, boxes)
    for index in range(3):
        alone = measure(image, boxes[index : index + 1])
        np.testing.assert_allclose(together.centroids[index], alone.centroids[0], rtol=1e-12)
        assert together.scr[index] == alone.scr[0]


SCENES = st.tuples(
    st.integers(0, 10**6),
    st.floats(28, 50, width=32),
    st.floats(26, 34, width=32),
    st.floats(-0.875, 0.875, width=32),
    st.floats(2, 9, width=32),
    st.sampled_from([-200.0, 60.0, 400.0]),
)
Scene = tuple[int, float, float, float, float, float]


def scene_of(drawn: Scene) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    seed, x, y, off, side, peak = drawn
    return counts(background(seed) + spot(x, y, peak)), boxes_of(box_about(x + off, y - off, side))


@settings(max_examples=60, deadline=None)
@given(SCENES)
def test_a_centroid_lies_in_its_box(drawn: Scene) -> None:
    image, boxes = scene_of(drawn)
    x, y = measure(image, boxes).centroids[0]
    left, top, right, bottom = boxes[0].astype(np.float64)
    assert left <= x <= right
    assert top <= y <= bottom


@settings(max_examples=60, deadline=None)
@given(SCENES, st.integers(-9, 9), st.integers(-9, 9))
def test_it_moves_with_the_picture(drawn: Scene, right: int, down: int) -> None:
    image, boxes = scene_of(drawn)
    boxes = np.round(boxes * 64) / 64  # so that a shift changes no bit of the fraction
    moved = np.roll(image, (down, right), (0, 1))
    here = measure(image, boxes)
    there = measure(moved, boxes + np.array([right, down] * 2, np.float32))
    np.testing.assert_allclose(there.centroids, here.centroids + np.array([right, down]), atol=1e-9)
    np.testing.assert_allclose(there.scr, here.scr, rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(SCENES, st.integers(1, 20), st.integers(0, 20000))
def test_gain_and_offset_of_the_camera_do_not_move_it(drawn: Scene, gain: int, offset: int) -> None:
    image, boxes = scene_of(drawn)
    other = (image.astype(np.int64) * gain + offset).astype(np.uint16)
    one, two = measure(image, boxes), measure(other, boxes)
    np.testing.assert_allclose(two.centroids, one.centroids, atol=1e-6)
    np.testing.assert_allclose(two.scr, one.scr, rtol=1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_it_is_nearer_to_the_truth_than_the_boxes_middle(bits: int) -> None:
    """Boxes of the shipped detector, truth of the synthetic scenes."""
    by_box, by_centroid = [], []
    with Detector(config=DetectorConfig(runtime="cpu", precision="fp32", threads=1)) as detector:
        for clutter in Clutter:
            scene = SyntheticScene(SceneConfig(clutter=clutter, targets=8, bits=bits, seed=2))
            for index in range(0, 200, 40):
                rendered = scene.render(index)
                image = rendered.image
                grey = image if bits == 8 else ((image.astype(np.int64) - 6000) // 16).clip(0, 255)
                found = detector.detect(grey.astype(np.uint8))
                measured = measure(image, found.boxes)
                for middle, centroid in zip(found.centres, measured.centroids, strict=True):
                    distances = np.linalg.norm(rendered.truth.centroids - middle, axis=1)
                    if distances.min() < 3:
                        by_box.append(distances.min())
                        truth = rendered.truth.centroids[distances.argmin()]
                        by_centroid.append(np.linalg.norm(centroid - truth))
    assert len(by_box) > 40
    assert np.mean(by_centroid) < 0.75 * np.mean(by_box)
    assert np.median(by_centroid) < 0.75 * np.median(by_box)
