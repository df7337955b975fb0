"""The Pascal VOC layout: ``JPEGImages/``, ``Annotations/`` and lists in ``ImageSets/Main/``."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from edge_irdet.dataset.box_layouts import Box, BoxLayoutReader, read_class_list
from edge_irdet.dataset.boxes import checked_box
from edge_irdet.dataset.folders import list_images
from edge_irdet.dataset.label_files import read_label_file
from edge_irdet.dataset.label_problems import LabelProblems
from edge_irdet.dataset.labelled_dataset import labels_without_image
from edge_irdet.errors import DatasetMissingError, EdgeIrdetError, LabelInvalidError


class VocLayoutReader(BoxLayoutReader):
    """Reads ``JPEGImages/NAME.*`` with ``Annotations/NAME.xml``.

    VOC coordinates count pixels from 1 and include the last one (VOC development kit), so a box covers
    ``[xmin - 1, xmax] x [ymin - 1, ymax]`` in continuous pixels. A file that counts from 0 is refused rather
    than shifted by a pixel, which is a large part of a small target. Objects marked ``difficult`` are targets
    like the others. Classes are those of ``classes.txt`` where there is one, else the names in all of
    ``Annotations/``, sorted.

    Args:
        root: folder of the data set.

    Raises:
        DatasetMissingError: ``JPEGImages/`` or ``Annotations/`` is missing or empty.
        LabelInvalidError: an annotation file is malformed, or ``classes.txt`` is.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._images = list_images(root / "JPEGImages")
        self._root = root
        self._annotations = root / "Annotations"
        listed = root / "classes.txt"
        self.classes = read_class_list(listed) if os.path.isfile(listed) else self._classes_in_use()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return tuple(self._images)

    def require(self, name: str) -> None:
        """Check for the annotation file, and the mask where the set has masks; see ``LayoutReader``."""
        path = self._annotation_path(name)
        if not os.path.isfile(path):
            raise DatasetMissingError(
                f"the image {name!r} has no annotation {path}",
                "add the file (without <object> where there is no target) or take the image off the split",
            )
        super().require(name)

    def unused(self) -> list[EdgeIrdetError]:
        """Annotation files and masks that belong to no image; see ``LayoutReader``."""
        known = {self._annotation_path(name) for name in self._images}
        others = [path for path in self._annotations.rglob("*.xml") if path not in known]
        return [*labels_without_image(others, self._root / "JPEGImages"), *super().unused()]

    def _image_path(self, name: str) -> Path:
        return self._images[name]

    def _labels(
        self, name: str, width: int, height: int, problems: LabelProblems
    ) -> tuple[list[Box], list[int]]:
        path = self._annotation_path(name)
        document = parse_xml(path)
        self._check_size(document, path, width, height)
        boxes: list[Box] = []
        classes: list[int] = []
        for number, target in enumerate(document.findall("object"), start=1):
            with problems.noting():
                where = f"{path} object {number}"
                class_name = _class_name(target, where)
                if class_name not in self.classes:
                    raise LabelInvalidError(
                        f"{where} has the class {class_name!r}, not one of {', '.join(self.classes)}",
                        "correct the name, or add the class to classes.txt",
                    )
                boxes.append(checked_box(_corners(target, where), width, height, where))
                classes.append(self.classes.index(class_name))
        return boxes, classes

    def _annotation_path(self, name: str) -> Path:
        return self._annotations / f"{name}.xml"

    def _classes_in_use(self) -> tuple[str, ...]:
        paths = sorted(self._annotations.rglob("*.xml"))
        if not paths:
            raise DatasetMissingError(
                f"{self._annotations} holds no .xml file", f"check it: ls {self._annotations}"
            )
        names = {
            _class_name(target, f"{path} object {number}")
            for path in paths
            for number, target in enumerate(parse_xml(path).findall("object"), start=1)
        }
        if not names:
            raise LabelInvalidError(
                f"none of the {len(paths)} files in {self._annotations} has an <object>: no class is known",
                "complete the annotations, or name the classes in classes.txt",
            )
        return tuple(sorted(names))

    @staticmethod
    def _check_size(document: ElementTree.Element, path: Path, width: int, height: int) -> None:
        stated = document.findtext("size/width"), document.findtext("size/height")
        try:
            sides = tuple(float(side) for side in stated if side is not None)
        except ValueError as error:
            raise LabelInvalidError(
                f"{path} says {stated[0]}x{stated[1]}, which is not a size", f"correct {path}"
            ) from error
        if len(sides) < 2 or sides == (0.0, 0.0):  # some tools write 0x0 for "not known"
            return
        if sides != (width, height):
            raise LabelInvalidError(
                f"{path} says {stated[0]}x{stated[1]}, but the image is {width}x{height}",
                "use the images that were annotated; boxes are not rescaled",
            )


class _PlainTreeBuilder(ElementTree.TreeBuilder):
    """Refuses a document type: it is where entities are declared, whose expansion can fill the memory."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError(
            f"it declares a document type (<!DOCTYPE {name}>), which label files have no use for"
        )


def parse_xml(path: Path) -> ElementTree.Element:
    """Parse an annotation file.

    Raises:
        LabelInvalidError: it is not a regular file, not well-formed XML, or has a DOCTYPE.
        DatasetMissingError: it is not there.
    """
    content = read_label_file(path)
    parser = ElementTree.XMLParser(target=_PlainTreeBuilder())
    try:
        return ElementTree.fromstring(content, parser=parser)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise LabelInvalidError(
            f"{path} cannot be parsed: {error}", f"correct it, or write it again: {path}"
        ) from error


def _class_name(target: ElementTree.Element, where: str) -> str:
    name = (target.findtext("name") or "").strip()
    if not name:
        raise LabelInvalidError(f"{where} has no <name>", f"correct {where}")
    return name


def _corners(target: ElementTree.Element, where: str) -> tuple[float, float, float, float]:
    values = []
    for field in ("xmin", "ymin", "xmax", "ymax"):
        text = target.findtext(f"bndbox/{field}")
        try:
            values.append(float(text or ""))
        except ValueError as error:
            raise LabelInvalidError(
                f"{where}: <{field}> is {text!r}, not a number", f"correct {where}"
            ) from error
    left, top, right, bottom = values
    if min(left, top) < 1:
        raise LabelInvalidError(
            f"{where}: xmin {left:g}, ymin {top:g}; VOC counts pixels from 1",
            "if the file counts from 0, add 1 to all xmin and ymin (and to xmax and ymax if inclusive)",
        )
    return left - 1, top - 1, right, bottom
