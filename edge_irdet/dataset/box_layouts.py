"""What the box layouts (YOLO, COCO, VOC) share: from checked boxes to a sample."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.boxes import box_array, mask_of_boxes
from edge_irdet.dataset.folders import MaskFolder
from edge_irdet.dataset.label_files import read_label_text
from edge_irdet.dataset.label_problems import LabelProblems
from edge_irdet.dataset.labelled_dataset import labels_without_image
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.errors import EdgeIrdetError, LabelInvalidError
from edge_irdet.images import read_upright_grey_image

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in continuous pixels."""

_log = logging.getLogger(__name__)


class BoxedSamples:
    """Makes samples from checked boxes, with the annotated masks of ``masks/`` where the set has them.

    A target that is labelled twice would count twice in every figure: the second one is left out, and the
    first such case of a set is logged.

    Args:
        root: folder of the data set; where it has ``masks/``, every image must have a mask in it.
    """

    def __init__(self, root: Path) -> None:
        self.masks = MaskFolder(root / "masks") if os.path.isdir(root / "masks") else None
        self._root = root
        self._told = False

    def require(self, name: str) -> None:
        """Check that the image has a mask where the set has masks.

        Raises:
            DatasetMissingError: it has none.
        """
        if self.masks is not None:
            self.masks.path_of(name)

    def unused(self, names: Sequence[str]) -> list[EdgeIrdetError]:
        """Masks that belong to none of these images."""
        return [] if self.masks is None else labels_without_image(self.masks.unused(names), self._root)

    def make(
        self,
        name: str,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        boxes: Sequence[Sequence[float]],
        classes: Sequence[int],
    ) -> Sample:
        """A sample with the given boxes, and with the annotated mask or else one made from the boxes.

        Raises:
            DatasetMissingError, DatasetImageError, LabelInvalidError, MaskSizeError: as
                :meth:`MaskFolder.read`.
        """
        height, width = image.shape
        once = distinct_targets(boxes, classes)
        if len(once) < len(boxes) and not self._told:
            self._told = True
            _log.warning(
                "%s: the image %r has %d targets that are labelled twice; each counts once, here and in the "
                "images that follow",
                self._root,
                name,
                len(boxes) - len(once),
            )
        array = box_array([boxes[index] for index in once])
        if self.masks is None:
            mask, source = mask_of_boxes(array, width, height), MaskSource.BOXES
        else:
            mask, source = self.masks.read(name, width, height), MaskSource.ANNOTATED
        kept = np.asarray([classes[index] for index in once], np.int64)
        return Sample(name, image, array, kept, mask, source)


class BoxLayoutReader(ABC):
    """Reads images whose targets are boxes with a class; a subclass knows where the files lie.

    Args:
        root: folder of the data set; where it has ``masks/``, every image must have a mask in it.
    """

    classes: tuple[str, ...]

    def __init__(self, root: Path) -> None:
        self._samples = BoxedSamples(root)

    def require(self, name: str) -> None:
        """Check that the files of an image are there; see ``LayoutReader``."""
        self._samples.require(name)

    def read(self, name: str) -> Sample:
        """Decode one image and its labels; see ``LayoutReader``."""
        problems = LabelProblems()
        image, boxes, classes = self._image_and_labels(name, problems)
        problems.require_none()
        return self._samples.make(name, image, boxes, classes)

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """Everything wrong with one image and its labels; see ``LayoutReader``."""
        problems = LabelProblems()
        try:
            self._samples.make(name, *self._image_and_labels(name, problems))
        except EdgeIrdetError as error:
            return [*problems.found, error]
        return [*problems.found]

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of all images; see ``LayoutReader``."""

    def unused(self) -> list[EdgeIrdetError]:
        """Masks that belong to no image; see ``LayoutReader``."""
        return self._samples.unused(self.names)

    def _image_and_labels(
        self, name: str, problems: LabelProblems
    ) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], list[Box], list[int]]:
        image = read_upright_grey_image(self._image_path(name))
        return image, *self._labels(name, image.shape[1], image.shape[0], problems)

    @abstractmethod
    def _image_path(self, name: str) -> Path: ...

    @abstractmethod
    def _labels(
        self, name: str, width: int, height: int, problems: LabelProblems
    ) -> tuple[list[Box], list[int]]:
        """Boxes and classes of one image; what is wrong with a single label is noted in ``problems``."""


def distinct_targets(boxes: Sequence[Sequence[float]], classes: Sequence[int]) -> list[int]:
    """Indices of the targets without those that repeat an earlier one's class and box (to 1/1000 px)."""
    first: dict[tuple[float, ...], int] = {}
    for index, (box, target_class) in enumerate(zip(boxes, classes, strict=True)):
        first.setdefault((target_class, *(round(float(side), 3) for side in box)), index)
    return list(first.values())


def read_class_list(path: Path) -> tuple[str, ...]:
    """Class names of a ``classes.txt``: one on each line, in index order; empty lines at the end are ignored.

    Raises:
        DatasetMissingError: the file cannot be read.
        LabelInvalidError: no name, an empty line between names, or a name twice.
    """
    names = [line.strip() for line in read_label_text(path).rstrip().splitlines()]
    if not names:
        raise LabelInvalidError(f"{path} names no class", f"write one: echo target > {path}")
    for number, name in enumerate(names, start=1):
        if not name or name in names[: number - 1]:
            problem = f"repeats the class {name!r}" if name else "is blank, so the later indices are unclear"
            raise LabelInvalidError(f"{path}:{number} {problem}", f"correct {path}")
    return tuple(names)
