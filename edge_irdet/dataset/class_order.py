"""A labelled set in the class order of a package: classes are matched by name, never by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.sample import Sample
from edge_irdet.errors import EdgeIrdetError, OptionError


def in_class_order(dataset: LabelledDataset, classes: Sequence[str], whose: str) -> LabelledDataset:
    """The set with its class indices as ``classes`` numbers them.

    A detector of one class detects targets of any kind: every class of the set then counts as that one.

    Args:
        dataset: labelled images.
        classes: class names of the detector, in its order.
        whose: whose classes these are, for the message, such as the package's name.

    Raises:
        OptionError: the set has a class that the detector does not have; the text names both lists.
    """
    if tuple(classes) == dataset.classes:
        return dataset
    if len(classes) > 1:
        missing = [name for name in dataset.classes if name not in classes]
        if missing:
            raise OptionError(
                f"{dataset.name} has the classes {', '.join(dataset.classes)}; {whose} has "
                f"{', '.join(classes)}, without {', '.join(missing)}",
                "rename the classes of the set, or name a package that was trained on them",
            )
        indices = [list(classes).index(name) for name in dataset.classes]
    else:
        indices = [0] * len(dataset.classes)
    reader = _ReorderedReader(dataset, tuple(classes), np.array(indices, np.int64))
    return LabelledDataset(reader, dataset.name)


class _ReorderedReader:
    def __init__(
        self,
        dataset: LabelledDataset,
        classes: tuple[str, ...],
        indices: np.ndarray[tuple[int], np.dtype[np.int64]],
    ) -> None:
        self.classes = classes
        self._dataset = dataset
        self._indices = indices
        self._places = {name: index for index, name in enumerate(dataset.names)}

    @property
    def names(self) -> tuple[str, ...]:
        return self._dataset.names

    def require(self, name: str) -> None:
        """Nothing to check: the set underneath has been."""

    def problems(self, name: str) -> list[EdgeIrdetError]:
        return self._dataset.problems(name)

    def unused(self) -> list[EdgeIrdetError]:
        """Labels of the set underneath that belong to no image; see ``LayoutReader``."""
        return self._dataset.unused()

    def read(self, name: str) -> Sample:
        sample = self._dataset[self._places[name]]
        return replace(sample, classes=self._indices[sample.classes])
