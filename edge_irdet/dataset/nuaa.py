"""The layout of NUAA-SIRST, IRSTD-1k and NUDT-SIRST: ``images/`` and ``masks/``; the masks give the boxes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from edge_irdet.dataset.boxes import boxes_of_mask
from edge_irdet.dataset.folders import MaskFolder, list_images
from edge_irdet.dataset.labelled_dataset import labels_without_image, problems_of_reading
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.images import read_upright_grey_image

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "IRSTD1k_Img")
MASK_FOLDERS = ("masks", "mask", "IRSTD1k_Label")
"""Names that published sets of this layout give their folders; case does not matter."""


def mask_folders(root: Path) -> tuple[Path, Path] | None:
    """The folders of images and of masks; None where one is missing."""
    here = {path.name.lower(): path for path in sorted(root.glob("*"), reverse=True) if os.path.isdir(path)}
    images, masks = (
        next((here[name.lower()] for name in names if name.lower() in here), None)
        for names in (IMAGE_FOLDERS, MASK_FOLDERS)
    )
    return None if images is None or masks is None else (images, masks)


class MaskLayoutReader:
    """Reads ``images/NAME.*`` with ``masks/NAME.png`` or ``masks/NAME_pixels0.png``.

    The folders may have the other names of :data:`IMAGE_FOLDERS` and :data:`MASK_FOLDERS`.

    Each 8-connected component of a mask is one target of the single class ``target``; its box is the
    component's extent. The XML boxes NUAA-SIRST comes with are not read: they give one box for several
    targets.

    Args:
        root: folder of the data set.

    Raises:
        DatasetMissingError: ``images/`` or ``masks/`` is missing or empty.
    """

    classes: tuple[str, ...] = ("target",)

    def __init__(self, root: Path) -> None:
        images, masks = mask_folders(root) or (root / "images", root / "masks")
        self._folder = images
        self._images = list_images(images)
        self._masks = MaskFolder(masks)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return tuple(self._images)

    def require(self, name: str) -> None:
        """Check that the image has a mask file; see ``LayoutReader``."""
        self._masks.path_of(name)

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """What is wrong with one image and its labels; see ``LayoutReader``."""
        return problems_of_reading(self, name)

    def unused(self) -> list[EdgeIrdetError]:
        """Masks that belong to no image; see ``LayoutReader``."""
        return labels_without_image(self._masks.unused(self._images), self._folder)

    def read(self, name: str) -> Sample:
        """Decode one image and its mask; see ``LayoutReader``."""
        image = read_upright_grey_image(self._images[name])
        height, width = image.shape
        mask = self._masks.read(name, width, height)
        boxes = boxes_of_mask(mask)
        return Sample(name, image, boxes, np.zeros(len(boxes), np.int64), mask, MaskSource.ANNOTATED)
