"""The preprocess step over a stream: what it keeps, and what it flags."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.package import InputSpec, PreprocessSpec

INPUT = InputSpec("image", 64, 64, 1, "uint8")


def sixteen(text: str = "plateau") -> Preprocessor:
    return Preprocessor(PreprocessSpec(sixteen_bit=parse_mapping(text)), INPUT)


def counts(seed: int, sigma: float = 100.0, shape: tuple[int, int] = (48, 64)) -> NDArray[np.uint16]:
    return np.rint(np.random.default_rng(seed).normal(3000, sigma, shape)).astype(np.uint16)


def test_the_shutter_is_of_the_last_frame() -> None:
    for text in ("plateau", "linear-percentile", "fixed-range:2000,4000"):
        preprocessor = sixteen(text)
        flags = []
        for image in (counts(0), counts(1), counts(2, sigma=1), counts(3)):
            preprocessor(image)
            flags.append(preprocessor.shutter)
        assert flags == [False, False, True, False], text


def test_an_eight_bit_frame_of_equal_pixels_shows_nothing() -> None:
    preprocessor = Preprocessor(PreprocessSpec(), INPUT)
    almost = np.zeros((48, 64), np.uint8)
    almost[-1, -1] = 1
    flags = []
    for image in (almost, np.zeros((48, 64), np.uint8), np.full((10, 20), 77, np.uint8), almost):
        preprocessor(image)
        flags.append(preprocessor.shutter)
    assert flags == [False, True, True, False]


def test_another_size_starts_a_new_stream() -> None:
    used, fresh = sixteen(), sixteen()
    for seed in range(3):
        used(counts(seed, sigma=600))
    image = counts(4, sigma=20, shape=(30, 40))  # flat, against what came before
    used(image)
    fresh(image)
    assert not used.shutter
    np.testing.assert_array_equal(used.tensor, fresh.tensor)


def test_eight_bit_frames_between_start_it_anew_too() -> None:
    used, fresh = sixteen(), sixteen()
    used(counts(0, sigma=600))
    used(np.zeros((48, 64), np.uint8))
    for preprocessor in (used, fresh):
        preprocessor(counts(1))
    np.testing.assert_array_equal(used.tensor, fresh.tensor)


def test_a_reset_forgets_the_stream_and_its_flag() -> None:
    used, fresh = sixteen(), sixteen()
    for image in (counts(0, sigma=600), np.zeros((48, 64), np.uint16)):
        used(image)
    assert used.shutter
    used.reset()
    assert not used.shutter
    for preprocessor in (used, fresh):
        preprocessor(counts(1))
    np.testing.assert_array_equal(used.tensor, fresh.tensor)


def test_frames_that_may_not_be_written_and_views_are_fine() -> None:
    image = counts(0)
    image.setflags(write=False)
    whole, view = sixteen(), sixteen()
    whole(image[4:40, 6:50].copy())
    view(image[4:40, 6:50])
    np.testing.assert_array_equal(whole.tensor, view.tensor)
