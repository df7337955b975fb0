"""16 -> 8 bit mapping of thermal frames, a named step of the preprocess spec.

Everything is defined on whole counts and float64 without fused operations, so that another implementation
gives the same bytes. Percentiles are counts: the smallest that at least so many pixels do not exceed.

``linear-percentile``, ``fixed-range``
    The grey level of count ``v`` is ``clip(floor((v - low) * 255 / span + 0.5), 0, 255)`` with
    ``span = max(high - low, min_span)``; a narrower range is widened about its middle.

``plateau``
    With ``h(v)`` pixels of count ``v`` among the frame's ``n``, cut off at the plateau as
    ``c(v) = min(h(v), max(1, floor(plateau / 100 * n)))``, ``C`` the sum of these over ``low < v <= high``,
    and ``share = linear / 100``, the curve rises at each of these counts by
    ``min(c(v) * (255 * (1 - share) / C) + 255 * share / (high - low), max_gain)``, summed upwards. What the
    limit leaves of the 255 levels is split evenly below and above. The grey level is ``floor(curve + 0.5)``.
    Cores of thermal cameras do the same (Vickers, "Plateau equalization algorithm for real-time display of
    high-quality infrared imagery", Optical Engineering 35(7), 1996).

Smoothing
    Bounds, and each value of the curve, follow the frame's own by
    ``s += (x - s) * (1 / (1 + smoothing_frames))``. They are the frame's own at once at the start, after a
    jump, and when a flat scene is taken for the new one; frames of the shutter leave them alone. A jump is a
    frame whose range shares less than ``JUMP_OVERLAP`` of the smaller of both ranges with the smoothed range,
    both widened to ``min_span``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.sixteen_bit.histogram import LEVELS, CountHistogram
from edge_irdet.detection.sixteen_bit.shutter import ShutterDetector, Sight
from edge_irdet.package import SixteenBitMapping, SixteenBitSpec

JUMP_OVERLAP = 0.5
"""Below it the scene has jumped, as after the camera's correction or a fast pan, and smoothing would leave it
black or white for many frames. A hot object that enters widens the range and is no jump."""

Bounds = tuple[float, float]
"""Lowest and highest count of a range."""


class SixteenBitMapper:
    """Maps the frames of one source to 8 bits and holds what smoothing and the shutter need of the past.

    From a reset, the same frames give the same bytes.

    Args:
        spec: the mapping.
    """

    def __init__(self, spec: SixteenBitSpec) -> None:
        self.spec = spec
        self.shutter = False
        """Whether the last frame showed the closed shutter, or nothing at all."""

        self._shutter = ShutterDetector(spec.shutter_frames)
        self._bounds: Bounds | None = None
        self._curve: NDArray[np.float64] | None = None
        # Of all counts, though a frame needs only those that occur in it: allocated once.
        self._counts = np.arange(LEVELS, dtype=np.float64)
        self._levels = np.zeros(LEVELS, np.float64)
        self._table = np.zeros(LEVELS, np.uint8)

    def reset(self) -> None:
        """Forget the frames so far."""
        self.shutter = False
        self._shutter.reset()
        self._bounds = None

    def __call__(self, image: NDArray[np.uint16], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Map the next frame.

        Args:
            image: [H, W] uint16, not empty.
            out: [H, W] uint8 to write into, C-contiguous.
        """
        histogram = CountHistogram(image)
        sight = self._shutter.look(histogram)
        self.shutter = sight is Sight.SHUTTER
        if self.spec.mapping is SixteenBitMapping.PLATEAU:
            levels = self._plateau_levels(histogram, sight)
        else:
            levels = self._linear_levels(histogram, sight)
        levels += 0.5  # and the table's conversion cuts off: rounded half up
        np.maximum(levels, 0.0, out=levels)
        np.minimum(levels, 255.0, out=levels)
        self._table[histogram.lowest : histogram.highest + 1] = levels
        # No count is outside the table; the mode spares numpy.take a copy of the frame.
        return np.take(self._table, image, out=out, mode="clip")

    def _linear_levels(self, histogram: CountHistogram, sight: Sight) -> NDArray[np.float64]:
        spec = self.spec
        bounds = spec.low, spec.high
        if spec.mapping is SixteenBitMapping.LINEAR_PERCENTILE:
            bounds = _percentile_bounds(histogram, spec)
            if spec.smoothing_frames > 0.0:
                self._pull(bounds, sight)
                bounds = self._bounds or bounds
        low, span = _widened(bounds, spec.min_span)
        used = slice(histogram.lowest, histogram.highest + 1)
        levels = np.subtract(self._counts[used], low, out=self._levels[used])
        levels *= 255.0
        levels /= span
        return levels

    def _plateau_levels(self, histogram: CountHistogram, sight: Sight) -> NDArray[np.float64]:
        used = slice(histogram.lowest, histogram.highest + 1)
        if self.spec.smoothing_frames == 0.0:
            return self._fill_curve(histogram)[used]
        pull = self._pull(_percentile_bounds(histogram, self.spec), sight)
        if self._bounds is None:
            return self._fill_curve(histogram)[used]
        if self._curve is None:
            self._curve = np.zeros(LEVELS, np.float64)
        if pull == 1.0:
            self._curve[:] = self._fill_curve(histogram)
        elif pull > 0.0:
            change = self._fill_curve(histogram)
            change -= self._curve
            change *= pull
            self._curve += change
        levels = self._levels[used]
        levels[:] = self._curve[used]
        return levels

    def _fill_curve(self, histogram: CountHistogram) -> NDArray[np.float64]:
        """The frame's own curve over all counts; it stays as it is until the next call."""
        spec, curve = self.spec, self._levels
        low, high = histogram.percentile(spec.low), histogram.percentile(spec.high)
        if low == high:
            curve.fill(127.5)
            return curve
        share = spec.linear / 100.0
        limit = max(1, math.floor(spec.plateau / 100.0 * histogram.size))
        first = histogram.lowest
        rises = histogram.pixels[low + 1 - first : high + 1 - first].astype(np.float64)
        np.minimum(rises, float(limit), out=rises)
        rises *= 255.0 * (1.0 - share) / float(rises.sum())  # a sum of whole numbers: exact in any order
        rises += 255.0 * share / (high - low)
        np.minimum(rises, spec.max_gain, out=rises)
        inside = np.cumsum(rises, out=curve[low + 1 : high + 1])
        base = (255.0 - float(inside[-1])) / 2.0
        inside += base
        curve[: low + 1] = base
        curve[high + 1 :] = inside[-1]
        return curve

    def _pull(self, own: Bounds, sight: Sight) -> float:
        """Let the smoothed bounds follow; how far they went: 0 not at all, 1 all the way."""
        if sight is Sight.SHUTTER:
            return 0.0
        held = self._bounds
        if held is None or sight is Sight.NEW_SCENE or _jumped(own, held, self.spec.min_span):
            self._bounds = own
            return 1.0
        pull = 1.0 / (1.0 + self.spec.smoothing_frames)
        self._bounds = held[0] + (own[0] - held[0]) * pull, held[1] + (own[1] - held[1]) * pull
        return pull


def _percentile_bounds(histogram: CountHistogram, spec: SixteenBitSpec) -> Bounds:
    return float(histogram.percentile(spec.low)), float(histogram.percentile(spec.high))


def _widened(bounds: Bounds, min_span: float) -> tuple[float, float]:
    """Low end and span of a range, widened about its middle where it is below ``min_span``."""
    low, high = bounds
    span = high - low
    return (low, span) if span >= min_span else (low - (min_span - span) / 2.0, min_span)


def _jumped(own: Bounds, held: Bounds, min_span: float) -> bool:
    own_low, own_span = _widened(own, min_span)
    held_low, held_span = _widened(held, min_span)
    shared = min(own_low + own_span, held_low + held_span) - max(own_low, held_low)
    return shared < JUMP_OVERLAP * min(own_span, held_span)
