from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from doubles.samples import blob_sample
from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError
from edge_irdet.training.augmentation import Augmenter
from edge_irdet.training.clutter import MINED_SCORE, MOST_SPOTS, clutter_spots, mined_spots
from edge_irdet.training.config import AugmentationConfig, TrainingConfig


def quiet(side: int) -> Sample:
    sample = blob_sample("image", 0, side, targets=0)
    return replace(sample, image=(50 + sample.image // 16).astype(np.uint8))


def test_spots_are_the_bright_ones_off_the_targets() -> None:
    sample = blob_sample("image", 0, side=96, targets=1)
    sample.image[70:74, 20:24] = 150
    sample.image[50:96, 60:96] = 150  # too large to be a spot, but its corners are not far from one
    spots = clutter_spots(sample)
    assert np.allclose(spots[0], (22, 72), atol=1.5)
    left, top, right, bottom = sample.boxes[0]
    on_target = (spots > (left - 3, top - 3)) & (spots < (right + 3, bottom + 3))
    assert not on_target.all(1).any()


def test_a_flat_image_has_none_and_a_busy_one_a_bounded_number() -> None:
    sample = quiet(64)
    assert clutter_spots(sample).shape == (0, 2)
    busy = np.zeros((256, 256), np.uint8)
    busy[::20, ::20] = 255
    assert len(clutter_spots(replace(sample, image=busy))) == MOST_SPOTS


def test_crops_are_placed_around_clutter() -> None:
    sample = quiet(256)
    sample.image[200:204, 220:224] = 200
    config = AugmentationConfig(crop=64, target_crops=0.5, flip=False, gain=(1, 1), bias=0)

    def share(clutter_crops: float) -> float:
        augmenter = Augmenter([sample], (256, 256), replace(config, clutter_crops=clutter_crops), 114)
        generator = np.random.default_rng(0)
        return float(np.mean([(augmenter(0, generator).image == 200).any() for _ in range(100)]))

    assert share(0.0) < 0.3
    assert 0.4 < share(0.5) < 0.9


def test_border_crops_reach_up_to_the_rim_beyond_the_image() -> None:
    sample = replace(quiet(256), boxes=np.zeros((0, 4), np.float32), classes=np.zeros(0, np.int64))
    sample.image[:] = 200
    config = AugmentationConfig(crop=64, target_crops=0.0, border_crops=1.0, rim=0.25, gain=(1, 1), bias=0)
    augmenter = Augmenter([sample], (256, 256), config, 114)
    generator = np.random.default_rng(0)
    images = [augmenter(0, generator).image for _ in range(200)]
    outside = [max(int((image == 114).all(axis).sum()) for axis in (0, 1)) for image in images]
    assert max(outside) <= 16
    assert np.mean([count > 0 for count in outside]) > 0.9
    assert len({(bool((image[0] == 114).all()), bool((image[:, 0] == 114).all())) for image in images}) >= 3


@pytest.mark.parametrize(
    "wrong", [{"border_crops": 0.3}, {"rim": 0.5}, {"rim": -0.1}, {"border_crops": -0.1}]
)
def test_shares_and_rim_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    augmentation = AugmentationConfig(crop=64, target_crops=0.5, clutter_crops=0.25, **wrong)
    with pytest.raises(OptionError, match=r"border|rim"):
        TrainingConfig("light-sgmtlm-reduced", augmentation=augmentation)


def detections(*centres_and_scores: tuple[float, float, float]) -> Detections:
    rows = np.array(centres_and_scores, np.float32).reshape(-1, 3)
    boxes = np.concatenate((rows[:, :2] - 2, rows[:, :2] + 2), 1)
    return Detections(boxes, rows[:, 2], np.zeros(len(rows), np.int64))


def test_false_alarms_are_mined_strongest_first() -> None:
    sample = replace(blob_sample("image", 0, 128, targets=0), boxes=np.array([[60, 60, 66, 64]], np.float32))
    found = detections((63, 62, 0.9), (75, 62, 0.9), (20, 30, 0.5), (100, 90, 0.8), (5, 5, MINED_SCORE / 2))
    np.testing.assert_allclose(mined_spots(sample, found), [[100, 90], [20, 30]])
    assert mined_spots(sample, detections()).shape == (0, 2)
    no_target = replace(sample, boxes=np.zeros((0, 4), np.float32))
    assert len(mined_spots(no_target, found)) == 4


def test_mined_spots_go_before_bright_ones() -> None:
    sample = quiet(256)
    sample.image[200:204, 220:224] = 200
    config = AugmentationConfig(crop=64, clutter_crops=0.25)
    mined = [np.array([[20, 30]], np.float32)]
    assert Augmenter([sample], (256, 256), config, 114, mined).clutter[0].tolist() == [[20, 30]]
    none = [np.zeros((0, 2), np.float32)]
    assert Augmenter([sample], (256, 256), config, 114, none).clutter[0][0].tolist() != [20, 30]
    off = replace(config, clutter_crops=0.0)
    assert not len(Augmenter([sample], (256, 256), off, 114).clutter[0])
