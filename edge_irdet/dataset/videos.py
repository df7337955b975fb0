"""Labelled thermal videos as images: every n-th frame, loose boxes tightened to the targets."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.boxed import read_text
from edge_irdet.dataset.boxes import box_array, mask_of_boxes
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.dataset.tightening import tight_extent
from edge_irdet.errors import DatasetImageError, DatasetMissingError, LabelInvalidError, SplitEmptyError

FRAME_STRIDE = 15
"""Frames between two that are read; at 30 frames a second neighbours are nearly equal."""

TABLE = "videos.csv"
LABEL_COLUMNS = ("frame_idx0", "class", "x", "y", "w", "h")
LEAST_VISIBLE = 2.0
"""Pixels of each side of a loose box that must lie in the image; less of a target at the rim is no label."""

_FRAME_NAME = re.compile(r"(?P<video>.+)#(?P<frame>\d+)")


@dataclass(frozen=True, slots=True)
class VideoLabel:
    """One labelled target in one frame."""

    frame: int
    """Frame number from 0."""

    target_class: str
    """Class as the label file spells it."""

    box: tuple[float, float, float, float]
    """Left, top, right, bottom in continuous pixels; loose, and it may overreach the image."""

    @property
    def centre(self) -> tuple[float, float]:
        """x, y of the box's centre in continuous pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def read_video_table(root: Path) -> dict[str, tuple[str, int]]:
    """Split and number of frames of each video in ``videos.csv``.

    Raises:
        DatasetMissingError: there is no table.
        LabelInvalidError: it is malformed.
    """
    path = root / TABLE
    videos: dict[str, tuple[str, int]] = {}
    try:
        for row in csv.DictReader(read_text(path).splitlines()):
            videos[row["name"]] = row["split"], int(row["frames"])
    except (KeyError, TypeError, ValueError) as error:
        raise LabelInvalidError(
            f"{path} has no usable column {error}", "write the columns name, frames and split"
        ) from error
    return videos


def read_video_labels(path: Path) -> list[VideoLabel]:
    """Labels of one video, in the order of the file.

    Raises:
        DatasetMissingError: the file is not there.
        LabelInvalidError: a row is malformed.
    """
    labels = []
    for number, row in enumerate(csv.DictReader(read_text(path).splitlines()), start=2):
        try:
            x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
            frame = int(row["frame_idx0"])
        except (KeyError, TypeError, ValueError) as error:
            raise LabelInvalidError(
                f"{path}:{number}: {error}", f"write the columns {','.join(LABEL_COLUMNS)}"
            ) from error
        if frame < 0 or not np.isfinite((x, y, w, h)).all() or w <= 0 or h <= 0:
            raise LabelInvalidError(
                f"{path}:{number}: the box {x:g}, {y:g}, {w:g}, {h:g} of frame {frame} is none",
                f"correct or remove {path}:{number}",
            )
        labels.append(VideoLabel(frame, row["class"], (x, y, x + w, y + h)))
    return labels


