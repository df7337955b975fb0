from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.scene.camera import SWAY, CameraSway
from edge_irdet.scene.fields import fractal_field, smooth_step
from edge_irdet.scene.targets import PSF_SIGMA, TargetShape


@pytest.mark.parametrize("slope", [2.0, 3.0, 4.0])
def test_the_spectrum_of_a_fractal_field_has_its_slope(slope: float) -> None:
    field = fractal_field(np.random.default_rng(0), 256, 256, slope, largest=1e6)
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-4)
    power = np.abs(np.fft.fft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])
    band = (frequency > 0.02) & (frequency < 0.4)
    fitted = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert -fitted == pytest.approx(slope, abs=0.15)


def test_a_smooth_step_ends_flat() -> None:
    np.testing.assert_allclose(
        smooth_step(np.array([-1, 0, 0.5, 1, 2], np.float32), 0.0, 1.0), [0, 0, 0.5, 1, 1]
    )


shapes = st.builds(TargetShape, st.floats(0.2, 12), st.floats(0.2, 12), st.floats(-1, 1), st.floats(0, 1))


@settings(max_examples=40, deadline=None)
@given(shapes, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_flux_and_centroid_do_not_depend_on_the_place_between_pixels(
    shape: TargetShape, shift_x: float, shift_y: float
) -> None:
    reference, image = np.zeros((65, 65), np.float32), np.zeros((65, 65), np.float32)
    shape.add_to(reference, 32.5, 32.5, 50.0)
    shape.add_to(image, 32.5 + shift_x, 32.5 + shift_y, 50.0)
    assert image.sum() == pytest.approx(reference.sum(), rel=2e-3)
    rows, columns = np.mgrid[:65, :65] + 0.5
    assert (columns * image).sum() / image.sum() == pytest.approx(32.5 + shift_x, abs=0.02)
    assert (rows * image).sum() / image.sum() == pytest.approx(32.5 + shift_y, abs=0.02)
    assert image.max() <= 50.0 * 1.001


def test_a_point_has_the_width_of_optics_and_pixel() -> None:
    left, top, right, bottom = TargetShape(0.01, 0.01, 0.0, 0.0).extent
    # The pixel's square aperture has the variance 1/12.
    expected = 2.355 * np.hypot(PSF_SIGMA, np.sqrt(1 / 12))
    assert right - left == pytest.approx(expected, abs=0.15)
    assert bottom - top == pytest.approx(expected, abs=0.15)


def test_a_large_target_is_as_large_as_it_is() -> None:
    left, top, right, bottom = TargetShape(9.0, 6.0, 0.0, 0.0).extent
    assert right - left == pytest.approx(9.0, abs=0.2)
    assert bottom - top == pytest.approx(6.0, abs=0.2)


def test_a_target_half_outside_adds_only_what_is_inside() -> None:
    shape = TargetShape(4.0, 4.0, 0.0, 0.0)
    whole, cut = np.zeros((60, 60), np.float32), np.zeros((30, 30), np.float32)
    shape.add_to(whole, 30.0, 30.0, 10.0)
    shape.add_to(cut, 0.0, 0.0, 10.0)
    np.testing.assert_allclose(cut, whole[30:, 30:], atol=1e-4)
    shape.add_to(cut, -500.0, 3.0, 10.0)
    np.testing.assert_allclose(cut, whole[30:, 30:], atol=1e-4)


@given(st.integers(0, 1000), st.floats(0, 100), st.floats(0, 1e6))
def test_the_sway_is_bounded(seed: int, speed: float, seconds: float) -> None:
    x, y = CameraSway(np.random.default_rng(seed), speed).at(seconds)
    assert abs(x) <= SWAY
    assert abs(y) <= SWAY


def test_the_sway_has_its_speed() -> None:
    for seed in range(5):
        sway = CameraSway(np.random.default_rng(seed), 6.0)
        step = 0.05
        places = np.array([sway.at(i * step) for i in range(20_000)])
        speed = np.sqrt((np.diff(places, axis=0) ** 2).sum(1).mean()) / step
        assert speed == pytest.approx(6.0, rel=0.1)
