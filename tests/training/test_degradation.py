from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.training.config import DEGRADED_SHARE, AugmentationConfig
from edge_irdet.training.degradation import degraded, with_bad_pixels

PLAIN = AugmentationConfig(flip=False, gain=(1.0, 1.0), bias=0.0)


def ramp() -> np.ndarray:
    return np.tile(np.linspace(10, 240, 64, dtype=np.float32), (48, 1))


def made(config: AugmentationConfig, seeds: int = 60) -> list[np.ndarray]:
    return [degraded(ramp(), config, np.random.default_rng(seed)) for seed in range(seeds)]


def test_with_everything_off_nothing_changes() -> None:
    np.testing.assert_allclose(made(PLAIN, 1)[0], ramp(), atol=1e-4)


def test_what_is_off_draws_nothing() -> None:
    """A configuration of before gives the samples it always gave."""
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    degraded(ramp(), replace(PLAIN, noise=2.0), first)
    second.uniform(1.0, 1.0)
    second.uniform(0.0, 0.0)
    second.uniform(0.0, 2.0)
    second.standard_normal((48, 64), dtype=np.float32)
    assert first.random() == second.random()


def test_inversion_is_exact_and_as_frequent_as_stated() -> None:
    images = made(replace(PLAIN, inversion=0.4), 400)
    inverted = [np.allclose(image, 255 - ramp(), atol=1e-3) for image in images]
    plain = [np.allclose(image, ramp(), atol=1e-3) for image in images]
    assert all(one != other for one, other in zip(inverted, plain, strict=True))
    assert 0.3 < np.mean(inverted) < 0.5


def test_a_dark_sky_stays_visible_when_it_is_inverted() -> None:
    """A bright target on black, brightened and inverted, is dark on white and not white on white."""
    sky = np.full((48, 64), 3, np.float32)
    sky[20:24, 30:34] = 90
    config = replace(PLAIN, inversion=1.0, bias=40.0)
    for seed in range(50):
        image = np.clip(degraded(sky, config, np.random.default_rng(seed)), 0, 255)
        assert image[10, 10] - image[22, 32] > 30


def test_gamma_keeps_order_black_and_white() -> None:
    images = made(replace(PLAIN, gamma=2.0))
    changed = [image for image in images if not np.allclose(image, ramp(), atol=1e-3)]
    assert 0.1 < len(changed) / len(images) < 0.6
    for image in changed:
        assert (np.diff(image[0]) > 0).all()
        assert image.min() >= 0
        assert image.max() <= 255
        assert image[0, 20] == pytest.approx(255 * (ramp()[0, 20] / 255) ** exponent(image), rel=1e-3)


def exponent(image: np.ndarray) -> float:
    return float(np.log(image[0, 40] / 255) / np.log(ramp()[0, 40] / 255))


def test_blur_keeps_the_mean_and_takes_detail() -> None:
    speck = np.zeros((48, 64), np.float32)
    speck[24, 32] = 200
    peaks = [
        degraded(speck, replace(PLAIN, blur=1.2), np.random.default_rng(seed)).max() for seed in range(60)
    ]
    assert max(peaks) == pytest.approx(200)
    assert min(peaks) < 60


@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_are_whole_rows_or_columns(axis: int) -> None:
    images = [image - ramp() for image in made(replace(PLAIN, stripes=4.0), 100)]
    striped = [image for image in images if np.abs(image).max() > 1e-2]
    whole = [image for image in striped if np.ptp(image, axis).max() < 1e-3]
    assert 0.1 < len(striped) / len(images) < 0.6
    assert whole, "some lie along this axis"
    assert max(image.std() for image in striped) < 8


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_bad_pixels_are_few_and_strong(seed: int, most: int) -> None:
    image = np.full((40, 50), 100, np.float32)
    faulty = with_bad_pixels(image, most, np.random.default_rng(seed))
    changed = faulty != image
    assert changed.sum() <= most
    assert (np.abs(faulty[changed] - 100) >= 40).all()
    assert faulty.min() >= 0
    assert faulty.max() <= 255
    assert (image == 100).all(), "the image that was given is left as it was"


def test_bad_pixels_come_in_both_polarities_on_a_share_of_the_samples() -> None:
    image = np.full((40, 50), 100, np.float32)
    results = [with_bad_pixels(image, 20, np.random.default_rng(seed)) for seed in range(300)]
    faulty = [result for result in results if result is not image]
    assert abs(len(faulty) / len(results) - DEGRADED_SHARE) < 0.1
    assert any((result > 100).any() for result in faulty)
    assert any((result < 100).any() for result in faulty)
    assert with_bad_pixels(image, 0, np.random.default_rng(0)) is image