class VideoLayoutReader:
    """Reads ``mp4/NAME.mp4`` with ``gt/NAME.csv`` (frame_idx0, class, x, y, w, h) and ``videos.csv``.

    An image is a frame and is called ``NAME#FRAME``. The label boxes are loose; each is replaced by the
    extent of the target in it (:func:`~edge_irdet.dataset.tightening.tight_extent`). All classes count as the
    one class ``target``, as in the small-target sets. A frame without labels is an image without targets.

    A video is decoded from its start when the first of its frames is asked for, and the frames of the last
    video are kept, so frames are best read in their order.

    Args:
        root: folder of the data set.
        stride: frames between two images.

    Raises:
        DatasetMissingError: there is no ``videos.csv``.
        LabelInvalidError: it is malformed.
    """

    classes: tuple[str, ...] = ("target",)

    def __init__(self, root: Path, stride: int = FRAME_STRIDE) -> None:
        self._root = root
        self._stride = stride
        self._videos = read_video_table(root)
        self._names = tuple(
            f"{video}#{frame}"
            for video, (_, frames) in self._videos.items()
            for frame in range(0, frames, stride)
        )
        self._open_video = ""
        self._frames: dict[int, NDArray[np.uint8]] = {}
        self._labels: dict[int, list[VideoLabel]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return self._names

    def names_of_split(self, split: str) -> tuple[str, ...]:
        """Images of the videos whose ``split`` column is ``split``; empty where no video's is."""
        chosen = frozenset(video for video, (own, _) in self._videos.items() if own == split)
        return tuple(name for name in self._names if video_of(name) in chosen)

    def names_of_videos(self, path: Path) -> tuple[str, ...]:
        """Images of the videos listed in a file, one on each line, in the table's order.

        Raises:
            DatasetMissingError: the file cannot be read.
            SplitEmptyError: it names no video.
            DatasetImageError: it names one that the table does not have.
        """
        lines = (line.strip() for line in read_text(path).splitlines())
        listed = frozenset(line for line in lines if line and not line.startswith("#"))
        if not listed:
            raise SplitEmptyError(f"{path} names no video", "add names of videos, one on each line")
        absent = sorted(listed - self._videos.keys())
        if absent:
            raise DatasetImageError(
                f"{path} names {len(absent)} videos that {self._root / TABLE} has not: {absent[0]!r}",
                f"correct {path}, or complete the data set",
            )
        return tuple(name for name in self._names if video_of(name) in listed)

    def require(self, name: str) -> None:
        """Check that the video and its labels are there; see ``LayoutReader``."""
        video = video_of(name)
        for path in (self._video_path(video), self._label_path(video)):
            if not path.is_file():
                raise DatasetMissingError(f"{path} is not there", f"complete the data set {self._root}")

    def read(self, name: str) -> Sample:
        """Decode one frame and tighten its boxes; see ``LayoutReader``."""
        video, frame = video_of(name), int(name.rpartition("#")[2])
        if video != self._open_video:
            self._decode(video)
        if frame not in self._frames:
            raise DatasetImageError(
                f"{self._video_path(video)} ends before frame {frame}, which {TABLE} says it has",
                "copy the video again, or correct the table",
            )
        image = self._frames[frame]
        height, width = image.shape
        boxes = []
        mask = np.zeros(image.shape, np.uint8)
        for label in self._labels.get(frame, []):
            left, top = max(0.0, label.box[0]), max(0.0, label.box[1])
            right, bottom = min(float(width), label.box[2]), min(float(height), label.box[3])
            if right - left < LEAST_VISIBLE or bottom - top < LEAST_VISIBLE:
                continue
            extent = tight_extent(image, (left, top, right, bottom))
            boxes.append(extent.box)
            if extent.pixels is None:
                mask |= mask_of_boxes(box_array([extent.box]), width, height)
            else:
                rows, columns = extent.pixels.shape
                x, y = int(left), int(top)
                mask[y : y + rows, x : x + columns] |= extent.pixels.astype(np.uint8)
        # As measured masks, not drawn ones: no figure of saliency is computed from them.
        return Sample(name, image, box_array(boxes), np.zeros(len(boxes), np.int64), mask, MaskSource.BOXES)

    def _decode(self, video: str) -> None:
        path = self._video_path(video)
        capture = cv2.VideoCapture(str(path))
        try:
            if not capture.isOpened():
                raise DatasetImageError(
                    f"{path} is no video that OpenCV can decode", f"look at it: file {path}"
                )
            frames: dict[int, NDArray[np.uint8]] = {}
            number = 0
            while capture.grab():
                if number % self._stride == 0:
                    decoded, picture = capture.retrieve()
                    if not decoded:
                        break
                    frames[number] = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
                number += 1
        finally:
            capture.release()
        labels: dict[int, list[VideoLabel]] = {}
        for label in read_video_labels(self._label_path(video)):
            labels.setdefault(label.frame, []).append(label)
        self._open_video, self._frames, self._labels = video, frames, labels

    def _video_path(self, video: str) -> Path:
        return self._root / "mp4" / f"{video}.mp4"

    def _label_path(self, video: str) -> Path:
        return self._root / "gt" / f"{video}.csv"


def video_of(name: str) -> str:
    """The video that an image of :class:`VideoLayoutReader` is a frame of.

    Raises:
        DatasetImageError: the name is not of the form ``VIDEO#FRAME``.
    """
    match = _FRAME_NAME.fullmatch(name)
    if match is None:
        raise DatasetImageError(f"{name!r} is not the name of a frame", "write VIDEO#FRAME, such as A_001#30")
    return match["video"]
