"""Random textures from which backgrounds are made."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def fractal_field(
    generator: np.random.Generator,
    height: int,
    width: int,
    slope: float,
    largest: float,
    stretch: float = 1.0,
) -> NDArray[np.float32]:
    """A Gaussian field whose power spectrum falls as frequency ** -slope, by spectral synthesis.

    Natural infrared clutter has slopes of about 2 (rough ground) to 4 (smooth haze); clouds lie near 3.

    Args:
        generator: of the random phases.
        height: pixels.
        width: pixels; the field repeats itself seamlessly in both directions.
        slope: of the power spectrum over the radial frequency.
        largest: wavelength in pixels above which the spectrum is flat.
        stretch: structures are this much longer than high.

    Returns:
        [height, width], mean 0, standard deviation 1.
    """
    rows = np.fft.fftfreq(height)[:, None]
    columns = np.fft.rfftfreq(width)[None, :] * stretch
    frequency = np.sqrt(rows**2 + columns**2 + (1.0 / largest) ** 2)
    noise = np.fft.rfft2(generator.standard_normal((height, width)))
    noise[0, 0] = 0.0
    field = np.fft.irfft2(noise * frequency ** (-slope / 2), s=(height, width))
    return np.asarray(field / max(float(field.std()), 1e-12), np.float32)


def wave_field(
    generator: np.random.Generator, side: int, peak: float, direction: float
) -> NDArray[np.float32]:
    """A wind sea seen from above: a directional band of wavelengths around a peak.

    The spectrum falls as frequency ** -4 beyond the peak (Phillips' saturation range in elevation) and as the
    fourth power of the cosine of the angle to the wind.

    Args:
        generator: of the random phases.
        side: pixels; the field repeats itself seamlessly.
        peak: dominant wavelength, pixels.
        direction: of the wind, radians.

    Returns:
        [side, side], mean 0, standard deviation 1.
    """
    rows = np.fft.fftfreq(side)[:, None]
    columns = np.fft.rfftfreq(side)[None, :]
    frequency = np.sqrt(rows**2 + columns**2) + 1e-9
    along = (columns * np.cos(direction) + rows * np.sin(direction)) / frequency
    relative = frequency * peak
    power = relative**-4.0 * np.exp(-1.25 * relative**-4.0) * (0.02 + along**4)
    noise = np.fft.rfft2(generator.standard_normal((side, side)))
    field = np.fft.irfft2(noise * np.sqrt(power), s=(side, side))
    return np.asarray(field / max(float(field.std()), 1e-12), np.float32)


def warped(
    field: NDArray[np.float32], by_x: NDArray[np.float32], by_y: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    """The field looked up at places displaced by two others, times ``strength`` pixels: billows and wisps."""
    height, width = field.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        field,
        columns + np.float32(strength) * by_x,
        rows + np.float32(strength) * by_y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.float32)


def smooth_step(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 below ``low``, 1 above ``high``, a smooth cubic between them."""
    place = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(place * place * (3.0 - 2.0 * place), np.float32)
