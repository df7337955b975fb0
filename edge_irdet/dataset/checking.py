"""A census of a labelled set and everything that is wrong with it, before hours are spent on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.sample import Sample
from edge_irdet.errors import EdgeIrdetError

SIZE_LIMITS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Longer sides in pixels that divide targets by size; targets of 32 px and more are not small ones."""

MOST_WITHOUT_TARGETS = 0.5
"""Share of images without a target from which on a warning is due: label files may be named wrongly."""


@dataclass
class DatasetCensus:
    """Counts of a labelled set; grows by :meth:`add`."""

    classes: tuple[str, ...]
    """Class names of the set."""

    images: int = 0
    """Images that were read."""

    without_targets: int = 0
    """Images in which no target is labelled."""

    targets: Counter[str] = field(default_factory=Counter)
    """Targets by class name."""

    by_size: Counter[str] = field(default_factory=Counter)
    """Targets by the longer side of their box in pixels, as ``2-4 px``; see :data:`SIZE_LIMITS`."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Images by (width, height)."""

    depths: Counter[str] = field(default_factory=Counter)
    """Images by the dtype of their pixels."""

    def add(self, sample: Sample) -> None:
        """Count one image."""
        height, width = sample.image.shape
        self.images += 1
        self.without_targets += not len(sample.boxes)
        self.sizes[width, height] += 1
        self.depths[str(sample.image.dtype)] += 1
        for index in sample.classes.tolist():
            self.targets[self.classes[index]] += 1
        sides = (sample.boxes[:, 2:] - sample.boxes[:, :2]).max(axis=1, initial=0.0)
        for place in np.searchsorted(SIZE_LIMITS, sides, side="right").tolist():
            self.by_size[size_names()[place]] += 1

    @property
    def total(self) -> int:
        """Targets of all classes."""
        return sum(self.targets.values())

    def warnings(self) -> list[str]:
        """What looks wrong although every file can be read; one sentence each."""
        found = []
        if self.images and not self.total:
            found.append("no image has a target")
        elif self.images and self.without_targets >= MOST_WITHOUT_TARGETS * self.images:
            found.append(
                f"{self.without_targets} of {self.images} images have no target: check the names of the "
                "label files"
            )
        unused = [name for name in self.classes if not self.targets[name]]
        if unused and self.total:
            found.append(f"no target has the class {', '.join(unused)}")
        if len(self.depths) > 1:
            found.append("images of 8 and of 16 bits are mixed")
        return found


def size_names() -> tuple[str, ...]:
    """Names of the size classes, small ones first."""
    limits = [f"{limit:g}" for limit in SIZE_LIMITS]
    between = [f"{low}-{high} px" for low, high in pairwise(limits)]
    return (f"below {limits[0]} px", *between, f"{limits[-1]} px and more")


@dataclass(frozen=True)
class DatasetCheck:
    """What :func:`check_dataset` found."""

    name: str
    """Folder and split."""

    census: DatasetCensus
    """Counts of the images that could be read."""

    problems: tuple[EdgeIrdetError, ...]
    """Everything that a reader would refuse, in the order of the images."""

    @property
    def by_code(self) -> Counter[str]:
        """Number of problems by error code and title."""
        return Counter(f"{problem.code} {problem.title}" for problem in self.problems)


def check_dataset(
    dataset: LabelledDataset, progress: Callable[[int, int], None] | None = None
) -> DatasetCheck:
    """Read every image of a set and collect all problems instead of stopping at the first.

    Args:
        dataset: as :func:`edge_irdet.dataset.opening.read_dataset` opens it; it refuses by itself a folder
            that fits no layout, or class names that contradict one another.
        progress: called with images done and images in all.
    """
    census = DatasetCensus(dataset.classes)
    problems = dataset.unused()
    for index, name in enumerate(dataset.names):
        found = dataset.problems(name)
        problems.extend(found)
        if not found:
            census.add(dataset[index])
        if progress is not None:
            progress(index + 1, len(dataset))
    return DatasetCheck(dataset.name, census, tuple(problems))


def count_samples(samples: Sequence[Sample], classes: tuple[str, ...]) -> DatasetCensus:
    """Census of samples that have been read already."""
    census = DatasetCensus(classes)
    for sample in samples:
        census.add(sample)
    return census
