"""Labelled images turned in all eight orientations: more evidence from a few images, for judging."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset, problems_of_reading
from edge_irdet.dataset.sample import Sample
from edge_irdet.errors import EdgeIrdetError

ORIENTATIONS = ("", "h", "v", "hv", "t", "th", "tv", "thv")
"""t: axes swapped, h: left and right, v: up and down; in this order of doing."""


def in_orientations(dataset: LabelledDataset, count: int, name: str) -> LabelledDataset:
    """The images of a set in several orientations.

    One box that crosses IoU 0.5 moves the mAP of 45 frames by two points. The other orientations are the same
    real targets on other pixels of the network, so that a difference of half a point means something.

    Args:
        dataset: labelled images.
        count: 1 (as they are) to 8 (all flips, with the axes swapped and not).
        name: what reports call the images; the count is added.
    """
    chosen = ORIENTATIONS[:count]
    reader = _OrientedReader(dataset, chosen)
    return LabelledDataset(reader, f"{name} in {count} orientations" if count > 1 else name)


class _OrientedReader:
    def __init__(self, dataset: LabelledDataset, orientations: tuple[str, ...]) -> None:
        self._dataset = dataset
        self._places = {
            f"{name}|{orientation}" if orientation else name: (index, orientation)
            for index, name in enumerate(dataset.names)
            for orientation in orientations
        }

    @property
    def classes(self) -> tuple[str, ...]:
        return self._dataset.classes

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._places)

    def require(self, name: str) -> None:
        """Nothing to check: the set underneath has been."""

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """What is wrong with one image and its labels; see ``LayoutReader``."""
        return problems_of_reading(self, name)

    def unused(self) -> list[EdgeIrdetError]:
        """Labels of the set underneath that belong to no image; see ``LayoutReader``."""
        return self._dataset.unused()

    def read(self, name: str) -> Sample:
        index, orientation = self._places[name]
        return replace(oriented(self._dataset[index], orientation), name=name)


def oriented(sample: Sample, orientation: str) -> Sample:
    """A sample turned as :data:`ORIENTATIONS` spells it, boxes and mask with it."""
    image: NDArray[Any] = sample.image
    mask, boxes = sample.mask, sample.boxes
    if "t" in orientation:
        image, mask, boxes = image.T, mask.T, boxes[:, [1, 0, 3, 2]]
    height, width = image.shape
    if "h" in orientation:
        image, mask = image[:, ::-1], mask[:, ::-1]
        boxes = np.stack((width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]), 1)
    if "v" in orientation:
        image, mask = image[::-1], mask[::-1]
        boxes = np.stack((boxes[:, 0], height - boxes[:, 3], boxes[:, 2], height - boxes[:, 1]), 1)
    return replace(
        sample,
        image=np.ascontiguousarray(image),
        mask=np.ascontiguousarray(mask),
        boxes=np.ascontiguousarray(boxes, np.float32),
    )
