"""A set of labelled images, decoded one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, overload

from edge_irdet.dataset.sample import Sample
from edge_irdet.errors import DatasetImageError, EdgeIrdetError, LabelInvalidError, SplitEmptyError


def problems_of_reading(reader: LayoutReader, name: str) -> list[EdgeIrdetError]:
    """What reading one image raises, as :meth:`LayoutReader.problems` of a layout with one label a file."""
    try:
        reader.read(name)
    except EdgeIrdetError as error:
        return [error]
    return []


def labels_without_image(paths: Iterable[Path], images: Path) -> list[EdgeIrdetError]:
    """One error for each label or mask file that belongs to no image of a folder."""
    return [
        LabelInvalidError(
            f"{path} belongs to no image of {images}", "name it as its image, add the image, or remove it"
        )
        for path in sorted(paths)
    ]


class LayoutReader(Protocol):
    """What a layout's module provides: its images by name, and one sample decoded on request."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; a sample's class indices point here."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images of the set."""

    def require(self, name: str) -> None:
        """Check, without decoding, that the files of the image ``name`` are there.

        Raises:
            DatasetMissingError: a label or mask that the layout needs is not there.
        """

    def read(self, name: str) -> Sample:
        """Decode and validate the image ``name`` and its labels.

        Raises:
            DatasetImageError, LabelInvalidError, MaskSizeError, DatasetMissingError: see the classes.
        """

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """Everything that :meth:`read` would refuse in the image ``name``, and not only the first of it."""

    def unused(self) -> list[EdgeIrdetError]:
        """Labels and masks of the folder that belong to no image, and parts that have images alone.

        Reading passes them over; most often a file is named wrongly, and its image counts as one without
        targets.
        """


class LabelledDataset(Sequence[Sample]):
    """The images of one split, in the order of its list; each is decoded and validated when it is asked for.

    Args:
        reader: of the layout.
        name: what reports call this set.
        names: the images; ``None`` takes all.

    Raises:
        SplitEmptyError: ``names`` is empty.
        DatasetImageError: a name is not in the set.
        DatasetMissingError: a label file or mask is not there.
    """

    def __init__(self, reader: LayoutReader, name: str, names: Iterable[str] | None = None) -> None:
        self._reader = reader
        self._name = name
        self._names = reader.names if names is None else tuple(names)
        if not self._names:
            raise SplitEmptyError(f"{name}: the split names no image", "add image names, one on each line")
        known = frozenset(reader.names)
        absent = [entry for entry in self._names if entry not in known]
        if absent:
            shown = ", ".join(repr(entry) for entry in absent[:5]) + (", ..." if len(absent) > 5 else "")
            raise DatasetImageError(
                f"{name}: {len(absent)} of {len(self._names)} images are not in the set: {shown}",
                "correct the split list, or complete the data set",
            )
        for entry in self._names:
            reader.require(entry)

    @property
    def name(self) -> str:
        """What reports call this set: folder and split."""
        return self._name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images, in order."""
        return self._names

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the whole set, also of those this split has no target of."""
        return self._reader.classes

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> LabelledDataset: ...
    def __getitem__(self, index: int | slice) -> Sample | LabelledDataset:
        """One sample, or for a slice the smaller set.

        Raises:
            DatasetImageError: the image is missing or cannot be decoded.
            LabelInvalidError: a label is malformed or out of range.
            MaskSizeError: the mask has another size than the image.
            IndexError: ``index`` is out of range.
        """
        if isinstance(index, slice):
            return self.subset(self._names[index])
        return self._reader.read(self._names[index])

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """Everything wrong with one image and its labels; empty where nothing is."""
        return self._reader.problems(name)

    def unused(self) -> list[EdgeIrdetError]:
        """Labels of the whole set that belong to no image of it; see :meth:`LayoutReader.unused`."""
        return self._reader.unused()

    def subset(self, names: Iterable[str]) -> LabelledDataset:
        """The same set restricted to ``names``, in their order.

        Raises:
            SplitEmptyError, DatasetImageError: as the constructor.
        """
        return LabelledDataset(self._reader, self._name, names)
