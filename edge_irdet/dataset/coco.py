"""The COCO layout: one JSON file with images, annotations and categories."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

import msgspec

from edge_irdet.dataset.box_layouts import Box, BoxLayoutReader
from edge_irdet.dataset.boxes import checked_box
from edge_irdet.dataset.label_files import read_label_file
from edge_irdet.dataset.label_problems import LabelProblems
from edge_irdet.errors import DatasetImageError, DatasetMissingError, LabelInvalidError
from edge_irdet.images import IMAGE_SUFFIXES
from edge_irdet.intake import MEBIBYTE, ContentRefusedError, decode_json

MAX_COCO_BYTES = 512 * MEBIBYTE
"""Largest annotation file that is read."""

Number = int | float
"""Tools write whole numbers as 1 and as 1.0."""


class _Image(msgspec.Struct):
    id: Number | str
    file_name: str
    width: Number | None = None
    height: Number | None = None


class _Annotation(msgspec.Struct):
    image_id: Number | str
    category_id: Number
    bbox: tuple[float, float, float, float]
    iscrowd: Number | bool = 0


class _Category(msgspec.Struct):
    id: Number
    name: str


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def annotation_files(root: Path) -> tuple[Path, ...]:
    """The JSON files that may hold a COCO set's annotations.

    In ``annotations/``, else in the root itself, else one in each folder beside the images (Roboflow).
    """
    patterns = ("annotations/*.json", "*.json", "*/_annotations.coco.json")
    return next((tuple(sorted(files)) for pattern in patterns if (files := list(root.glob(pattern)))), ())


def annotation_file_of_part(root: Path, part: str) -> Path | None:
    """The annotation file of a part such as ``train``: named after it, or in a folder of that name."""
    names = {part, f"instances_{part}"}
    found = [path for path in annotation_files(root) if path.stem in names or path.parent.name == part]
    return found[0] if len(found) == 1 else None


class CocoLayoutReader(BoxLayoutReader):
    """Reads the boxes of a COCO annotation file; segmentations are not needed and not read.

    ``bbox`` is left, top, width, height in continuous pixels. Classes are the categories in the order of
    their ids. An image's ``file_name`` is looked for in the root, beside the JSON file, in ``images/``, and
    in a folder named as the JSON file without ``instances_`` (there also below ``images/``).

    Args:
        root: folder of the data set.
        annotations: the JSON file; ``None`` where the set has exactly one.

    Raises:
        DatasetMissingError: no annotation file, several and none was chosen, or it cannot be read.
        LabelInvalidError: the file is not COCO JSON, or its ids contradict one another.
    """

    def __init__(self, root: Path, annotations: Path | None = None) -> None:
        super().__init__(root)
        self._root = root
        self._file = annotations if annotations is not None else _only_annotation_file(root)
        content = _decoded(self._file)
        categories = sorted(content.categories, key=lambda category: category.id)
        self.classes = tuple(category.name for category in categories)
        index_of: dict[Number, int] = {category.id: index for index, category in enumerate(categories)}
        if not categories or len(index_of) != len(categories) or len(set(self.classes)) != len(categories):
            raise self._invalid("$.categories", "is empty or holds an id or a name twice")
        self._images: dict[str, _Image] = {}
        name_of: dict[Number | str, str] = {}
        for position, image in enumerate(content.images):
            name = self._name_of(image, f"$.images[{position}]")
            if name in self._images or image.id in name_of:
                raise self._invalid(f"$.images[{position}]", f"repeats the id or name of {image.file_name!r}")
            self._images[name] = image
            name_of[image.id] = name
        self._targets: dict[str, list[tuple[int, int, tuple[float, float, float, float]]]] = {}
        problems = LabelProblems()
        for position, annotation in enumerate(content.annotations):
            with problems.noting():
                where = f"$.annotations[{position}]"
                if annotation.image_id not in name_of:
                    raise self._invalid(
                        where, f"points to the image id {annotation.image_id!r}, which is not listed"
                    )
                if annotation.category_id not in index_of:
                    raise self._invalid(where, f"has category {annotation.category_id}, which is not listed")
                if annotation.iscrowd:
                    raise self._invalid(
                        where, "is a crowd region (iscrowd 1), which is no single target; remove it"
                    )
                self._targets.setdefault(name_of[annotation.image_id], []).append(
                    (position, index_of[annotation.category_id], annotation.bbox)
                )
        problems.require_none()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images: ``file_name`` without suffix."""
        return tuple(self._images)

    def require(self, name: str) -> None:
        """Check that the image is there, and its mask where the set has masks; see ``LayoutReader``."""
        self._path_of(self._images[name])
        super().require(name)

    def _image_path(self, name: str) -> Path:
        return self._path_of(self._images[name])

    def _labels(
        self, name: str, width: int, height: int, problems: LabelProblems
    ) -> tuple[list[Box], list[int]]:
        entry = self._images[name]
        if (entry.width or width, entry.height or height) != (width, height):
            raise LabelInvalidError(
                f"{self._file} says {entry.width}x{entry.height} for {entry.file_name!r}, but "
                f"{self._path_of(entry)} is {width}x{height}",
                "use the images that were annotated; boxes are not rescaled",
            )
        boxes: list[Box] = []
        classes: list[int] = []
        for position, index, (left, top, box_width, box_height) in self._targets.get(name, []):
            with problems.noting():
                corners = (left, top, left + box_width, top + box_height)
                where = f"{self._file} $.annotations[{position}]"
                boxes.append(checked_box(corners, width, height, where))
                classes.append(index)
        return boxes, classes

    def _invalid(self, where: str, problem: str) -> LabelInvalidError:
        return LabelInvalidError(f"{self._file} {where} {problem}", f"correct {self._file}")

    def _name_of(self, image: _Image, where: str) -> str:
        path = _inside(image.file_name)
        if ".." in path.parts or not path.name:
            raise self._invalid(where, f"has a file_name outside the data set: {image.file_name!r}")
        return (path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path).as_posix()

    def _path_of(self, image: _Image) -> Path:
        file_name = _inside(image.file_name)
        split = self._file.stem.removeprefix("instances_")
        folders = ["", "images", split, f"images/{split}"]
        candidates = [self._root / folder / file_name for folder in folders]
        candidates.append(self._file.parent / file_name)
        for candidate in candidates:
            if os.path.isfile(candidate):
                return candidate
        tried = ", ".join(str(candidate) for candidate in candidates)
        raise DatasetImageError(
            f"the image {image.file_name!r} of {self._file} is not there (tried {tried})",
            "put the images into images/ in the data set's folder",
        )


