"""Loading a labelled set into memory for training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edge_irdet.dataset.labelled import LabelledDataset
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.dataset.splits import split_validation
from edge_irdet.detection.sixteen_bit import to_eight_bits
from edge_irdet.package import SixteenBitSpec, TrainingData
from edge_irdet.training.trainer import TrainingSet


def load_training_set(
    dataset: LabelledDataset,
    name: str,
    split: str,
    licence: str,
    validation_fraction: float,
    seed: int,
    sixteen_bit: SixteenBitSpec | None = None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingSet:
    """Decode a data set, map it to 8 bits and hold a part back for validation.

    Args:
        dataset: the train list's images; the validation part is taken from these.
        name, split, licence: for the manifest.
        validation_fraction: share held back.
        seed: decides which images are held back.
        sixteen_bit: mapping of 16-bit images.
        on_image: called with images done and images in all.

    Raises:
        DatasetImageError, LabelInvalidError, MaskSizeError: from reading.
        SixteenBitUnmappedError: there are 16-bit images and no mapping.
        OptionError: too few images to hold a part back.
    """
    train_names, _ = split_validation(dataset.names, validation_fraction, seed)
    in_training = frozenset(train_names)
    train: list[Sample] = []
    validation: list[Sample] = []
    for index, sample in enumerate(dataset):
        eight_bits = replace(sample, image=to_eight_bits(sample.image, sixteen_bit))
        (train if dataset.names[index] in in_training else validation).append(eight_bits)
        on_image(index + 1, len(dataset))
    from_boxes = any(sample.mask_source is MaskSource.BOXES for sample in (*train, *validation))
    about = TrainingData(
        name=name,
        split=split,
        images=len(dataset),
        licence=licence,
        masks=(MaskSource.BOXES if from_boxes else MaskSource.ANNOTATED).value,
    )
    return TrainingSet(train, validation, dataset.classes, about)
