from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.detection.sixteen_bit.histogram import CountHistogram
from edge_irdet.detection.sixteen_bit.shutter import SHUTTER_SPAN, ShutterDetector, Sight


def frame(seed: int, sigma: float, level: float = 3000.0) -> NDArray[np.uint16]:
    return np.rint(np.random.default_rng(seed).normal(level, sigma, (40, 50))).astype(np.uint16)


def sights(detector: ShutterDetector, frames: list[NDArray[np.uint16]]) -> list[Sight]:
    return [detector.look(CountHistogram(image)) for image in frames]


SCENE = [frame(seed, 120) for seed in range(4)]


def test_a_collapse_is_the_shutter_and_the_scene_comes_back() -> None:
    found = sights(ShutterDetector(60), [*SCENE, frame(9, 2), frame(10, 2, level=3200), *SCENE])
    assert found == [Sight.SCENE] * 4 + [Sight.SHUTTER] * 2 + [Sight.SCENE] * 4


def test_what_stays_flat_is_a_new_scene_after_its_time_and_then_an_ordinary_one() -> None:
    found = sights(ShutterDetector(3), [*SCENE, *(frame(seed, 2) for seed in range(9)), *SCENE])
    assert found == [Sight.SCENE] * 4 + [Sight.SHUTTER] * 3 + [Sight.NEW_SCENE] + [Sight.SCENE] * 9


def test_the_run_of_flat_frames_begins_anew_after_each_scene() -> None:
    found = sights(ShutterDetector(2), [*SCENE, frame(1, 2), frame(2, 2)] * 3)
    assert Sight.NEW_SCENE not in found
    assert found.count(Sight.SHUTTER) == 6


def test_a_first_flat_frame_is_a_flat_scene() -> None:
    assert sights(ShutterDetector(60), [frame(seed, 2) for seed in range(5)]) == [Sight.SCENE] * 5


def test_a_frame_of_equal_pixels_shows_nothing_however_long_it_lasts() -> None:
    black = np.zeros((40, 50), np.uint16)
    assert sights(ShutterDetector(2), [black] * 8) == [Sight.SHUTTER] * 8
    # And it teaches nothing: the scene behind it is a scene at once.
    assert sights(ShutterDetector(2), [black, *SCENE]) == [Sight.SHUTTER] + [Sight.SCENE] * 4


def test_dead_pixels_do_not_hide_the_shutter() -> None:
    def broken(image: NDArray[np.uint16]) -> NDArray[np.uint16]:
        image = image.copy()
        image[0, :4] = 0, 65535, 16383, 1
        return image

    found = sights(ShutterDetector(60), [broken(image) for image in (*SCENE, frame(9, 2))])
    assert found[-1] is Sight.SHUTTER


def test_a_scene_that_flattens_slowly_is_no_shutter() -> None:
    frames = [frame(index, max(2.0, 120 * 0.95**index)) for index in range(90)]
    assert set(sights(ShutterDetector(60), frames)) == {Sight.SCENE}


def test_no_frames_allowed_takes_a_flat_frame_for_the_scene_at_once() -> None:
    assert sights(ShutterDetector(0), [*SCENE, frame(9, 2)])[-1] is Sight.NEW_SCENE


def test_a_reset_forgets_the_scene() -> None:
    detector = ShutterDetector(60)
    sights(detector, SCENE)
    detector.reset()
    assert sights(detector, [frame(9, 2)]) == [Sight.SCENE]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 5.0, 30.0, 200.0]), min_size=1, max_size=40), st.integers(0, 5))
def test_no_more_shutter_frames_in_a_row_than_allowed(sigmas: list[float], limit: int) -> None:
    """But for frames of equal pixels, which show nothing for as long as they last."""
    detector = ShutterDetector(limit)
    run = 0
    for index, sigma in enumerate(sigmas):
        sight = detector.look(CountHistogram(frame(index, sigma)))
        if sigma == 0.0:
            assert sight is Sight.SHUTTER
            continue
        run = run + 1 if sight is Sight.SHUTTER else 0
        assert run <= limit


def test_the_limit_is_a_share_of_the_usual_span() -> None:
    usual = 400
    ramp = np.linspace(1000, 1000 + usual, 2000).reshape(40, 50)
    for share, expected in ((SHUTTER_SPAN * 1.1, Sight.SCENE), (SHUTTER_SPAN * 0.9, Sight.SHUTTER)):
        narrow = 1000 + (ramp - 1000) * share
        frames = [ramp.astype(np.uint16), narrow.astype(np.uint16)]
        assert sights(ShutterDetector(60), frames)[-1] is expected
