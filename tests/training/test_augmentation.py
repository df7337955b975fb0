from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.detection.letterbox import fit_frame, letterbox
from edge_irdet.training.augmentation import Augmenter
from edge_irdet.training.config import AugmentationConfig
from edge_irdet.training.presets import preset_config

PLAIN = AugmentationConfig(flip=False, gain=(1.0, 1.0), bias=0.0)


def square_sample(side: int = 50) -> Sample:
    image = np.full((40, side), 50, np.uint8)
    mask = np.zeros((40, side), np.uint8)
    image[10:16, 20:28] = 200
    mask[10:16, 20:28] = 1
    return Sample(
        "square",
        image,
        np.array([[20, 10, 28, 16]], np.float32),
        np.zeros(1, np.int64),
        mask,
        MaskSource.ANNOTATED,
    )


def test_without_variation_it_is_the_deployed_letterbox() -> None:
    sample = square_sample()
    made = Augmenter([sample], (96, 96), PLAIN, 114)(0, np.random.default_rng(0))
    placement = fit_frame((50, 40), (96, 96))
    deployed = np.full((96, 96), 114, np.uint8)
    letterbox(sample.image, placement, deployed)
    inside = slice(placement.top + 1, placement.top + placement.height - 1)
    difference = np.abs(made.image[inside, 1:-1].astype(int) - deployed[inside, 1:-1])
    assert difference.max() <= 1
    np.testing.assert_allclose(made.boxes, placement.to_network(sample.boxes), atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_boxes_stay_on_their_targets(seed: int) -> None:
    """Whatever the flips, scale and crop: the bright blob's extent is the box, and the mask lies in it."""
    config = AugmentationConfig(
        crop=64, target_crops=1.0, scale=(0.8, 2.0), transpose=True, gain=(1.0, 1.0), bias=0.0
    )
    made = Augmenter([square_sample()], (64, 64), config, 50)(0, np.random.default_rng(seed))
    assert made.image.shape == made.mask.shape == (64, 64)
    for box in made.boxes:
        ys, xs = np.nonzero(made.image > 125)
        extent = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        assert np.abs(extent - box).max() <= 1.0
        ys, xs = np.nonzero(made.mask > 0.5)
        assert np.abs(np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) - box).max() <= 1.0


def test_a_sample_depends_on_its_generator_alone() -> None:
    config = preset_config("small-target", "light-sgmtlm-reduced").augmentation
    samples = [square_sample(50), square_sample(60)]
    augmenter = Augmenter(samples, (320, 320), config, 114)
    first = augmenter(1, np.random.default_rng((1, 2)))
    augmenter(0, np.random.default_rng(9))
    second = augmenter(1, np.random.default_rng((1, 2)))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    third = augmenter(1, np.random.default_rng((1, 3)))
    assert not np.array_equal(first.image, third.image)


def test_the_source_sample_is_never_written_to() -> None:
    config = replace(preset_config("small-target", "light-sgmtlm-reduced").augmentation, pasted_targets=8)
    sample = square_sample()
    before = sample.image.copy(), sample.mask.copy(), sample.boxes.copy()
    augmenter = Augmenter([sample], (320, 320), config, 114)
    for seed in range(10):
        augmenter(0, np.random.default_rng(seed))
    for kept, now in zip(before, (sample.image, sample.mask, sample.boxes), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_pasted_targets_are_bright_labelled_and_masked() -> None:
    config = AugmentationConfig(flip=False, gain=(1.0, 1.0), bias=0.0, pasted_targets=3)
    augmenter = Augmenter([square_sample()], (64, 64), config, 50)
    most = max(
        (augmenter(0, np.random.default_rng(seed)) for seed in range(20)), key=lambda made: len(made.boxes)
    )
    assert len(most.boxes) >= 2
    components, *_ = cv2.connectedComponents((most.mask > 0.5).astype(np.uint8))
    assert components - 1 == len(most.boxes)
    for box in most.boxes:
        left, top, right, bottom = (round(float(edge)) for edge in box)
        assert most.image[top:bottom, left:right].mean() > 90


def test_an_image_without_targets_gives_a_negative_sample() -> None:
    empty = replace(
        square_sample(),
        boxes=np.zeros((0, 4), np.float32),
        classes=np.zeros(0, np.int64),
        mask=np.zeros((40, 50), np.uint8),
    )
    config = AugmentationConfig(crop=64)
    made = Augmenter([empty], (64, 64), config, 114)(0, np.random.default_rng(0))
    assert made.boxes.shape == (0, 4)
    assert made.mask.max() == 0


def test_native_scale_leaves_a_large_image_at_its_own_pixels() -> None:
    """An image of twice the network's side is halved by the letterbox, or cut at its own scale."""
    image = np.full((640, 640), 50, np.uint8)
    mask = np.zeros_like(image)
    image[300:312, 300:316], mask[300:312, 300:316] = 200, 1
    box = np.array([[300, 300, 316, 312]], np.float32)
    sample = Sample("large", image, box, np.zeros(1, np.int64), mask, MaskSource.ANNOTATED)
    widths = {}
    for share in (0.0, 1.0):
        config = replace(PLAIN, crop=192, target_crops=1.0, native_scale=share)
        made = Augmenter([sample], (320, 320), config, 50)(0, np.random.default_rng(0))
        widths[share] = float(made.boxes[0, 2] - made.boxes[0, 0])
    assert widths == {0.0: pytest.approx(8), 1.0: pytest.approx(16)}


def test_a_target_that_saturation_hides_loses_label_and_mask() -> None:
    sample = square_sample()
    white = replace(sample, image=np.full_like(sample.image, 255))
    config = replace(PLAIN, least_contrast=2.0)
    made = Augmenter([white], (64, 64), config, 50)(0, np.random.default_rng(0))
    assert made.boxes.shape == (0, 4)
    assert made.mask.max() == 0
    kept = Augmenter([sample], (64, 64), config, 50)(0, np.random.default_rng(0))
    assert len(kept.boxes) == 1
    assert kept.mask.max() == 1
