from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from edge_irdet.training.visibility import visible, without

BOX = np.array([[20, 10, 24, 14]], np.float32)


def scene(contrast: float, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    image = np.full((40, 50), 100.0)
    mask = np.zeros((40, 50), np.float32)
    mask[10:14, 20:24] = 1
    image += contrast * mask + np.random.default_rng(seed).normal(0, noise, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize(("contrast", "seen"), [(0, False), (1, False), (3, True), (-3, True), (60, True)])
def test_contrast_of_either_sign_decides(contrast: float, seen: bool) -> None:
    assert visible(*scene(contrast), BOX, 2.0).tolist() == [seen]


def test_noise_hides_what_is_weak() -> None:
    weak = [visible(*scene(3, noise=30, seed=seed), BOX, 2.0)[0] for seed in range(40)]
    assert np.mean(weak) < 0.4
    strong = [visible(*scene(80, noise=30, seed=seed), BOX, 2.0)[0] for seed in range(40)]
    assert all(strong)


def test_a_saturated_target_is_not_seen() -> None:
    image, mask = scene(60)
    assert not visible(np.full_like(image, 255), mask, BOX, 2.0)[0]


def test_a_target_of_less_than_a_pixel_is_judged_by_its_brightest() -> None:
    image, mask = np.full((20, 20), 80, np.uint8), np.zeros((20, 20), np.float32)
    mask[8, 8] = 0.3
    box = np.array([[8, 8, 9, 9]], np.float32)
    assert not visible(image, mask, box, 2.0)[0]
    image[8, 8] = 95
    assert visible(image, mask, box, 2.0)[0]


def test_no_box_and_no_mask_are_no_error() -> None:
    image, mask = scene(10)
    assert visible(image, mask, np.zeros((0, 4), np.float32), 2.0).shape == (0,)
    assert visible(image, np.zeros_like(mask), BOX, 2.0).tolist() == [True]


def test_hidden_targets_leave_the_mask_and_others_stay() -> None:
    mask = np.zeros((40, 50), np.float32)
    mask[10:14, 20:24] = 1
    mask[10:14, 25:29] = 1
    kept = np.array([[25, 10, 29, 14]], np.float32)
    cleared = without(mask, BOX, kept)
    assert cleared[10:14, 20:23].sum() == 0
    assert cleared[10:14, 25:29].sum() == 16
    assert mask.sum() == 32, "the mask that was given is left as it was"
