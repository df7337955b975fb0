"""Video files, through OpenCV's FFmpeg."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

import cv2

from edge_irdet.errors import FrameFormatError, SourceMissingError, SourceTruncatedError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.opencv_capture import cut_depth, grey_of_decoded, is_grey16
from edge_irdet.stream.sources.source import Source

EXACT_COUNT_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".avi"})
"""Containers that store their number of frames; others give it from duration and rate, a frame or two off."""

INEXACT_SHARE = 0.01
"""Share of the frames by which an estimated count may be off, and at least two."""


class VideoFileSource(Source):
    """Frames of a video file: the luma of an ordinary video, all 16 bits of a 16-bit grey one.

    Args:
        uri: as the user wrote it.
        path: the file.
    """

    usage: ClassVar[str] = "PATH.mp4 | .mkv | .avi ... or file:///PATH   video file, 8-bit or FFV1 gray16"
    live: ClassVar[bool] = False

    def __init__(self, uri: str, path: Path) -> None:
        super().__init__(uri)
        self.path = path
        self._capture: cv2.VideoCapture | None = None
        self._declared = 0
        self._rate: float | None = None
        self._sequence = 0
        self._shape: tuple[int, ...] | None = None
        self._decoded: Any = None
        self._pool = ImagePool()

    @property
    def frame_count(self) -> int | None:
        """Frames that the container declares."""
        return self._declared or None

    @property
    def rate(self) -> float | None:
        """Frames per second that the container declares."""
        return self._rate

    def open(self) -> None:
        """Open the file.

        Raises:
            SourceMissingError: there is no such file.
            SourceTruncatedError: it is empty, or FFmpeg finds no video in it.
            FrameFormatError: it has more than 8 bits per pixel and is not 16-bit grey.
        """
        if not self.path.is_file():
            raise SourceMissingError(
                f"there is no video file {self.path}", f"check the path: ls {self.path.parent}"
            )
        if self.path.stat().st_size == 0:
            raise SourceTruncatedError(f"{self.path} is empty (0 bytes)", "copy or record the file again")
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        depth = cut_depth(capture)
        if depth is not None:
            capture.release()
            raise FrameFormatError(
                f"{self.path} has {depth} bits per pixel, which OpenCV would cut down to 8",
                "convert it to 16-bit grey: ffmpeg -i IN -pix_fmt gray16le -c:v ffv1 OUT.mkv",
            )
        if is_grey16(capture):
            # OpenCV's own conversion would silently cut the counts down to 8-bit BGR.
            capture.release()
            capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_CONVERT_RGB, 0])
        if not capture.isOpened():
            raise SourceTruncatedError(
                f"FFmpeg finds no readable video in {self.path} ({self.path.stat().st_size} bytes)",
                f"look at it: ffprobe {self.path}; an interrupted recording or download lacks its index",
            )
        self._capture = capture
        self._declared = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self._rate = rate if 0.0 < rate < 1000.0 else None
        self._sequence, self._shape = 0, None

    def read(self) -> Frame | None:
        """The next frame, or None at the end.

        Raises:
            SourceTruncatedError: decoding ended before the declared number of frames.
            FrameFormatError: the video's pixel format is not one of grey, YUV or BGR.
        """
        if self._capture is None:
            return None
        good, raw = self._capture.read(self._decoded)
        if not good:
            self._require_whole()
            return None
        self._decoded = raw
        image = grey_of_decoded(raw, self._pool)
        if image is None:
            raise FrameFormatError(
                f"{self.path} decodes to {raw.dtype} {raw.shape}, which is neither 16-bit grey nor BGR",
                "convert it to 8-bit YUV or 16-bit grey video, for example with ffmpeg -pix_fmt gray16le",
            )
        changed = self._shape is not None and image.shape != self._shape
        self._shape = image.shape
        frame = Frame(
            image=image,
            sequence=self._sequence,
            capture_ns=time.monotonic_ns(),
            source=self.uri,
            pixel_format=pixel_format_of(image),
            discontinuity=changed,
        )
        self._sequence += 1
        return frame

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _require_whole(self) -> None:
        exact = self.path.suffix.lower() in EXACT_COUNT_SUFFIXES
        slack = 0 if exact else max(2, int(INEXACT_SHARE * self._declared))
        if self._sequence + slack < self._declared or self._sequence == 0:
            raise SourceTruncatedError(
                f"{self.path} declares {self._declared} frames and ends after {self._sequence}",
                f"the {self._sequence} frames before were good; copy or record the file again",
            )
