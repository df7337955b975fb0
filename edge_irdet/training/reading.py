"""From folders of labelled data to what a training takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_irdet.dataset.opening import DatasetLayout, detect_layout, read_dataset
from edge_irdet.package import SixteenBitSpec
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet, load_training_set, merge_training_sets


@dataclass(frozen=True)
class DataSource:
    """A labelled data set to train on."""

    folder: Path
    """Folder of the data set."""

    split: str
    """List of image names, or split of a video set."""

    layout: DatasetLayout | str = DatasetLayout.AUTO
    """How its files are laid out."""

    licence: str = "not stated"
    """Licence of the data, for the manifest."""

    held_back: str | None = None
    """List of what is held back for validation; None holds back a share of ``split``."""


def read_training_set(
    sources: Sequence[DataSource], config: TrainingConfig, sixteen_bit: SixteenBitSpec | None = None
) -> TrainingSet:
    """Read data sets into memory, hold back what validates, and join them in order.

    Images are validated by their boxes; videos, whose boxes are loose, by the distance of the centres.

    Args:
        sources: the data sets.
        config: of the training: share and seed of what is held back.
        sixteen_bit: mapping of 16-bit images.

    Raises:
        DatasetMissingError, SplitEmptyError: a folder or list is not there, or names nothing.
        DatasetImageError, LabelInvalidError, MaskSizeError: from reading.
        SixteenBitUnmappedError: there are 16-bit images and no mapping.
        OptionError: an unknown layout, no image left to train on, or sets with different classes.
    """
    return merge_training_sets([_read(source, config, sixteen_bit) for source in sources])


def _read(source: DataSource, config: TrainingConfig, sixteen_bit: SixteenBitSpec | None) -> TrainingSet:
    layout = source.layout
    if layout == DatasetLayout.AUTO:
        layout = detect_layout(source.folder)
    dataset = read_dataset(source.folder, source.split, layout)
    listed, validation_set = None, None
    if source.held_back is not None:
        held_back = read_dataset(source.folder, source.held_back, layout)
        # Images of another annotation file are other images, whatever their names.
        if layout == DatasetLayout.COCO and Path(source.held_back).suffix != ".txt":
            validation_set = held_back
        else:
            listed = held_back.names
    return load_training_set(
        dataset,
        source.folder.resolve().name,
        Path(source.split).stem,
        source.licence,
        config.validation_fraction,
        config.split_seed,
        sixteen_bit,
        held_back=listed,
        validation_set=validation_set,
        by_centre=layout == DatasetLayout.VIDEOS,
    )
