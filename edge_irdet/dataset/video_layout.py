"""Labelled thermal videos as images: every n-th frame, loose boxes tightened to the targets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_irdet.dataset.boxes import box_array, mask_of_boxes
from edge_irdet.dataset.labelled_dataset import labels_without_image, problems_of_reading
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.dataset.tightening import tight_extent
from edge_irdet.dataset.video_labels import (
    TABLE,
    VideoFrame,
    label_path,
    read_frames,
    read_video_table,
    video_path,
)
from edge_irdet.errors import DatasetImageError, DatasetMissingError, EdgeIrdetError

FRAME_STRIDE = 15
"""Frames between two that are read; at 30 frames a second neighbours are nearly equal."""

LEAST_VISIBLE = 2.0
"""Pixels of each side of a loose box that must lie in the image; less of a target at the rim is no label."""

_FRAME_NAME = re.compile(r"(?P<video>.+)#(?P<frame>\d+)")


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
        self._frames: dict[int, VideoFrame] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all images."""
        return self._names

    def names_of_videos(self, videos: Sequence[str]) -> tuple[str, ...]:
        """Images of these videos, in the table's order."""
        chosen = frozenset(videos)
        return tuple(name for name in self._names if video_of(name) in chosen)

    def require(self, name: str) -> None:
        """Check that the video and its labels are there; see ``LayoutReader``."""
        video = video_of(name)
        for path in (video_path(self._root, video), label_path(self._root, video)):
            if not os.path.isfile(path):
                raise DatasetMissingError(f"{path} is not there", f"complete the data set {self._root}")

    def problems(self, name: str) -> list[EdgeIrdetError]:
        """What is wrong with one image and its labels; see ``LayoutReader``."""
        return problems_of_reading(self, name)

    def unused(self) -> list[EdgeIrdetError]:
        """Label files of videos that the table does not name; see ``LayoutReader``."""
        known = {label_path(self._root, video) for video in self._videos}
        others = [path for path in (self._root / "gt").glob("*.csv") if path not in known]
        return labels_without_image(others, self._root / TABLE)

    def read(self, name: str) -> Sample:
        """Decode one frame and tighten its boxes; see ``LayoutReader``."""
        video, frame = video_of(name), int(name.rpartition("#")[2])
        if video != self._open_video:
            self._decode(video)
        if frame not in self._frames:
            raise DatasetImageError(
                f"{video_path(self._root, video)} ends before frame {frame}, which {TABLE} says it has",
                "copy the video again, or correct the table",
            )
        image = self._frames[frame].image
        height, width = image.shape
        boxes = []
        mask = np.zeros(image.shape, np.uint8)
        for label in self._frames[frame].labels:
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
        self._frames = {frame.number: frame for frame in read_frames(self._root, video, self._stride)}
        self._open_video = video


def video_of(name: str) -> str:
    """The video that an image of :class:`VideoLayoutReader` is a frame of.

    Raises:
        DatasetImageError: the name is not of the form ``VIDEO#FRAME``.
    """
    match = _FRAME_NAME.fullmatch(name)
    if match is None:
        raise DatasetImageError(f"{name!r} is not the name of a frame", "write VIDEO#FRAME, such as A_001#30")
    return match["video"]
