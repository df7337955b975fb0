"""Labelled thermal videos on disk: the table of splits, the labels and the frames of one video."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.label_files import read_label_text
from edge_irdet.dataset.splits import find_split
from edge_irdet.errors import DatasetImageError, LabelInvalidError, SplitEmptyError

TABLE = "videos.csv"

MOST_FRAMES = 20_000_000
"""Most frames of a set's videos in all: a week at 30 frames per second."""

LABEL_COLUMNS = ("frame_idx0", "class", "x", "y", "w", "h")


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
        for row in csv.DictReader(read_label_text(path).splitlines()):
            name, split, frames = row["name"], row["split"], int(row["frames"])
            _require_video(path, name, split, frames)
            videos[name] = split, frames
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise LabelInvalidError(
            f"{path} has no usable column {error}", "write the columns name, frames and split"
        ) from error
    frames = sum(count for _, count in videos.values())
    if frames > MOST_FRAMES:
        raise LabelInvalidError(
            f"{path} states {frames} frames in all; up to {MOST_FRAMES} are read", f"correct {path}"
        )
    return videos


def _require_video(table: Path, name: str | None, split: str | None, frames: int) -> None:
    if not name or Path(name).name != name or split is None:
        raise LabelInvalidError(
            f"{table} has the video {name!r} of the split {split!r}; a name is that of a file in mp4/, "
            "without folders and suffix",
            f"correct {table}",
        )
    if not 0 <= frames <= MOST_FRAMES:
        raise LabelInvalidError(
            f"{table} states {frames} frames for {name!r}; 0 to {MOST_FRAMES} are read", f"correct {table}"
        )


def read_video_labels(path: Path) -> list[VideoLabel]:
    """Labels of one video, in the order of the file.

    Raises:
        DatasetMissingError: the file is not there.
        LabelInvalidError: a row is malformed.
    """
    labels = []
    rows = csv.DictReader(read_label_text(path).splitlines())
    number = 1
    try:
        for number, row in enumerate(rows, start=2):
            labels.append(_video_label(row, f"{path}:{number}"))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise LabelInvalidError(
            f"{path}:{number}: {error}", f"write the columns {','.join(LABEL_COLUMNS)}"
        ) from error
    return labels


def _video_label(row: dict[str, str], where: str) -> VideoLabel:
    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    frame, target_class = int(row["frame_idx0"]), row["class"]
    if frame < 0 or not np.isfinite((x, y, w, h)).all() or w <= 0 or h <= 0 or target_class is None:
        raise LabelInvalidError(
            f"{where}: the box {x:g}, {y:g}, {w:g}, {h:g} of frame {frame} is none",
            f"correct or remove {where}",
        )
    return VideoLabel(frame, target_class, (x, y, x + w, y + h))


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One frame of a labelled video."""

    number: int
    """From 0."""

    image: NDArray[np.uint8]
    """[H, W] grey levels."""

    labels: tuple[VideoLabel, ...]
    """In the order of the file; empty in a frame without targets."""


def video_path(root: Path, video: str) -> Path:
    """Where a video of the set lies."""
    return root / "mp4" / f"{video}.mp4"


def label_path(root: Path, video: str) -> Path:
    """Where the labels of a video lie."""
    return root / "gt" / f"{video}.csv"


def labels_by_frame(path: Path) -> dict[int, list[VideoLabel]]:
    """Labels of one video by frame number, as :func:`read_video_labels`; frames without any are left out."""
    labels: dict[int, list[VideoLabel]] = {}
    for label in read_video_labels(path):
        labels.setdefault(label.frame, []).append(label)
    return labels


def read_frames(root: Path, video: str, stride: int = 1) -> Iterator[VideoFrame]:
    """Every ``stride``-th frame of a video, decoded as they are asked for.

    Raises:
        DatasetImageError: OpenCV cannot decode it.
        DatasetMissingError, LabelInvalidError: see :func:`read_video_labels`.
    """
    labels = labels_by_frame(label_path(root, video))
    path = video_path(root, video)
    # A pipe or a device would be waited for.
    capture = cv2.VideoCapture(str(path)) if os.path.isfile(path) else None
    try:
        if capture is None or not capture.isOpened():
            raise DatasetImageError(f"{path} is no video that OpenCV can decode", f"look at it: file {path}")
        number = 0
        while capture.grab():
            if number % stride == 0:
                decoded, picture = capture.retrieve()
                if not decoded:
                    break
                if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
                    raise DatasetImageError(
                        f"{path} has pictures of {picture.dtype} {list(picture.shape)}, not of 8-bit colour",
                        f"look at it: file {path}",
                    )
                image = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
                yield VideoFrame(number, image, tuple(labels.get(number, ())))
            number += 1
    finally:
        if capture is not None:
            capture.release()


def videos_of_split(root: Path, split: Path | str | None) -> tuple[str, tuple[str, ...]]:
    """The videos of a split, in the table's order.

    Args:
        root: folder of the data set.
        split: a value of the column ``split`` of the table, or else a list of videos, one on each line;
            ``None`` takes all.

    Returns:
        what reports call the split, folder and split; the names of its videos.

    Raises:
        DatasetMissingError: there is no table, or neither such a value nor such a list.
        LabelInvalidError: the table is malformed.
        SplitEmptyError: the list names no video.
        DatasetImageError: it names one that the table does not have.
    """
    table = read_video_table(root)
    name = root.resolve().name
    if split is None:
        return name, tuple(table)
    chosen = tuple(video for video, (own, _) in table.items() if own == str(split))
    if chosen:
        return f"{name}/{split}", chosen
    path = find_split(root, split)
    lines = (line.strip() for line in read_label_text(path).splitlines())
    listed = frozenset(line for line in lines if line and not line.startswith("#"))
    if not listed:
        raise SplitEmptyError(f"{path} names no video", "add names of videos, one on each line")
    absent = sorted(listed - table.keys())
    if absent:
        raise DatasetImageError(
            f"{path} names {len(absent)} videos that {root / TABLE} has not: {absent[0]!r}",
            f"correct {path}, or complete the data set",
        )
    return f"{name}/{path.stem}", tuple(video for video in table if video in listed)
