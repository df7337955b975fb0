"""Image and mask folders, listed by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.mask_values import targets_of_mask
from edge_irdet.errors import DatasetImageError, DatasetMissingError, MaskSizeError
from edge_irdet.images import IMAGE_SUFFIXES, read_grey_image


def list_images(folder: Path) -> dict[str, Path]:
    """Image files below ``folder`` by name, sorted by path.

    A name is the path below ``folder`` without suffix, with ``/`` between folders.

    Raises:
        DatasetMissingError: the folder is not there or holds no image.
        DatasetImageError: two files differ only in their suffix, so that their name is not unique.
    """
    if not os.path.isdir(folder):
        raise DatasetMissingError(
            f"the folder {folder} is not there", f"check the data set: ls {folder.parent}"
        )
    images: dict[str, Path] = {}
    for path in sorted(files_below(folder)):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in images:
            raise DatasetImageError(
                f"{images[name]} and {path} have the same name {name!r}", "remove or rename one of them"
            )
        images[name] = path
    if not images:
        raise DatasetMissingError(
            f"the folder {folder} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})",
            f"check it: ls {folder}",
        )
    return images


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder, linked folders included; a link back to a folder above ends there."""
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise DatasetMissingError(
            f"the folder {error.filename} cannot be listed: {error.strerror}", f"ls -ld {error.filename}"
        ) from error

    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (path for path in (Path(place) / name for name in files) if os.path.isfile(path))


class MaskFolder:
    """A folder with one mask for each image: ``NAME.png`` or, as NUAA-SIRST ships them, ``NAME_pixels0.png``.

    Args:
        folder: the mask folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._masks: Mapping[str, Path] = list_images(folder)

    def path_of(self, name: str) -> Path:
        """The mask file of the image ``name``.

        Raises:
            DatasetMissingError: there is none.
        """
        for candidate in (name, f"{name}_pixels0"):
            if candidate in self._masks:
                return self._masks[candidate]
        raise DatasetMissingError(
            f"the image {name!r} has no mask {name}.png or {name}_pixels0.png in {self._folder}",
            "add the mask (all black for an image without targets) or leave the image out of the split",
        )

    def unused(self, names: Iterable[str]) -> list[Path]:
        """Masks that belong to none of these images."""
        known = frozenset(names)
        return [
            path
            for name, path in self._masks.items()
            if name not in known and name.removesuffix("_pixels0") not in known
        ]

    def read(self, name: str, width: int, height: int) -> NDArray[np.uint8]:
        """Read the mask of the image ``name``.

        Which pixels are on a target: :func:`edge_irdet.dataset.mask_values.targets_of_mask`.

        Returns:
            [height, width], 1 on targets, 0 elsewhere.

        Raises:
            DatasetMissingError: there is no mask.
            DatasetImageError: it cannot be decoded.
            LabelInvalidError: its values do not say which pixels are on a target.
            MaskSizeError: it has another size than ``width`` x ``height``.
        """
        path = self.path_of(name)
        values = read_grey_image(path)
        if values.shape != (height, width):
            raise MaskSizeError(
                f"{path} is {values.shape[1]}x{values.shape[0]} but the image {name!r} is {width}x{height}",
                "replace the mask by the one of this image; masks are never resized",
            )
        return targets_of_mask(values, str(path))
