"""Training samples from labelled images: copy-paste of targets, degradation, letterbox or crop, flips.

Everything random comes from the generator that is passed in, so a sample depends on its seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.letterbox import fit_frame
from edge_irdet.training.clutter import clutter_spots
from edge_irdet.training.config import AugmentationConfig
from edge_irdet.training.degradation import degraded, with_bad_pixels
from edge_irdet.training.pasting import Canvas, cut_targets, paste_targets
from edge_irdet.training.visibility import visible, without

LEAST_VISIBLE = 0.5
"""A box of which less than this share lies inside the sample is no label."""


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One augmented sample in network pixels."""

    image: NDArray[np.uint8]
    """[H, W]."""

    boxes: NDArray[np.float32]
    """[n, 4] xyxy."""

    classes: NDArray[np.int64]
    """[n]."""

    mask: NDArray[np.float32]
    """[H, W] saliency truth in 0..1; between on the rim where the image was scaled."""


class Augmenter:
    """Makes training samples.

    Args:
        samples: the training images, 8 bits.
        size: network input (width, height).
        config: what to vary.
        pad_value: grey level outside the image.
        mined: [n, 2] spots of each image that a detector took for targets; where there are none, and without
            the argument, bright spots are looked for.
    """

    def __init__(
        self,
        samples: list[Sample],
        size: tuple[int, int],
        config: AugmentationConfig,
        pad_value: int,
        mined: Sequence[NDArray[np.float32]] | None = None,
    ) -> None:
        self.samples = samples
        self.size = size
        self.config = config
        self.pad_value = pad_value
        self.targets = [cut for sample in samples for cut in cut_targets(sample)]
        none = np.zeros((0, 2), np.float32)
        self.clutter = list(mined) if mined is not None else [none] * len(samples)
        if config.clutter_crops > 0:
            self.clutter = [
                spots if len(spots) else clutter_spots(sample)
                for spots, sample in zip(self.clutter, samples, strict=True)
            ]

    def __call__(self, index: int, generator: np.random.Generator) -> TrainingSample:
        """An augmented sample of image ``index``."""
        config = self.config
        sample = self.samples[index]
        canvas = Canvas(
            sample.image.astype(np.float32), sample.boxes, sample.classes, sample.mask.astype(np.float32)
        )
        if config.pasted_targets and self.targets:
            count = int(generator.integers(0, config.pasted_targets + 1))
            paste_targets(canvas, self.targets, count, config, generator)
        image = degraded(canvas.image, config, generator)
        matrix, shape = self._geometry(sample, canvas.boxes, self.clutter[index], generator)
        # Padding comes after the photometry: a letterboxed frame shows it unchanged too.
        image = _warp(np.clip(image, 0, 255), matrix, shape, self.pad_value)
        image = with_bad_pixels(image, config.hot_pixels, generator)
        mask = _warp(canvas.mask, matrix, shape, 0)
        boxes, classes = _move_boxes(canvas.boxes, canvas.classes, matrix, shape)
        grey, mask = np.rint(image).astype(np.uint8), np.clip(mask, 0, 1)
        if config.least_contrast > 0 and len(boxes):
            seen = visible(grey, mask, boxes, config.least_contrast)
            if not seen.all():
                mask = without(mask, boxes[~seen], boxes[seen])
                boxes, classes = boxes[seen], classes[seen]
        return TrainingSample(grey, boxes, classes, mask)

    def _geometry(
        self,
        sample: Sample,
        boxes: NDArray[np.float32],
        clutter: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float64], tuple[int, int]]:
        # One affine map of continuous pixels from source to network: flips and transpose, scale, position.
        config = self.config
        height, width = sample.image.shape
        turn = np.eye(3)
        if config.flip and generator.random() < 0.5:
            turn = np.array([[-1, 0, width], [0, 1, 0], [0, 0, 1.0]]) @ turn
        if config.flip and generator.random() < 0.5:
            turn = np.array([[1, 0, 0], [0, -1, height], [0, 0, 1.0]]) @ turn
        if config.transpose and generator.random() < 0.5:
            turn = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]]) @ turn
            width, height = height, width
        low, high = np.log(config.scale)
        zoom = float(np.exp(generator.uniform(low, high)))
        if config.crop is None:
            placement = fit_frame((width, height), self.size)
            scale_x, scale_y = placement.scale_x * zoom, placement.scale_y * zoom
            shape = (self.size[1], self.size[0])
            offset_x = (shape[1] - width * scale_x) / 2 if zoom != 1.0 else placement.left
            offset_y = (shape[0] - height * scale_y) / 2 if zoom != 1.0 else placement.top
        else:
            fitted = min(self.size[0] / width, self.size[1] / height)
            native = bool(config.native_scale) and bool(generator.random() < config.native_scale)
            scale_x = scale_y = zoom if native else fitted * zoom
            shape = (config.crop, config.crop)
            offset_x, offset_y = self._crop_offset(boxes, clutter, turn, (width, height), scale_x, generator)
        scaling = np.array([[scale_x, 0, offset_x], [0, scale_y, offset_y], [0, 0, 1.0]])
        return scaling @ turn, shape

    def _crop_offset(
        self,
        boxes: NDArray[np.float32],
        clutter: NDArray[np.float32],
        turn: NDArray[np.float64],
        size: tuple[int, int],
        scale: float,
        generator: np.random.Generator,
    ) -> tuple[float, float]:
        crop = self.config.crop
        assert crop is not None
        extent = np.array(size) * scale
        # A crop larger than the image floats; otherwise it stays within it but for a rim, since letterboxed
        # frames show such rims too.
        rim = self.config.rim * crop
        low, high = np.minimum(crop - extent - rim, 0), np.maximum(crop - extent, rim)
        chosen = generator.random() if len(boxes) or len(clutter) else 1.0
        around: NDArray[np.float32] | None = None
        if len(boxes) and chosen < self.config.target_crops:
            box = boxes[generator.integers(len(boxes))]
            around = (box[:2] + box[2:]) / 2
        elif len(clutter) and 1.0 - chosen < self.config.clutter_crops:
            around = clutter[generator.integers(len(clutter))]
        elif self.config.border_crops and generator.random() < self._border_share():
            return self._border_offset(extent, generator)
        if around is not None:
            centre = turn @ np.array([around[0], around[1], 1.0])
            inside = generator.uniform(0.1, 0.9, 2) * crop
            offset = inside - centre[:2] * scale
        else:
            offset = -generator.uniform(0, 1, 2) * (extent - crop)
        offset = np.clip(offset, low, high)
        return float(offset[0]), float(offset[1])

    def _border_share(self) -> float:
        # Of the crops that are placed around nothing.
        config = self.config
        rest = 1.0 - config.target_crops - config.clutter_crops
        return min(1.0, config.border_crops / rest) if rest > 0 else 1.0

    def _border_offset(
        self, extent: NDArray[np.float64], generator: np.random.Generator
    ) -> tuple[float, float]:
        crop = self.config.crop
        assert crop is not None
        beyond = generator.uniform(0, self.config.rim) * crop
        offset = generator.uniform(0, 1, 2) * (crop - extent)
        side, axis = generator.integers(2, size=2)
        offset[axis] = beyond if side == 0 else crop - extent[axis] - beyond
        return float(offset[0]), float(offset[1])


