"""A sheet of a few frames with their detections enlarged: a stream at a glance."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.files import write_bytes_atomically
from edge_irdet.record import DetectionRecord, Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.overlay import TEXT, display_grey, draw_detection, label
from edge_irdet.stream.sinks.output_file import discard, open_new, require_possible
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

TILES = 12
COLUMNS = 3
TILE_WIDTH, TILE_HEIGHT = 480, 384
INSET = 96
"""Side of the enlarged views on a tile."""

INSET_ZOOM = 6
INSETS = 4
"""Detections enlarged on a tile, the best."""

BACKGROUND = 24


@dataclass(frozen=True)
class _Kept:
    image: NDArray[np.uint8]
    record: Record


class ContactSheetSink(Sink):
    """Frames evenly spread over the stream, whatever its length, each with its best detections enlarged.

    Args:
        path: the PNG file, written when the stream ends.
        overwrite: whether the file is replaced if it is there; else a new name is taken.
    """

    usage: ClassVar[str] = "PATH.png   contact sheet of frames over the stream"
    shared: ClassVar[bool] = False

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        super().__init__(str(path))
        self.path = path
        self._overwrite = overwrite
        self._kept: list[_Kept] = []
        self._every = 1
        self._seen = 0

    def open(self, info: StreamInfo) -> None:
        """Check that the file can be made.

        Raises:
            OutputTakenError: it is a link.
            OutputFailedError: its folder is not there, or cannot be written to.
        """
        require_possible(self.path)
        if info.frame_count:
            self._every = max(1, info.frame_count // TILES)

    def write(self, frame: Frame, record: Record) -> None:
        """Keep a copy of every n-th frame; n doubles whenever twice as many as fit are kept."""
        if self._seen % self._every == 0:
            self._kept.append(_Kept(display_grey(frame.image).copy(), record))
            if len(self._kept) == 2 * TILES:
                self._kept = self._kept[::2]
                self._every *= 2
        self._seen += 1

    def close(self) -> None:
        """Write the sheet, where there was any frame.

        Raises:
            OutputFailedError: it could not be written.
        """
        if not self._kept:
            return
        places = np.linspace(0, len(self._kept) - 1, min(TILES, len(self._kept)))
        tiles = [_tile(self._kept[round(place)]) for place in places]
        self._kept = []
        while len(tiles) % COLUMNS:
            tiles.append(np.full_like(tiles[0], BACKGROUND))
        rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
        encoded, content = cv2.imencode(".png", np.vstack(rows))
        assert encoded, "PNG takes any 8-bit picture"
        if self._overwrite:
            write_bytes_atomically(self.path, content.tobytes())
            return
        file = open_new(self.path)
        self.file = str(file.path)
        try:
            write_bytes_atomically(file.path, content.tobytes())
        except BaseException:
            discard(file)
            raise
        os.close(file.descriptor)


def _tile(kept: _Kept) -> NDArray[np.uint8]:
    height, width = kept.image.shape
    tile = np.full((TILE_HEIGHT, TILE_WIDTH, 3), BACKGROUND, np.uint8)
    room = TILE_HEIGHT - INSET - 4
    scale = min((TILE_WIDTH - 4) / width, room / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown = cv2.resize(kept.image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    picture = np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR), np.uint8)
    for found in kept.record.detections:
        _draw_scaled(picture, found, scale)
    left = (TILE_WIDTH - size[0]) // 2
    tile[2 : 2 + size[1], left : left + size[0]] = picture
    label(tile, f"#{kept.record.sequence}  {len(kept.record.detections)} found", (left + 5, 17), TEXT)
    for index, found in enumerate(kept.record.detections[:INSETS]):
        corner = 2 + index * (INSET + 6)
        tile[-INSET - 1 : -1, corner : corner + INSET] = _inset(kept.image, found)
    return tile


def _draw_scaled(picture: NDArray[np.uint8], found: DetectionRecord, scale: float) -> None:
    resized = DetectionRecord(
        (found.box[0] * scale, found.box[1] * scale, found.box[2] * scale, found.box[3] * scale),
        found.score,
        found.class_id,
        found.class_name,
        found.centroid,
        found.track_id,
    )
    draw_detection(picture, resized, 1)


def _inset(image: NDArray[np.uint8], found: DetectionRecord) -> NDArray[np.uint8]:
    side = INSET // INSET_ZOOM
    left, top = round(found.centroid[0] - side / 2), round(found.centroid[1] - side / 2)
    padded = np.pad(image, side, constant_values=BACKGROUND)
    cut = padded[top + side : top + 2 * side, left + side : left + 2 * side]
    zoomed = cv2.resize(cut, (INSET, INSET), interpolation=cv2.INTER_NEAREST)
    view = np.asarray(cv2.cvtColor(zoomed, cv2.COLOR_GRAY2BGR), np.uint8)
    cv2.rectangle(view, (0, 0), (INSET - 1, INSET - 1), (90, 90, 90), 1)
    label(view, f"{found.score:.2f}", (3, INSET - 4), TEXT)
    return view
