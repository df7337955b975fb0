"""Which labelled frames calibrate and which ones judge: never the same, never a test frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.splits import split_as_trained
from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.errors import CalibrationDataError
from edge_irdet.export.precision.recipe import MINIMUM_IMAGES
from edge_irdet.package import InputSpec, Manifest, PreprocessSpec


@dataclass(frozen=True)
class FrameSelection:
    """Names of the images for both purposes; they share none."""

    calibration: tuple[str, ...]
    """From these the ranges are taken."""

    gate: LabelledDataset
    """On these FP32 and the reduced precision are compared."""

    gate_name: str
    """What reports call the gate's frames."""


def select_frames(
    dataset: LabelledDataset, gate: LabelledDataset | None, manifest: Manifest, images: int, seed: int
) -> FrameSelection:
    """Divide a train list into calibration frames and gate frames.

    Args:
        dataset: the images of the train list.
        gate: labelled images to judge on; None takes the part of the train list that the trainer held back,
            which is the same part because fraction and seed are in the manifest.
        manifest: of the package.
        images: calibration frames wanted; fewer are taken where there are fewer.
        seed: decides which ones are drawn.

    Raises:
        CalibrationDataError: fewer than 8 frames are left to calibrate on, or the gate's have no target.
    """
    names: tuple[str, ...] = dataset.names
    gate_name = f"the validation part of {dataset.name}" if gate is None else gate.name
    if gate is None:
        if len(names) > MINIMUM_IMAGES:
            names, held_back = split_as_trained(names, manifest.training.division)
            gate = dataset.subset(held_back)
    else:
        judged = frozenset(gate.names)
        names = tuple(name for name in names if name not in judged)
    if gate is None or len(names) < MINIMUM_IMAGES:
        raise CalibrationDataError(
            f"{dataset.name} has {len(dataset)} images, beside the gate's "
            f"{0 if gate is None else len(names)} are left; ranges need at least {MINIMUM_IMAGES}",
            "name a train list with more images: --split train.txt",
        )
    drawn = np.random.default_rng(seed).permutation(len(names))[:images]
    return FrameSelection(tuple(names[index] for index in sorted(drawn)), gate, gate_name)


def network_inputs(
    dataset: LabelledDataset, preprocess: PreprocessSpec, network_input: InputSpec
) -> Iterator[NDArray[np.uint8]]:
    """Network inputs [1, 1, H, W] of the images, by the very preprocess that detection uses.

    Raises:
        SixteenBitUnmappedError: a 16-bit image, and neither package nor caller names a mapping.
        DatasetImageError: an image cannot be decoded.
    """
    preprocessor = Preprocessor(preprocess, network_input)
    for sample in dataset:
        preprocessor.reset()  # stills are no sequence
        preprocessor(sample.image)
        yield preprocessor.tensor.copy()
