"""The YOLO layout: ``images/``, ``labels/`` and ``classes.txt``."""

from __future__ import annotations

import math
from pathlib import Path

from edge_irdet.dataset.box_layouts import boxed_sample, optional_masks, read_class_list, read_text
from edge_irdet.dataset.boxes import checked_box
from edge_irdet.dataset.folders import list_images
from edge_irdet.dataset.sample import Sample
from edge_irdet.errors import DatasetMissingError, LabelInvalidError
from edge_irdet.images import read_upright_grey_image


class YoloLayoutReader:
    """Reads ``images/NAME.*`` with ``labels/NAME.txt``, whose lines are class, centre x, y, width, height.

    The four coordinates are fractions of the image's width and height. Class names stand in ``classes.txt``
    in the root or in ``labels/``. As the format has it, an image without label file, or with an empty one,
    has no targets; but a set in which no image has a label file is refused.

    Args:
        root: folder of the data set.

    Raises:
        DatasetMissingError: ``images/``, ``labels/`` or ``classes.txt`` is missing, or no image has labels.
        LabelInvalidError: ``classes.txt`` is malformed.
    """

    def __init__(self, root: Path) -> None:
        self._images = list_images(root / "images")
        self._labels = root / "labels"
        if not self._labels.is_dir():
            raise DatasetMissingError(f"the folder {self._labels} is not there", f"check the set: ls {root}")
        if not any(self._label_path(name).is_file() for name in self._images):
            raise DatasetMissingError(
                f"none of the {len(self._images)} images of {root} has a label file in {self._labels}",
                "give the label files the images' names, with .txt",
            )
        self.classes = self._read_classes(root)
        self._masks = optional_masks(root)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return tuple(self._images)

    def require(self, name: str) -> None:
        """Check that the image has a mask where the set has masks; see ``LayoutReader``."""
        if self._masks is not None:
            self._masks.path_of(name)

    def read(self, name: str) -> Sample:
        """Decode one image and its label file; see ``LayoutReader``."""
        image = read_upright_grey_image(self._images[name])
        height, width = image.shape
        path = self._label_path(name)
        boxes: list[tuple[float, float, float, float]] = []
        classes: list[int] = []
        lines = read_text(path).splitlines() if path.exists() else []
        for number, line in enumerate(lines, start=1):
            if line.strip():
                where = f"{path}:{number}"
                index, corners = self._parse(line, width, height, where)
                boxes.append(checked_box(corners, width, height, where))
                classes.append(index)
        return boxed_sample(name, image, boxes, classes, self._masks)

    def _label_path(self, name: str) -> Path:
        return self._labels / f"{name}.txt"

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
            if not 0.0 <= value <= 1.0:  # NaN fails this too
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

    @staticmethod
    def _read_classes(root: Path) -> tuple[str, ...]:
        for path in (root / "classes.txt", root / "labels" / "classes.txt"):
            if path.is_file():
                return read_class_list(path)
        raise DatasetMissingError(
            f"{root} has no classes.txt (nor labels/classes.txt), so the class indices have no names",
            f"write one class name on each line, in index order: echo target > {root / 'classes.txt'}",
        )