def _inside(file_name: str) -> PurePosixPath:
    """A file name relative to the set: of one that names another machine's folders, what follows ``images``.

    Nothing is ever read at the absolute path itself.
    """
    path = PurePosixPath(file_name.replace("\\", "/"))
    if not path.is_absolute() and not re.match(r"[A-Za-z]:/", path.as_posix()):
        return path
    folders = path.parts[:-1]
    if "images" in folders:
        last = len(folders) - 1 - folders[::-1].index("images")
        return PurePosixPath(*path.parts[last + 1 :])
    return PurePosixPath(path.name)


def _only_annotation_file(root: Path) -> Path:
    files = annotation_files(root)
    if len(files) == 1:
        return files[0]
    if not files:
        raise DatasetMissingError(
            f"{root} has no annotation file: no .json in annotations/ or in the folder itself",
            f"look for it: find {root} -name '*.json'",
        )
    names = ", ".join(str(path.relative_to(root)) for path in files)
    raise DatasetMissingError(
        f"{root} has several annotation files ({names}) and none was chosen",
        f"choose one as the split, for example {files[0].relative_to(root)}",
    )


def _decoded(path: Path) -> _File:
    content = read_label_file(path, MAX_COCO_BYTES)
    try:
        return decode_json(content, _File)
    except ContentRefusedError as error:
        raise LabelInvalidError(f"{path} is not COCO JSON: {error.reason}", f"correct {path}") from error
