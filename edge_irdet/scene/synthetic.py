"""Rendering a scene, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import FrameFormatError
from edge_irdet.scene.background import HORIZON, make_background, make_waves
from edge_irdet.scene.config import Clutter, SceneConfig
from edge_irdet.scene.targets import Stamp, stamp, targets_at

COUNTS_AT_ZERO = 2200.0
COUNTS_PER_LEVEL = 20.0

NOISE_MARGIN = 64
"""The temporal noise of a frame is a window of one larger field, at one of 64 x 64 places."""

FIXED_PATTERN = 0.6
"""Deviation of the fixed pattern of pixels and columns, in units of the temporal noise."""

DRIFT_PERIODS = (431.0, 283.0)
"""Frames of one swing of the camera across and along; no common multiple within any short scene."""

WAVE_PERIOD = 45.0
"""Frames in which a wave pattern turns into its opposite and back."""

GLINTS = 2.0
"""Mean number of sun glints a frame on the sea."""

VISIBLE_SHARE = 0.5
"""A target is in the truth when at least this share of its energy lies inside the frame."""


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """The targets of one frame, in continuous pixels (column ``i`` covers ``[i, i + 1)``)."""

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom around the pixels where a target adds at least half of its peak."""

    centroids: NDArray[np.float64]
    """[n, 2] x, y, sub-pixel."""

    track_ids: NDArray[np.int64]
    """[n] the same target has the same number in every frame."""


@dataclass(frozen=True, slots=True)
class SceneFrame:
    """One rendered frame."""

    image: NDArray[np.uint8] | NDArray[np.uint16]
    """[height, width]."""

    truth: SceneTruth


class SyntheticScene:
    """Renders any frame of a scene; what a frame shows depends on the configuration and its number alone.

    Args:
        config: the scene.
    """

    def __init__(self, config: SceneConfig) -> None:
        self.config = config
        generator = np.random.default_rng((config.seed, 0))
        self._margin = math.ceil(config.drift) + 2
        size = (config.width + 2 * self._margin, config.height + 2 * self._margin)
        self._background = make_background(config.clutter, *size, generator)
        self._waves = make_waves(config.clutter, *size, generator)
        shape = (config.height, config.width)
        pixels = generator.standard_normal(shape, dtype=np.float32)
        columns = generator.standard_normal((1, config.width), dtype=np.float32)
        self._fixed_pattern = np.asarray(
            FIXED_PATTERN * config.noise * (0.6 * pixels + 0.8 * columns), np.float32
        )
        noise_shape = (config.height + NOISE_MARGIN, config.width + NOISE_MARGIN)
        self._noise = generator.standard_normal(noise_shape, dtype=np.float32) * np.float32(config.noise)
        self._levels = np.zeros(shape, np.float32)
        self._moving = None if self._waves is None else np.zeros_like(self._background)

    def render(self, index: int, out: NDArray[Any] | None = None) -> SceneFrame:
        """Render frame ``index`` (0 or more), into ``out`` where it is given.

        Raises:
            FrameFormatError: ``out`` has another shape or dtype than the scene's frames.
        """
        dtype = np.uint16 if self.config.bits == 16 else np.uint8
        if out is None:
            out = np.empty(self._levels.shape, dtype)
        if out.shape != self._levels.shape or out.dtype != dtype:
            raise FrameFormatError(
                f"the array to render into is {out.dtype} {out.shape}, frames are "
                f"{np.dtype(dtype)} {self._levels.shape}",
                "pass an array of the scene's size and depth, or none",
            )
        generator = np.random.default_rng((self.config.seed, 3, index))
        self._look(index)
        if self.config.clutter is Clutter.SEA:
            self._glint(generator)
        truth = self._place_targets(index)
        row, column = generator.integers(0, NOISE_MARGIN, 2)
        height, width = self._levels.shape
        cv2.add(self._levels, self._fixed_pattern, dst=self._levels)
        cv2.add(self._levels, self._noise[row : row + height, column : column + width], dst=self._levels)
        if self.config.bits == 16:
            cv2.addWeighted(
                self._levels, COUNTS_PER_LEVEL, self._levels, 0.0, COUNTS_AT_ZERO, dst=out, dtype=cv2.CV_16U
            )
        else:
            cv2.addWeighted(self._levels, 1.0, self._levels, 0.0, 0.0, dst=out, dtype=cv2.CV_8U)
        return SceneFrame(out, truth)

    def camera_offset(self, index: int) -> tuple[float, float]:
        """The camera's drift at a frame, pixels."""
        across, along = (2 * math.pi * index / period for period in DRIFT_PERIODS)
        return self.config.drift * math.sin(across), 0.5 * self.config.drift * math.sin(along)

    def _look(self, index: int) -> None:
        source = self._background
        if self._waves is not None and self._moving is not None:
            angle = 2 * math.pi * index / WAVE_PERIOD
            cv2.addWeighted(
                self._waves[0], math.cos(angle), self._waves[1], math.sin(angle), 0.0, dst=self._moving
            )
            source = cv2.add(self._background, self._moving, dst=self._moving).astype(np.float32, copy=False)
        x, y = self.camera_offset(index)
        matrix = np.array([[1, 0, -self._margin - x], [0, 1, -self._margin - y]])
        height, width = self._levels.shape
        cv2.warpAffine(
            source,
            matrix,
            (width, height),
            dst=self._levels,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )

    def _glint(self, generator: np.random.Generator) -> None:
        height, width = self._levels.shape
        horizon = math.ceil(HORIZON * height) + self._margin
        if horizon >= height - 1:
            return
        for _ in range(generator.poisson(GLINTS)):
            row, column = int(generator.integers(horizon, height)), int(generator.integers(width))
            self._levels[row, column] += np.float32(generator.uniform(8, 30))

    def _place_targets(self, index: int) -> SceneTruth:
        boxes, centroids, track_ids = [], [], []
        for target in targets_at(self.config, index):
            contribution = stamp(target, index)
            box = self._add(contribution)
            if box is not None:
                boxes.append(box)
                centroids.append(target.position(index))
                track_ids.append(target.track_id)
        return SceneTruth(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(centroids, np.float64).reshape(-1, 2),
            np.array(track_ids, np.int64),
        )

    def _add(self, contribution: Stamp) -> tuple[int, int, int, int] | None:
        """Add a target to the frame; its box where enough of it is visible."""
        height, width = self._levels.shape
        rows, columns = contribution.levels.shape
        top, left = max(0, contribution.top), max(0, contribution.left)
        bottom, right = min(height, contribution.top + rows), min(width, contribution.left + columns)
        if top >= bottom or left >= right:
            return None
        inside = contribution.levels[
            top - contribution.top : bottom - contribution.top,
            left - contribution.left : right - contribution.left,
        ]
        self._levels[top:bottom, left:right] += inside
        if inside.sum() < VISIBLE_SHARE * contribution.levels.sum():
            return None
        ys, xs = np.nonzero(inside >= 0.5 * inside.max())
        return left + int(xs.min()), top + int(ys.min()), left + int(xs.max()) + 1, top + int(ys.max()) + 1
