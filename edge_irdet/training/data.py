"""Loading a labelled set into memory for training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from edge_irdet.dataset.checking import count_samples
from edge_irdet.dataset.class_order import in_class_order
from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.dataset.splits import split_validation
from edge_irdet.detection.sixteen_bit.text import to_eight_bits
from edge_irdet.errors import OptionError
from edge_irdet.package import SixteenBitSpec
from edge_irdet.provenance import TrainingData
from edge_irdet.training.fingerprint import DataFingerprint, fingerprint_of


@dataclass(frozen=True)
class TrainingSet:
    """Decoded training data: everything is held in memory, these sets are small."""

    train: list[Sample]
    """Training part."""

    validation: list[Sample]
    """Held-back part that chooses the epoch."""

    classes: tuple[str, ...]
    """Class names."""

    about: TrainingData
    """For the manifest: the data set, or the first of several."""

    frames: list[Sample] = field(default_factory=list)
    """Held-back frames of videos, judged by centre distance since their boxes are measured, not drawn."""

    further: tuple[TrainingData, ...] = ()
    """For the manifest: the second and later data sets."""

    sets: tuple[int, ...] = ()
    """Numbers of training images of the data sets, which follow one another in ``train``."""

    sixteen_bit: SixteenBitSpec | None = None
    """Mapping that made 16-bit images 8-bit ones; the exported package states it."""

    @property
    def measurable(self) -> bool:
        """Whether a held-back image or frame has a target, so that epochs can be compared."""
        return any(len(sample.boxes) for sample in (*self.validation, *self.frames))

    def fingerprint(self) -> DataFingerprint:
        """What a training sees of these data."""
        return fingerprint_of(self.train, self.validation, self.frames)

    def warnings(self) -> list[str]:
        """What looks wrong with the data although they can be read; one sentence each."""
        found = [f"training part: {text}" for text in count_samples(self.train, self.classes).warnings()]
        if not self.measurable:
            found.append(
                "held-back part: no image has a target, so no epoch can be measured and the last one is kept"
            )
        return found


def load_training_set(
    dataset: LabelledDataset,
    name: str,
    split: str,
    licence: str,
    validation_fraction: float,
    seed: int,
    sixteen_bit: SixteenBitSpec | None = None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
    held_back: Sequence[str] | None = None,
    by_centre: bool = False,
    validation_set: LabelledDataset | None = None,
) -> TrainingSet:
    """Decode a data set, map it to 8 bits and hold a part back for validation.

    Args:
        dataset: the train list's images; the validation part is taken from these.
        name, split, licence: for the manifest.
        validation_fraction: share held back.
        seed: decides which images are held back.
        sixteen_bit: mapping of 16-bit images.
        on_image: called with images done and images in all.
        held_back: names of the images to hold back instead of a share; those that the list has not are read
            from the data set all the same, and are judged but not trained on.
        validation_set: a set of its own that validates, such as COCO's second annotation file; then nothing
            of ``dataset`` is held back.
        by_centre: judge the held-back images by centre distance (their boxes are measured, not drawn).

    Raises:
        DatasetImageError, LabelInvalidError, MaskSizeError: from reading.
        SixteenBitUnmappedError: there are 16-bit images and no mapping.
        OptionError: too few images to hold a part back, or none is left to train on.
    """
    if validation_set is not None:
        validation_set = in_class_order(validation_set, dataset.classes, dataset.name)
        train_names = dataset.names
    elif held_back is None:
        train_names, _ = split_validation(dataset.names, validation_fraction, seed)
    else:
        judged = frozenset(held_back)
        train_names = tuple(image for image in dataset.names if image not in judged)
        if not train_names:
            raise OptionError(
                f"{name} {split}: every image is held back, none is left to train on",
                "shorten the list of --held-back",
            )
        others = [image for image in held_back if image not in frozenset(dataset.names)]
        dataset = dataset.subset([*dataset.names, *others])
    in_training = frozenset(train_names)
    train: list[Sample] = []
    validation: list[Sample] = []
    for index, sample in enumerate(dataset):
        eight_bits = replace(sample, image=to_eight_bits(sample.image, sixteen_bit))
        (train if dataset.names[index] in in_training else validation).append(eight_bits)
        on_image(index + 1, len(dataset))
    for sample in validation_set or ():
        validation.append(replace(sample, image=to_eight_bits(sample.image, sixteen_bit)))
    from_boxes = any(sample.mask_source is MaskSource.BOXES for sample in (*train, *validation))
    about = TrainingData(
        name=name,
        split=split,
        images=len(dataset),
        licence=licence,
        masks=(MaskSource.BOXES if from_boxes else MaskSource.ANNOTATED).value,
    )
    frames: list[Sample] = []
    if by_centre:
        frames, validation = validation, []
    return TrainingSet(
        train, validation, dataset.classes, about, frames, sets=(len(train),), sixteen_bit=sixteen_bit
    )


def merge_training_sets(parts: Sequence[TrainingSet]) -> TrainingSet:
    """Several data sets as one, in order; the first is the one that the manifest names first.

    Raises:
        OptionError: there is none, or their classes or 16-bit mappings differ.
    """
    if not parts:
        raise OptionError("there is no data set to train on", "name at least one with --data and --split")
    first = parts[0]
    for part in parts[1:]:
        if part.classes != first.classes:
            raise OptionError(
                f"{part.about.name} has the classes {', '.join(part.classes)}, {first.about.name} has "
                f"{', '.join(first.classes)}",
                "train on sets with the same classes",
            )
        if part.sixteen_bit != first.sixteen_bit:
            raise OptionError(
                f"{part.about.name} and {first.about.name} were mapped to 8 bits in different ways",
                "read all sets with one 16-bit mapping: an exported package states one",
            )
    return TrainingSet(
        train=[sample for part in parts for sample in part.train],
        validation=[sample for part in parts for sample in part.validation],
        classes=first.classes,
        about=first.about,
        frames=[sample for part in parts for sample in part.frames],
        further=tuple(part.about for part in parts[1:]),
        sets=tuple(len(part.train) for part in parts),
        sixteen_bit=first.sixteen_bit,
    )
