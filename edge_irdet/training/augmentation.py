"""Training samples from labelled images: letterbox or crop, flips, photometry, copy-paste of targets.

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

PASTE_MARGIN = 0.5
"""Context around a pasted target, as a share of its longer side."""

PASTE_ATTEMPTS = 8
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


@dataclass(frozen=True, slots=True)
class _Target:
    """A target cut out for pasting: what it adds to its surroundings."""

    excess: NDArray[np.float32]
    mask: NDArray[np.float32]
    box: NDArray[np.float32]
    target_class: int


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
        self.targets = [cut for sample in samples for cut in _cut_targets(sample)]
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
        image = sample.image.astype(np.float32)
        boxes, classes, mask = sample.boxes, sample.classes, sample.mask.astype(np.float32)
        if config.pasted_targets and self.targets:
            count = int(generator.integers(0, config.pasted_targets + 1))
            image, boxes, classes, mask = self._paste(image, boxes, classes, mask, count, generator)
        image = self._photometry(image, generator)
        matrix, shape = self._geometry(sample, boxes, self.clutter[index], generator)
        # Padding comes after the photometry: a letterboxed frame shows it unchanged too.
        image = _warp(np.clip(image, 0, 255), matrix, shape, self.pad_value)
        mask = _warp(mask, matrix, shape, 0)
        boxes, classes = _move_boxes(boxes, classes, matrix, shape)
        return TrainingSample(np.rint(image).astype(np.uint8), boxes, classes, np.clip(mask, 0, 1))

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
            scale_x = scale_y = min(self.size[0] / width, self.size[1] / height) * zoom
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

    def _photometry(self, image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        config = self.config
        gain = generator.uniform(*config.gain)
        bias = generator.uniform(-config.bias, config.bias)
        mean = float(image.mean())
        image = (image - mean) * np.float32(gain) + np.float32(mean + bias)
        if config.noise > 0:
            deviation = generator.uniform(0, config.noise)
            image = image + generator.standard_normal(image.shape, dtype=np.float32) * np.float32(deviation)
        return image

    def _paste(
        self,
        image: NDArray[np.float32],
        boxes: NDArray[np.float32],
        classes: NDArray[np.int64],
        mask: NDArray[np.float32],
        count: int,
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        height, width = image.shape
        for _ in range(count):
            target = self.targets[generator.integers(len(self.targets))]
            rows, columns = target.excess.shape
            strength = np.float32(generator.uniform(0.5, 1.2))
            if rows >= height or columns >= width:
                continue
            for _ in range(PASTE_ATTEMPTS):
                x, y = int(generator.integers(width - columns)), int(generator.integers(height - rows))
                if not _overlaps(boxes, x, y, x + columns, y + rows):
                    image[y : y + rows, x : x + columns] += target.excess * strength
                    region = mask[y : y + rows, x : x + columns]
                    np.maximum(region, target.mask, out=region)
                    moved = target.box + np.array([x, y, x, y], np.float32)
                    boxes = np.concatenate((boxes, moved[None]))
                    classes = np.append(classes, target.target_class)
                    break
        return image, boxes, classes, mask


def _overlaps(boxes: NDArray[np.float32], left: int, top: int, right: int, bottom: int) -> bool:
    if not len(boxes):
        return False
    beside = (
        (boxes[:, 2] + 2 < left)
        | (boxes[:, 0] - 2 > right)
        | (boxes[:, 3] + 2 < top)
        | (boxes[:, 1] - 2 > bottom)
    )
    return not bool(beside.all())


def _cut_targets(sample: Sample) -> list[_Target]:
    height, width = sample.image.shape
    cuts = []
    for box, target_class in zip(sample.boxes, sample.classes, strict=True):
        margin = max(2.0, PASTE_MARGIN * float(max(box[2] - box[0], box[3] - box[1])))
        left, top = int(max(0, box[0] - margin)), int(max(0, box[1] - margin))
        right, bottom = int(min(width, np.ceil(box[2] + margin))), int(min(height, np.ceil(box[3] + margin)))
        patch = sample.image[top:bottom, left:right].astype(np.float32)
        own = sample.mask[top:bottom, left:right].astype(np.float32)
        around = patch[own == 0]
        if not own.any() or not around.size:
            continue
        # The target's excess over its surroundings fades out within the margin, so no patch edge is learnt.
        weight = np.maximum(cv2.GaussianBlur(cv2.dilate(own, np.ones((3, 3))), (0, 0), 1.0), own)
        excess = (patch - np.float32(np.median(around))) * weight
        cuts.append(
            _Target(excess, own, box - np.array([left, top, left, top], np.float32), int(target_class))
        )
    return cuts


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
