"""The frames with their detections drawn in, as a video."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import FrameSizeChangedError, OutputFailedError
from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.overlay import Trails, display_scale, draw
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}
"""Suffix -> codec; all are in the pip OpenCV's FFmpeg and need no licence."""

DEFAULT_RATE = 25.0


class OverlayVideoSink(Sink):
    """A video that appears under its name when it is complete.

    Args:
        path: the file; its suffix chooses the container.
    """

    usage: ClassVar[str] = "PATH.mp4 | .avi | .mkv   video with the detections drawn in"
    shared: ClassVar[bool] = False

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path
        self._unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._rate = DEFAULT_RATE
        self._shape: tuple[int, int] = (0, 0)
        self._scale = 1
        self._canvas: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)
        self._picture = self._canvas
        self._written = 0
        self._trails = Trails()

    def open(self, info: StreamInfo) -> None:
        """Check that the folder can be written to; the video takes the size of its first frame."""
        self._rate = info.rate or DEFAULT_RATE
        try:
            self._unfinished.write_bytes(b"")
        except OSError as error:
            raise OutputFailedError(
                f"{self.path} cannot be made: {error.strerror}",
                "name a folder that exists and that you may write to with --output",
            ) from error

    def write(self, frame: Frame, record: Record) -> None:
        """Draw and append one frame.

        Raises:
            FrameSizeChangedError: the frame has another size than the first.
            OutputFailedError: the encoder cannot be started.
        """
        if self._writer is None:
            self._start(frame.image.shape)
        if frame.image.shape != self._shape:
            raise FrameSizeChangedError(
                f"frame {frame.sequence} of {frame.source} is {frame.image.shape[1]}x{frame.image.shape[0]}, "
                f"the ones before were {self._shape[1]}x{self._shape[0]}; a video has one size",
                "omit the overlay video; .jsonl, .txt and .png outputs take frames of any size",
            )
        assert self._writer is not None
        draw(frame.image, record, self._scale, self._picture, self._trails)
        self._writer.write(self._canvas)
        self._written += 1

    def close(self) -> None:
        """Finish the video and give it its name.

        Raises:
            OutputFailedError: it does not hold all frames, for example because the disk is full.
        """
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            # The encoder reports no error of its own; what a reader finds in the file is what counts.
            found = self._frames_in_file()
            if found < self._written:
                self._unfinished.unlink(missing_ok=True)
                raise OutputFailedError(
                    f"{self.path} holds {found} of {self._written} frames; it was not kept",
                    "free space (df -h) or name another --output, then run the command again",
                )
            try:
                os.replace(self._unfinished, self.path)
            except OSError as error:
                self._unfinished.unlink(missing_ok=True)
                raise OutputFailedError(
                    f"{self.path} cannot be made: {error.strerror or error}",
                    "name another file with --output",
                ) from error
        self._unfinished.unlink(missing_ok=True)

    def _start(self, shape: tuple[int, ...]) -> None:
        self._shape = (shape[0], shape[1])
        self._scale = display_scale(shape[1])
        height, width = shape[0] * self._scale, shape[1] * self._scale
        # Encoders take even sizes only, and OpenCV would cut the last row and column off.
        self._canvas = np.zeros((height + height % 2, width + width % 2, 3), np.uint8)
        self._picture = self._canvas[:height, :width]
        size = (self._canvas.shape[1], self._canvas.shape[0])
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._unfinished), cv2.CAP_FFMPEG, codec, self._rate, size)
        if not writer.isOpened():
            raise OutputFailedError(
                f"no encoder for {self.path} at {size[0]}x{size[1]} and {self._rate:g} frames per second",
                "choose .avi, or check OpenCV: python -c 'import cv2; print(cv2.getBuildInformation())'",
            )
        self._writer = writer

    def _frames_in_file(self) -> int:
        capture = cv2.VideoCapture(str(self._unfinished), cv2.CAP_FFMPEG)
        frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        return frames
