"""The YOLO layout: ``images/`` and ``labels/``, in the root or in a folder for each part."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

from edge_irdet.dataset.box_layouts import Box, BoxLayoutReader
from edge_irdet.dataset.boxes import checked_box
from edge_irdet.dataset.folders import files_below, list_images
from edge_irdet.dataset.label_files import read_label_text
from edge_irdet.dataset.label_problems import LabelProblems
from edge_irdet.dataset.labelled_dataset import labels_without_image
from edge_irdet.dataset.yolo_classes import read_yolo_classes
from edge_irdet.errors import DatasetMissingError, EdgeIrdetError, LabelInvalidError

FRACTION_SLACK = 1e-3
"""By how much a fraction may leave 0..1: the rounding of the tool that wrote it. The box is clipped."""


class _Labelled(NamedTuple):
    image: Path
    label: Path
    """Absent for an image without targets."""


def has_yolo_folders(root: Path) -> bool:
    """Whether ``images/`` and ``labels/`` are there, in the root or in a folder below it."""
    return bool(_folders(root))


class YoloLayoutReader(BoxLayoutReader):
    """Reads ``images/NAME.*`` with ``labels/NAME.txt``, whose lines are class, centre x, y, width, height.

    The four coordinates are fractions of the image's width and height. The parts of a set may lie in folders
    of their own, as Roboflow exports them (``train/images/``, ``train/labels/``); the names of their images
    then begin with the part, ``train/NAME``. Classes: :mod:`edge_irdet.dataset.yolo_classes`. As the format
    has it, an image without label file, or with an empty one, has no targets; but a set in which no image
    has a label file is refused.

    Args:
        root: folder of the data set.

    Raises:
        DatasetMissingError: ``images/``, ``labels/`` or the class names are missing, or no image has labels.
        LabelInvalidError: the class names are malformed.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        folders = _folders(root)
        if not folders:
            raise DatasetMissingError(
                f"{root} has no folder images/ with a folder labels/ beside it", f"check the set: ls {root}"
            )
        self._entries: dict[str, _Labelled] = {}
        for prefix, images, labels in folders:
            for name, path in list_images(images).items():
                self._entries[f"{prefix}{name}"] = _Labelled(path, labels / f"{name}.txt")
        if not any(os.path.isfile(entry.label) for entry in self._entries.values()):
            raise DatasetMissingError(
                f"none of the {len(self._entries)} images of {root} has a label file in {folders[0][2]}",
                "give the label files the images' names, with .txt",
            )
        self.label_folders = tuple(labels for _, _, labels in folders)
        self._folders = folders
        self._without_labels = _parts_without_labels(root)
        self.classes = read_yolo_classes(root, self.label_folders)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return tuple(self._entries)

    def unused(self) -> list[EdgeIrdetError]:
        """Label files and masks that belong to no image, parts without labels; see ``LayoutReader``."""
        known = {entry.label for entry in self._entries.values()}
        found: list[EdgeIrdetError] = [
            DatasetMissingError(
                f"{images} has no folder labels/ beside it: none of its images is read",
                "add the label files, or remove the part",
            )
            for images in self._without_labels
        ]
        for _, images, labels in self._folders:
            others = [
                path
                for path in files_below(labels)
                if path.suffix == ".txt"
                and path.name != "classes.txt"
                and not path.name.startswith(".")
                and path not in known
            ]
            found += labels_without_image(others, images)
        return [*found, *super().unused()]

    def label_path(self, name: str) -> Path:
        """The label file of an image; it need not be there."""
        return self._entries[name].label

    def _image_path(self, name: str) -> Path:
        return self._entries[name].image

    def _labels(
        self, name: str, width: int, height: int, problems: LabelProblems
    ) -> tuple[list[Box], list[int]]:
        path = self._entries[name].label
        boxes: list[Box] = []
        classes: list[int] = []
        lines = read_label_text(path).splitlines() if os.path.lexists(path) else []
        for number, line in enumerate(lines, start=1):
            if line.strip():
                with problems.noting():
                    where = f"{path}:{number}"
                    index, corners = self._parse(line, width, height, where)
                    boxes.append(checked_box(corners, width, height, where))
                    classes.append(index)
        return boxes, classes

    def _parse(
        self, line: str, width: int, height: int, where: str
    ) -> tuple[int, tuple[float, float, float, float]]:
        fields = line.split()
        if len(fields) != 5:
            raise LabelInvalidError(
                f"{where} has {len(fields)} values instead of class, centre x, centre y, width, height",
                "export detection labels (not polygons, not predictions with scores)",
            )
        try:
            index, centre_x, centre_y, box_width, box_height = (float(field) for field in fields)
        except ValueError as error:
            raise LabelInvalidError(
                f"{where} is not five numbers: {line.strip()!r}", f"correct {where}"
            ) from error
        if not (math.isfinite(index) and index.is_integer() and 0 <= index < len(self.classes)):
            raise LabelInvalidError(
                f"{where}: class {fields[0]} is not an index into the {len(self.classes)} classes of the set",
                "correct the label, or add the class to classes.txt",
            )
        for field, value in zip(fields[1:], (centre_x, centre_y, box_width, box_height), strict=True):
            if not -FRACTION_SLACK <= value <= 1.0 + FRACTION_SLACK:  # NaN fails this too
                raise LabelInvalidError(
                    f"{where}: {field} is not a fraction of the image between 0 and 1",
                    "normalise the coordinates by the image's width and height",
                )
        return int(index), (
            (centre_x - box_width / 2) * width,
            (centre_y - box_height / 2) * height,
            (centre_x + box_width / 2) * width,
            (centre_y + box_height / 2) * height,
        )


def _folders(root: Path) -> list[tuple[str, Path, Path]]:
    """(what its images' names begin with, images/, labels/) of the root, else of each folder below it."""
    return [
        (prefix, place / "images", place / "labels")
        for prefix, place in _places(root)
        if os.path.isdir(place / "labels")
    ]


def _parts_without_labels(root: Path) -> list[Path]:
    """Folders images/ without a folder labels/ beside them."""
    return [place / "images" for _, place in _places(root) if not os.path.isdir(place / "labels")]


def _places(root: Path) -> list[tuple[str, Path]]:
    """(what its images' names begin with, folder) where there is a folder images/."""
    if os.path.isdir(root / "images"):
        return [("", root)]
    parts = [part for part in sorted(root.glob("*")) if not part.name.startswith(".")]
    return [(f"{part.name}/", part) for part in parts if os.path.isdir(part / "images")]
