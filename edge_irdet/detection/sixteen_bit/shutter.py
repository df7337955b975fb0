"""Telling a closed shutter from a scene: cameras close theirs now and then to even out their pixels."""

from __future__ import annotations

from enum import Enum

from edge_irdet.detection.sixteen_bit.histogram import CountHistogram

SPAN_PERCENTILES = (1.0, 99.0)
"""Between them lies the span of a frame, so that dead pixels and hot spots do not make it."""

SHUTTER_SPAN = 0.2
"""A frame whose span is below this part of the scene's usual one is flat. The shutter's own noise and pattern
span a few counts to some tens, scenes hundreds."""

SCENE_FRAMES = 15.0
"""Time constant in frames with which the usual span follows the scene."""


class Sight(Enum):
    """What a frame shows."""

    SCENE = "scene"
    """The scene."""

    SHUTTER = "shutter"
    """The closed shutter, or nothing at all."""

    NEW_SCENE = "new scene"
    """A scene that has been flat for so long that it is no shutter."""


class ShutterDetector:
    """Compares the span of each frame with what it usually is.

    A frame whose pixels are all equal shows nothing, whatever came before. A first frame that is flat but for
    its noise is a flat scene.

    Args:
        shutter_frames: flat frames in a row that may be the shutter; the next one is the new scene.
    """

    def __init__(self, shutter_frames: int) -> None:
        self._limit = shutter_frames
        self._usual: float | None = None
        self._flat = 0

    def reset(self) -> None:
        """Forget the scene."""
        self._usual = None
        self._flat = 0

    def look(self, histogram: CountHistogram) -> Sight:
        """What the next frame shows."""
        if histogram.lowest == histogram.highest:
            return Sight.SHUTTER
        low, high = (histogram.percentile(percentile) for percentile in SPAN_PERCENTILES)
        span = float(high - low)
        if self._usual is None:
            self._usual = span
        if span < SHUTTER_SPAN * self._usual:
            self._flat += 1
            if self._flat <= self._limit:
                return Sight.SHUTTER
            self._flat, self._usual = 0, span
            return Sight.NEW_SCENE
        self._flat = 0
        self._usual += (span - self._usual) / (1.0 + SCENE_FRAMES)
        return Sight.SCENE