def _warp(
    plane: NDArray[np.float32], matrix: NDArray[np.float64], shape: tuple[int, int], outside: float
) -> NDArray[np.float32]:
    # OpenCV maps pixel indices; ours is a map of continuous pixels, whose centres lie half a pixel further.
    linear = matrix[:2, :2]
    shift = matrix[:2, 2] + linear @ np.array([0.5, 0.5]) - 0.5
    warped: NDArray[np.float32] = cv2.warpAffine(  # type: ignore[assignment]
        plane,
        np.column_stack((linear, shift)),
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )
    return warped


def _move_boxes(
    boxes: NDArray[np.float32],
    classes: NDArray[np.int64],
    matrix: NDArray[np.float64],
    shape: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if not len(boxes):
        return boxes.astype(np.float32), classes
    first = boxes[:, :2] @ matrix[:2, :2].T + matrix[:2, 2]
    second = boxes[:, 2:] @ matrix[:2, :2].T + matrix[:2, 2]
    moved = np.concatenate((np.minimum(first, second), np.maximum(first, second)), 1)
    limits = np.array([shape[1], shape[0]] * 2)
    clipped = np.clip(moved, 0, limits)
    area = (moved[:, 2] - moved[:, 0]) * (moved[:, 3] - moved[:, 1])
    visible = (clipped[:, 2] - clipped[:, 0]) * (clipped[:, 3] - clipped[:, 1])
    kept = visible >= LEAST_VISIBLE * np.maximum(area, 1e-6)
    return clipped[kept].astype(np.float32), classes[kept]
