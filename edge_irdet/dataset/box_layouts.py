"""What the box layouts (YOLO, COCO, VOC) share: from checked boxes to a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.boxes import box_array, mask_of_boxes
from edge_irdet.dataset.folders import MaskFolder
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.errors import DatasetMissingError, LabelInvalidError


def optional_masks(root: Path) -> MaskFolder | None:
    """The set's ``masks/`` folder where it has one; then every image must have a mask in it."""
    return MaskFolder(root / "masks") if (root / "masks").is_dir() else None


def boxed_sample(
    name: str,
    image: NDArray[np.uint8] | NDArray[np.uint16],
    boxes: Sequence[Sequence[float]],
    classes: Sequence[int],
    masks: MaskFolder | None,
) -> Sample:
    """A sample with the given boxes, and with the annotated mask or else one made from the boxes.

    Raises:
        DatasetMissingError, DatasetImageError, MaskSizeError: as :meth:`MaskFolder.read`.
    """
    height, width = image.shape
    array = box_array(boxes)
    if masks is None:
        mask, source = mask_of_boxes(array, width, height), MaskSource.BOXES
    else:
        mask, source = masks.read(name, width, height), MaskSource.ANNOTATED
    return Sample(name, image, array, np.asarray(classes, np.int64), mask, source)


def read_text(path: Path) -> str:
    """Text of a label file.

    Raises:
        DatasetMissingError: it cannot be read.
        LabelInvalidError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelInvalidError(f"{path} is not UTF-8 text", f"look at it: file {path}") from error
    except OSError as error:
        raise DatasetMissingError(
            f"{path} cannot be read: {error.strerror}", f"check it: ls -l {path}"
        ) from error


def read_class_list(path: Path) -> tuple[str, ...]:
    """Class names of a ``classes.txt``: one on each line, in index order; empty lines at the end are ignored.

    Raises:
        DatasetMissingError: the file cannot be read.
        LabelInvalidError: no name, an empty line between names, or a name twice.
    """
    names = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if not names:
        raise LabelInvalidError(f"{path} names no class", f"write one: echo target > {path}")
    for number, name in enumerate(names, start=1):
        if not name or name in names[: number - 1]:
            problem = f"repeats the class {name!r}" if name else "is blank, so the later indices are unclear"
            raise LabelInvalidError(f"{path}:{number} {problem}", f"correct {path}")
    return tuple(names)
