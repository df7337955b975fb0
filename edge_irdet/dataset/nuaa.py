"""The layout of NUAA-SIRST, IRSTD-1k and NUDT-SIRST: ``images/`` and ``masks/``; the masks give the boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_irdet.dataset.boxes import boxes_of_mask
from edge_irdet.dataset.folders import MaskFolder, list_images
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.images import read_upright_grey_image


class MaskLayoutReader:
    """Reads ``images/NAME.*`` with ``masks/NAME.png`` or ``masks/NAME_pixels0.png``.

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
        self._images = list_images(root / "images")
        self._masks = MaskFolder(root / "masks")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return tuple(self._images)

    def require(self, name: str) -> None:
        """Check that the image has a mask file; see ``LayoutReader``."""
        self._masks.path_of(name)

    def read(self, name: str) -> Sample:
        """Decode one image and its mask; see ``LayoutReader``."""
        image = read_upright_grey_image(self._images[name])
        height, width = image.shape
        mask = self._masks.read(name, width, height)
        boxes = boxes_of_mask(mask)
        return Sample(name, image, boxes, np.zeros(len(boxes), np.int64), mask, MaskSource.ANNOTATED)
