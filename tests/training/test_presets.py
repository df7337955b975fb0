from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

pytest.importorskip("torch")

from doubles.samples import blob_sample
from edge_irdet.errors import OptionError
from edge_irdet.network.variants import VARIANTS, variant_config
from edge_irdet.training.augmentation import Augmenter
from edge_irdet.training.config import AugmentationConfig, TrainingConfig
from edge_irdet.training.presets import PRESETS, preset_config


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_fits_every_variant_and_is_stored_losslessly(preset: str, variant: str) -> None:
    config = preset_config(preset, variant)
    assert len(config.assignment.side_range) == len(variant_config(variant).strides)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(config)), TrainingConfig) == config


def test_small_targets_of_the_edge_variant_belong_to_its_own_ranges() -> None:
    ranges = preset_config("small-target", "light-sgmtlm-edge").assignment.side_range
    assert ranges == ((0.0, 20.0), (8.0, 48.0), (32.0, 1e9))
    paper = preset_config("small-target", "light-sgmtlm-reduced").assignment.side_range
    assert paper == ((0.0, 40.0), (16.0, 80.0), (40.0, 1e9))


def test_ranges_for_another_number_of_levels_are_refused() -> None:
    config = preset_config("paper", "light-sgmtlm-edge")
    with pytest.raises(OptionError, match="2 levels"):
        replace(config, assignment=replace(config.assignment, side_range=((0.0, 9.0), (9.0, 1e9))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"inversion": 1.5},
        {"dark_targets": -0.1},
        {"gamma": 0.5},
        {"blur": -1.0},
        {"hot_pixels": -1},
        {"pasted_scale": (0.0, 1.0)},
        {"least_contrast": -1.0},
    ],
)
def test_augmentation_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    config = preset_config("field", "light-sgmtlm-edge")
    with pytest.raises(OptionError, match="next: "):
        replace(config, augmentation=replace(config.augmentation, **wrong))


def test_everything_new_is_off_by_default() -> None:
    own = AugmentationConfig()
    switches = (
        own.inversion, own.dark_targets, own.dim_targets, own.native_scale, own.blur, own.stripes,
        own.hot_pixels, own.least_contrast,
    )  # fmt: skip
    assert switches == (0,) * 8
    assert (own.gamma, own.pasted_scale) == (1.0, (1.0, 1.0))


def test_field_samples_are_sound() -> None:
    config = preset_config("field", "light-sgmtlm-edge").augmentation
    samples = [blob_sample(f"image{index}", index) for index in range(4)]
    augmenter = Augmenter(samples, (320, 320), config, 114)
    sides = []
    for seed in range(60):
        made = augmenter(seed % 4, np.random.default_rng(seed))
        assert made.image.shape == made.mask.shape == (192, 192)
        assert made.image.dtype == np.uint8
        assert 0 <= made.mask.min() <= made.mask.max() <= 1
        assert len(made.boxes) == len(made.classes)
        sides += (made.boxes[:, 2:] - made.boxes[:, :2]).max(1).tolist()
    assert max(sides) / min(sides) > 4, "targets of many sizes"
