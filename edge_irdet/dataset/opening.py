"""Opening a labelled data set of any known layout."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

from edge_irdet.dataset.coco import CocoLayoutReader, annotation_file_of_part, annotation_files
from edge_irdet.dataset.labelled_dataset import LabelledDataset, LayoutReader
from edge_irdet.dataset.nuaa import MaskLayoutReader, mask_folders
from edge_irdet.dataset.splits import find_split, names_of_part, read_split
from edge_irdet.dataset.video_labels import TABLE, videos_of_split
from edge_irdet.dataset.video_layout import VideoLayoutReader
from edge_irdet.dataset.voc import VocLayoutReader
from edge_irdet.dataset.yolo import YoloLayoutReader, has_yolo_folders
from edge_irdet.errors import DatasetMissingError, OptionError


class DatasetLayout(str, Enum):
    """How a data set's files are laid out."""

    AUTO = "auto"
    """Found out from the folders that are there."""

    NUAA = "nuaa"
    """``images/`` and ``masks/``, or names that published sets use; boxes are the masks' components."""

    YOLO = "yolo"
    """``images/`` and ``labels/``, also in a folder for each part, with ``classes.txt`` or ``data.yaml``."""

    COCO = "coco"
    """One JSON file, in ``annotations/``, in the root, or in a folder for each part."""

    VOC = "voc"
    """``JPEGImages/``, ``Annotations/`` and ``ImageSets/Main/``."""

    VIDEOS = "videos"
    """``mp4/``, ``gt/`` and ``videos.csv``: every fifteenth frame of labelled videos."""


def detect_layout(root: Path) -> DatasetLayout:
    """The one layout whose folders are all there.

    Raises:
        DatasetMissingError: ``root`` is no folder, or fits no layout.
        OptionError: it fits more than one.
    """
    if not os.path.isdir(root):
        raise DatasetMissingError(
            f"the data set's folder {root} is not there", f"check the path: ls {root.parent}"
        )
    fits = {
        DatasetLayout.NUAA: mask_folders(root) is not None,
        DatasetLayout.YOLO: has_yolo_folders(root),
        DatasetLayout.COCO: any((root / "annotations").glob("*.json")),
        DatasetLayout.VOC: os.path.isdir(root / "JPEGImages") and os.path.isdir(root / "Annotations"),
        DatasetLayout.VIDEOS: os.path.isfile(root / TABLE) and os.path.isdir(root / "mp4"),
    }
    found = [layout for layout, fit in fits.items() if fit]
    if not found and annotation_files(root):  # a JSON file in the root alone may be anything: the last guess
        return DatasetLayout.COCO
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(layout.value for layout in found)
        raise OptionError(
            f"{root} fits several layouts: {names}", f"name the one to read: layout {found[0].value}"
        )
    raise DatasetMissingError(
        f"{root} fits no layout: no images/ with masks/ (nuaa) or labels/ (yolo), "
        "no annotations/*.json (coco), no JPEGImages/ with Annotations/ (voc), "
        "no videos.csv with mp4/ (videos)",
        f"check that this is the folder that holds them: ls {root}",
    )


def read_dataset(
    root: Path, split: Path | str | None = None, layout: DatasetLayout | str = DatasetLayout.AUTO
) -> LabelledDataset:
    """Open a labelled data set; images are decoded only when asked for.

    Args:
        root: folder of the data set.
        split: list of image names, one on each line; ``None`` takes all images. A relative path is tried as
            given, under ``root``, ``root/splits``, ``root/ImageSets/Main`` and ``root/img_idx``; ``.txt``
            may be omitted. For COCO a ``.json`` file is the annotation file itself (also tried in
            ``annotations/``). The name of a part that has a folder of its own (``train``) takes its images.
            For videos it is a value of the column ``split`` of ``videos.csv``, or a list of videos.
        layout: how the files are laid out; ``auto`` looks.

    Returns:
        the images of the split in the order of its list, or all in the order of their names.

    Raises:
        DatasetMissingError: the folder, the list, a label file or a mask is not there, or no layout fits.
        OptionError: the layout is unknown, or several fit.
        SplitEmptyError: the split names no image.
        DatasetImageError: the split names an image that is not there.
        LabelInvalidError: the list names an image twice; a COCO or VOC file is malformed.
    """
    root = Path(root)
    try:
        layout = DatasetLayout(layout)
    except ValueError as error:
        known = ", ".join(member.value for member in DatasetLayout)
        raise OptionError(f"the data set layout {layout!r} is unknown", f"choose one of {known}") from error
    if layout is DatasetLayout.AUTO:
        layout = detect_layout(root)
    elif not os.path.isdir(root):
        raise DatasetMissingError(
            f"the data set's folder {root} is not there", f"check the path: ls {root.parent}"
        )
    name = root.resolve().name
    if layout is DatasetLayout.COCO and split is not None and Path(split).suffix == ".json":
        annotations = find_split(root, split, folders=("annotations",))
        return LabelledDataset(CocoLayoutReader(root, annotations), f"{name}/{annotations.stem}")
    if layout is DatasetLayout.COCO and split is not None:
        part = annotation_file_of_part(root, str(split))
        if part is not None:
            return LabelledDataset(CocoLayoutReader(root, part), f"{name}/{split}")
    if layout is DatasetLayout.VIDEOS:
        return _videos(VideoLayoutReader(root), root, split)
    reader = _open(root, layout)
    if split is None:
        return LabelledDataset(reader, name)
    try:
        path = find_split(root, split, folders=("splits", "ImageSets/Main", "img_idx"))
    except DatasetMissingError:
        if names := names_of_part(reader.names, str(split)):
            return LabelledDataset(reader, f"{name}/{split}", names)
        raise
    return LabelledDataset(reader, f"{name}/{path.stem}", read_split(path, reader.names))


def _open(root: Path, layout: DatasetLayout) -> LayoutReader:
    if layout is DatasetLayout.NUAA:
        return MaskLayoutReader(root)
    if layout is DatasetLayout.YOLO:
        return YoloLayoutReader(root)
    if layout is DatasetLayout.COCO:
        return CocoLayoutReader(root)
    return VocLayoutReader(root)


def _videos(reader: VideoLayoutReader, root: Path, split: Path | str | None) -> LabelledDataset:
    name, videos = videos_of_split(root, split)
    return LabelledDataset(reader, name, reader.names_of_videos(videos))
