"""The named recipes."""

from __future__ import annotations

from dataclasses import replace

from edge_irdet.errors import OptionError
from edge_irdet.network.variants import variant_config
from edge_irdet.training.config import AssignmentConfig, AugmentationConfig, LossConfig, TrainingConfig


def paper_preset(variant: str) -> TrainingConfig:
    """The paper's recipe: Adam, 1e-3, weight decay 5e-4, batch 8, flips, brightness and contrast.

    50 epochs for the full model; the reduced one needed 600 to 1200 (docs/background/model.md), 600 here.
    """
    levels = len(variant_config(variant).strides)
    return TrainingConfig(
        variant=variant,
        preset="paper",
        epochs=600 if variant.endswith("reduced") else 50,
        assignment=AssignmentConfig(side_range=((0.0, 1e9),) * levels),
    )


def small_target_preset(variant: str) -> TrainingConfig:
    """Ours: crops around targets, copy-paste, EMA, cosine schedule, assignment and loss for 3 to 15 px."""
    return TrainingConfig(
        variant=variant,
        preset="small-target",
        epochs=300,
        batch=16,
        samples_per_image=4,
        learning_rate=4e-3,
        weight_decay=1e-2,
        optimizer="adamw",
        schedule="cosine",
        warm_up_epochs=3.0,
        ema_decay=0.999,
        half_resolution_epochs=0.9,
        anchors="small",
        validation_orientations=8,
        validate_every=5,
        loss=LossConfig(
            box=2.0, no_object=0.5, confidence_follows_iou=0.5, nwd=0.3, nwd_scale=8.0, saliency=1.0
        ),
        assignment=AssignmentConfig(side_range=variant_config(variant).small_target_sides),
        augmentation=AugmentationConfig(
            crop=192,
            scale=(0.7, 1.5),
            transpose=True,
            gain=(0.6, 1.4),
            bias=40.0,
            noise=5.0,
            pasted_targets=2,
        ),
    )


def field_preset(variant: str) -> TrainingConfig:
    """For cameras and scenes that nobody here has seen: ``small-target`` with all that varies between them.

    Both polarities, targets of 1.5 to 40 px at the scale of the letterbox and at their own, dim and dark
    ones, and what sensors add: noise, stripes, blur, gamma, bad pixels.
    """
    base = small_target_preset(variant)
    return replace(
        base,
        preset="field",
        epochs=40,
        warm_up_epochs=1.0,
        anchors="ranges",
        validation_orientations=1,
        validation_inverted=True,
        loss=replace(base.loss, confidence_follows_iou=0.3),
        augmentation=replace(
            base.augmentation,
            target_crops=0.45,
            clutter_crops=0.25,
            border_crops=0.12,
            rim=0.2,
            scale=(0.5, 2.0),
            native_scale=0.5,
            gain=(0.5, 1.7),
            noise=8.0,
            pasted_targets=3,
            pasted_scale=(0.5, 3.0),
            dark_targets=0.3,
            dim_targets=0.4,
            inversion=0.4,
            gamma=1.6,
            blur=1.0,
            stripes=3.0,
            hot_pixels=24,
            least_contrast=2.0,
        ),
    )


PRESETS = {"paper": paper_preset, "small-target": small_target_preset, "field": field_preset}
"""Preset name -> function from variant name to configuration."""


def preset_config(preset: str, variant: str, **changes: object) -> TrainingConfig:
    """The named preset for a variant with some fields changed.

    Raises:
        OptionError: there is no preset of that name, or a value is out of range.
    """
    if preset not in PRESETS:
        raise OptionError(f"there is no preset {preset!r}", f"choose one of: {', '.join(PRESETS)}")
    return replace(PRESETS[preset](variant), **changes)  # type: ignore[arg-type]
