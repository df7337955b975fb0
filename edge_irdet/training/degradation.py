"""What makes the same scene look different: polarity, contrast, optics and the sensor's faults.

Planes are float32 grey levels, 0..255 unless said otherwise. Whatever is switched off draws nothing, so that
older configurations give the samples they always gave.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.training.config import DEGRADED_SHARE, AugmentationConfig

LEAST_BLUR = 0.3
"""Pixels; a weaker blur changes nothing."""

HOT_EXCESS = (40.0, 255.0)
"""Range of grey levels by which a bad pixel differs from what it should show."""


def degraded(
    image: NDArray[np.float32], config: AugmentationConfig, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Gamma, blur, contrast, brightness, noise, stripes and polarity, in the order of lens, sensor, display.

    Args:
        image: [H, W].
        config: what is switched on, and how much.
        generator: source of everything random.

    Returns:
        [H, W] grey levels, not clipped.
    """
    if config.gamma > 1 and generator.random() < DEGRADED_SHARE:
        largest = np.log(config.gamma)
        exponent = np.float32(np.exp(generator.uniform(-largest, largest)))
        image = np.float32(255) * (np.clip(image, 0, 255) / np.float32(255)) ** exponent
    if config.blur > LEAST_BLUR and generator.random() < DEGRADED_SHARE:
        image = _blurred(image, float(generator.uniform(LEAST_BLUR, config.blur)))
    gain = generator.uniform(*config.gain)
    bias = generator.uniform(-config.bias, config.bias)
    mean = float(image.mean())
    image = (image - mean) * np.float32(gain) + np.float32(mean + bias)
    if config.noise > 0:
        deviation = generator.uniform(0, config.noise)
        image = image + generator.standard_normal(image.shape, dtype=np.float32) * np.float32(deviation)
    if config.stripes > 0 and generator.random() < DEGRADED_SHARE:
        image = image + _stripes(image.shape, config.stripes, generator)
    if config.inversion and generator.random() < config.inversion:
        # Last and of what fits into 8 bits: a dark sky that was inverted first would saturate with the bias.
        image = np.float32(255) - np.clip(image, 0, 255)
    return image


def with_bad_pixels(
    image: NDArray[np.float32], most: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Isolated bright and dark pixels on :data:`DEGRADED_SHARE` of the samples; labels stay as they are.

    Args:
        image: [H, W] grey levels 0..255 at the network's scale: a bad pixel has no neighbour of its kind.
        most: at most so many.
        generator: source of everything random.

    Returns:
        [H, W] grey levels 0..255.
    """
    if most < 1 or generator.random() >= DEGRADED_SHARE:
        return image
    height, width = image.shape
    count = int(generator.integers(1, most + 1))
    rows, columns = generator.integers(height, size=count), generator.integers(width, size=count)
    excess = generator.uniform(*HOT_EXCESS, count) * generator.choice((-1.0, 1.0), count)
    faulty = image.copy()
    faulty[rows, columns] = np.clip(image[rows, columns] + excess, 0, 255)
    return faulty


def _blurred(image: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    blurred: NDArray[np.float32] = cv2.GaussianBlur(image, (0, 0), deviation)  # type: ignore[assignment]
    return blurred


def _stripes(shape: tuple[int, ...], largest: float, generator: np.random.Generator) -> NDArray[np.float32]:
    axis = int(generator.integers(2))
    offsets = generator.standard_normal(shape[axis], dtype=np.float32)
    offsets *= np.float32(generator.uniform(0, largest))
    return offsets[:, None] if axis == 0 else offsets[None, :]
