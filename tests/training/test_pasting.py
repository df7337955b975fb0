from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.training.config import AugmentationConfig
from edge_irdet.training.pasting import PASTED_SIDES, Canvas, CutTarget, cut_targets, paste_targets

PLAIN = AugmentationConfig(flip=False, gain=(1.0, 1.0), bias=0.0)


def target() -> CutTarget:
    image = np.full((40, 40), 50, np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    image[10:16, 20:28] = 200
    mask[10:16, 20:28] = 1
    box = np.array([[20, 10, 28, 16]], np.float32)
    (cut,) = cut_targets(Sample("one", image, box, np.zeros(1, np.int64), mask, MaskSource.ANNOTATED))
    return cut


def empty(level: float = 100.0) -> Canvas:
    return Canvas(
        np.full((96, 96), level, np.float32),
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.int64),
        np.zeros((96, 96), np.float32),
    )


def pasted(config: AugmentationConfig, seed: int, level: float = 100.0) -> Canvas:
    canvas = empty(level)
    paste_targets(canvas, [target()], 1, config, np.random.default_rng(seed))
    return canvas


def test_a_cut_is_the_excess_over_the_surroundings() -> None:
    cut = target()
    assert cut.excess.max() == pytest.approx(150)
    assert cut.mask.sum() == 48
    assert (cut.box[2:] - cut.box[:2]).tolist() == [8, 6]


def test_a_pasted_target_is_where_its_box_and_mask_say() -> None:
    canvas = pasted(PLAIN, 0)
    left, top, right, bottom = canvas.boxes[0].astype(int)
    assert canvas.mask.sum() == canvas.mask[top:bottom, left:right].sum() == 48
    assert (canvas.image[top:bottom, left:right] > 150).all()
    assert canvas.classes.tolist() == [0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 1.0), st.floats(1.0, 12.0))
def test_scaled_targets_stay_in_range_and_their_boxes_fit(seed: int, low: float, high: float) -> None:
    canvas = pasted(replace(PLAIN, pasted_scale=(low, high)), seed)
    (box,) = canvas.boxes
    longer = max(box[2] - box[0], box[3] - box[1])
    assert PASTED_SIDES[0] * 0.5 <= longer <= PASTED_SIDES[1] * 1.1
    ys, xs = np.nonzero(canvas.mask > 0.5 * canvas.mask.max())
    extent = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    assert np.abs(extent - box).max() <= 1.5


def test_dimmed_targets_differ_by_few_grey_levels() -> None:
    for seed in range(30):
        canvas = pasted(replace(PLAIN, dim_targets=1.0), seed)
        assert 4.9 <= canvas.image.max() - 100 <= 20.1


def test_dark_targets_are_darker_where_there_is_room() -> None:
    dark = replace(PLAIN, dark_targets=1.0)
    canvas = pasted(dark, 1, level=150.0)
    assert canvas.image.min() < 100
    assert canvas.image.max() <= 151
    bright = pasted(dark, 1, level=5.0)
    assert bright.image.max() > 50, "nothing is darker than black"


def test_what_is_off_draws_nothing() -> None:
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    paste_targets(empty(), [target()], 1, PLAIN, first)
    second.integers(1)
    second.uniform(0.5, 1.2)
    rows, columns = target().excess.shape
    second.integers(96 - columns)
    second.integers(96 - rows)
    assert first.random() == second.random()
