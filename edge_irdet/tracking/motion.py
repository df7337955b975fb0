"""The Kalman filter of a point that moves with nearly constant velocity, for many tracks at once.

State and noise are alike on both axes and the axes do not mix, so the 4 x 4 covariance of (x, y, vx, vy) is
twice the same 2 x 2 block (p, c; c, v) of place and velocity. One block a track is kept, which is exact and
takes a handful of array operations a frame.

The model is continuous white-noise acceleration (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to
Tracking and Navigation, 2001, section 6.2.2): two steps of any lengths give what one step of their sum gives,
so a dropped frame changes nothing but the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def predict(
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    covariance: NDArray[np.float64],
    seconds: float,
    density: float,
) -> None:
    """Move tracks on by some time, in place.

    Args:
        position: [n, 2] x, y, pixels.
        velocity: [n, 2] px/s.
        covariance: [n, 3] variance of the place on an axis px^2, covariance of place and velocity px^2/s,
            variance of the velocity px^2/s^2.
        seconds: 0 or more.
        density: spectral density of the acceleration's noise, px^2/s^3.
    """
    position += seconds * velocity
    place, mixed, speed = covariance.T
    place += seconds * (2.0 * mixed + seconds * speed) + density * seconds**3 / 3.0
    mixed += seconds * speed + density * seconds**2 / 2.0
    speed += density * seconds


def correct(
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    covariance: NDArray[np.float64],
    measured: NDArray[np.float64],
    variance: float,
) -> None:
    """Give each track its measured place, in place.

    The updated covariance is written as sums and products of what is not negative, so that no rounding makes
    it indefinite; it equals Joseph's form.

    Args:
        position: [n, 2] x, y, pixels.
        velocity: [n, 2] px/s.
        covariance: [n, 3] as in :func:`predict`.
        measured: [n, 2] x, y, pixels.
        variance: of the measurement on each axis, px^2, above 0.
    """
    place, mixed, speed = covariance.T
    innovation = measured - position
    total = place + variance
    position += innovation * (place / total)[:, None]
    velocity += innovation * (mixed / total)[:, None]
    # Never negative, but for rounding where place and velocity are fully correlated.
    determinant = np.maximum(place * speed - mixed * mixed, 0.0)
    speed[...] = (determinant + variance * speed) / total
    place *= variance / total
    mixed *= variance / total
