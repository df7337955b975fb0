"""Rendering the frames of a synthetic scene."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import FrameFormatError, OptionError
from edge_irdet.scene.background import BACKGROUND_STREAM, BORDER, Background
from edge_irdet.scene.camera import CameraSway
from edge_irdet.scene.config import Clutter, SceneConfig
from edge_irdet.scene.open_land import treeline_background
from edge_irdet.scene.sea import SeaBackground
from edge_irdet.scene.sensor import Sensor
from edge_irdet.scene.sky_scenes import cloud_background, urban_background
from edge_irdet.scene.tracks import Track, TrackSlot

PATH_SAMPLES = 15
DIMMEST, BRIGHTEST = 10.0, 170.0
"""Bounds of a peak that follows from an SCR, grey levels: none hides below the quantisation or outshines the
display."""

_TAPS = np.arange(-1, 3)


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """The targets whose centroid lies in the frame, in the order of their track numbers."""

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom in continuous pixels: where the target, as the optics and the pixels
    blur it, has at least half its peak; not cut at the frame's border. Even a point is about 2 px wide."""

    centroids: NDArray[np.float64]
    """[n, 2] x, y, sub-pixel."""

    track_ids: NDArray[np.int64]
    """[n] the same target has the same number in every frame, and no other has it."""

    scr: NDArray[np.float32]
    """[n] peak over the standard deviation of the undisturbed background in the 21 x 21 px around it, with
    temporal noise; negative for targets colder than their surroundings."""


@dataclass(frozen=True, slots=True)
class SceneFrame:
    """One frame and what is in it."""

    image: NDArray[np.uint8] | NDArray[np.uint16]
    """[H, W] uint8 or uint16."""

    truth: SceneTruth
    """The targets."""


class SyntheticScene:
    """Frames of a scene, in any order: frame ``i`` depends on the configuration and ``i`` only.

    Bit-exact on one machine with one version of NumPy and OpenCV; across them single grey levels may differ.
    Not for several threads at once (buffers are reused).

    Args:
        config: what the scene shows.
    """

    def __init__(self, config: SceneConfig) -> None:
        self.config = config
        generator = np.random.default_rng((config.seed, BACKGROUND_STREAM))
        self._sway = CameraSway(generator, config.drift)
        self._background = _background(config.clutter, generator, config.height, config.width)
        self._sensor = Sensor(config.seed, config.height, config.width, config.noise, config.bits)
        lowest = self._background.lowest_flight
        self._slots = [
            TrackSlot(config, slot, lowest, self._background.overhead) for slot in range(config.targets)
        ]
        self._amplitudes: list[tuple[int, float]] = [(-1, 0.0)] * config.targets
        shape = (config.height + len(_TAPS), config.width + len(_TAPS))
        self._view, self._shifted = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def render(self, index: int, out: NDArray[Any] | None = None) -> SceneFrame:
        """Frame ``index`` with its truth.

        Args:
            index: 0 or more; may lie beyond the configured length.
            out: array of the frame's shape and dtype to render into; None makes a new one.

        Raises:
            OptionError: ``index`` is negative.
            FrameFormatError: ``out`` has another shape or dtype than the frames.
        """
        config = self.config
        if index < 0:
            raise OptionError(f"a scene has no frame {index}", "ask for frame 0 or a later one")
        dtype = np.uint16 if config.bits == 16 else np.uint8
        if out is not None and (out.shape != (config.height, config.width) or out.dtype != dtype):
            raise FrameFormatError(
                f"the array to render into is {out.dtype} {out.shape}",
                f"pass {np.dtype(dtype).name} {(config.height, config.width)}, or None",
            )
        seconds = index / config.rate
        left, top = (BORDER + displacement for displacement in self._sway.at(seconds))
        radiance = self._look(left, top, seconds)
        truth = self._add_targets(radiance, left, top, seconds)
        return SceneFrame(self._sensor.expose(radiance, index, out), truth)

    def _look(self, left: float, top: float, seconds: float) -> NDArray[np.float32]:
        """[H, W] grey levels seen with the frame's corner at (left, top) of the background."""
        column, row = math.floor(left), math.floor(top)
        before = -int(_TAPS[0])
        self._background.view(row - before, column - before, seconds, self._view)
        # OpenCV's warpAffine would round the place to 1/32 px; four cubic taps an axis do not.
        cv2.sepFilter2D(
            self._view,
            cv2.CV_32F,
            _cubic_taps(left - column),
            _cubic_taps(top - row),
            dst=self._shifted,
            anchor=(before, before),
        )
        return self._shifted[before : before + self.config.height, before : before + self.config.width]

    def _add_targets(
        self, radiance: NDArray[np.float32], left: float, top: float, seconds: float
    ) -> SceneTruth:
        height, width = radiance.shape
        seen = []
        for slot, tracks in enumerate(self._slots):
            track, progress = tracks.at(seconds)
            amplitude = self._amplitude(slot, track)
            x, y = track.at(progress)
            track.shape.add_to(radiance, x, y, amplitude)
            if 0 <= x < width and 0 <= y < height:
                ratio = amplitude / self._clutter_at(x + left, y + top)
                seen.append((track.number, (x, y), track.shape.box(x, y), ratio))
        seen.sort()
        return SceneTruth(
            boxes=np.array([box for _, _, box, _ in seen], np.float32).reshape(-1, 4),
            centroids=np.array([place for _, place, _, _ in seen], np.float64).reshape(-1, 2),
            track_ids=np.array([number for number, _, _, _ in seen], np.int64),
            scr=np.array([ratio for _, _, _, ratio in seen], np.float32),
        )

    def _amplitude(self, slot: int, track: Track) -> float:
        """Signed peak of a target, grey levels: constant along its path."""
        if self._amplitudes[slot][0] != track.number:
            if track.contrast is not None:
                peak = track.contrast
            else:
                peak = self._peak_for_scr(track)
            self._amplitudes[slot] = track.number, -peak if track.dark else peak
        return self._amplitudes[slot][1]

    def _peak_for_scr(self, track: Track) -> float:
        places = [track.at((i + 0.5) / PATH_SAMPLES) for i in range(PATH_SAMPLES)]
        around = [self._clutter_at(x + BORDER, y + BORDER) for x, y in places]
        return min(max(track.scr * float(np.median(around)), DIMMEST), BRIGHTEST)

    def _clutter_at(self, x: float, y: float) -> float:
        """Standard deviation around a place of the background, grey levels, with temporal noise."""
        clutter = self._background.clutter
        row = min(max(int(y), 0), clutter.shape[0] - 1)
        column = min(max(int(x), 0), clutter.shape[1] - 1)
        return max(math.hypot(float(clutter[row, column]), self.config.noise), 0.1)


def _background(clutter: Clutter, generator: np.random.Generator, height: int, width: int) -> Background:
    if clutter is Clutter.CLOUD:
        return cloud_background(generator, height, width)
    if clutter is Clutter.SEA:
        return SeaBackground(generator, height, width)
    if clutter is Clutter.TREELINE:
        return treeline_background(generator, height, width)
    return urban_background(generator, height, width)


def _cubic_taps(fraction: float) -> NDArray[np.float32]:
    """Weights at -1, 0, 1, 2 that interpolate at ``fraction`` (Keys 1981, a = -0.5)."""
    distance = np.abs(_TAPS - fraction)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1.0
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4.0 * distance + 2.0
    return np.asarray(np.where(distance <= 1.0, near, far), np.float32)
