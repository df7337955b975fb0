"""Folders and patterns of still images."""

from __future__ import annotations

import glob
import re
import time
from pathlib import Path
from typing import ClassVar

import cv2

from edge_irdet.errors import DatasetImageError, FrameUnreadableError, SourceMissingError
from edge_irdet.images import IMAGE_SUFFIXES, read_grey_image
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.sources.source import Source


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which ``frame10`` comes after ``frame9``."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts)


def _require_single_page(path: Path) -> None:
    pages = cv2.imcount(str(path)) if path.suffix.lower() in (".tif", ".tiff") else 1
    if pages > 1:
        raise DatasetImageError(f"{path} has {pages} pages, one frame a file is read", "split it: tiffsplit")


class ImageFolderSource(Source):
    """Images in natural order of their names, 8- or 16-bit as stored.

    An image that cannot be decoded, is empty or has an alpha channel is counted in :attr:`skips` with its
    name and passed over; the frame after it is marked. Images of another size are given, and marked.

    Args:
        uri: as the user wrote it.
        pattern: a folder, one image, or a pattern with ``*``, ``?`` or ``[...]``.
    """

    usage: ClassVar[str] = "FOLDER | 'PATTERN*.png'                      images, 8- or 16-bit, natural order"
    live: ClassVar[bool] = False

    def __init__(self, uri: str, pattern: str) -> None:
        super().__init__(uri)
        self.pattern = pattern
        self._paths: list[Path] = []
        self._next = 0
        self._shape: tuple[int, ...] | None = None
        self._missing_before = False

    @property
    def frame_count(self) -> int | None:
        """Number of images."""
        return len(self._paths) or None

    def open(self) -> None:
        """List the images.

        Raises:
            SourceMissingError: no such folder, or nothing matches.
        """
        folder = Path(self.pattern)
        if folder.is_dir():
            found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        elif folder.is_file():
            found = [folder]
        else:
            found = [Path(name) for name in glob.glob(self.pattern)]
            found = [path for path in found if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES]
        if not found:
            raise SourceMissingError(
                f"{self.pattern} names no image",
                f"images end in {', '.join(sorted(IMAGE_SUFFIXES))}; check: ls",
            )
        self._paths = sorted(found, key=lambda path: natural_key(path.name))
        self._next, self._shape, self._missing_before = 0, None, False

    def read(self) -> Frame | None:
        """The next readable image, or None at the end.

        Raises:
            FrameUnreadableError: the end came and not one image could be read.
        """
        while self._next < len(self._paths):
            sequence, path = self._next, self._paths[self._next]
            self._next += 1
            try:
                image = read_grey_image(path)
                _require_single_page(path)
            except DatasetImageError as error:
                self.skips.add(f"{path.name}: {error.what}")
                self._missing_before = True
                continue
            changed = self._shape is not None and image.shape != self._shape
            frame = Frame(
                image=image,
                sequence=sequence,
                capture_ns=time.monotonic_ns(),
                source=self.uri,
                pixel_format=pixel_format_of(image),
                discontinuity=changed or self._missing_before,
            )
            self._shape, self._missing_before = image.shape, False
            return frame
        if self._shape is None and self._paths:
            raise FrameUnreadableError(
                f"not one of the {len(self._paths)} images of {self.pattern} could be read; "
                f"the first: {self.skips.reasons[0]}",
                f"look at it: file {self._paths[0]}",
            )
        return None

    def close(self) -> None:
        """Forget the list."""
        self._paths = []
