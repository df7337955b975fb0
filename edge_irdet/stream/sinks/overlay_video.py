"""The frames with their detections drawn in, as a video."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import FrameSizeChangedError, OutputFailedError
from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.overlay import Trails, display_scale, draw
from edge_irdet.stream.sinks.output_file import OutputFile, discard, open_new
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sinks.video_encoder import VideoEncoder

DEFAULT_RATE = 25.0

AGAIN_SECONDS = 10.0
"""After a failure, how long it takes until another video is begun."""


class OverlayVideoSink(Sink):
    """A video that can be played while it grows; what is written of it is kept, whatever happens.

    A video that fails, for example because the disk is full, ends with its last whole frame. When there is
    space again, the stream goes on in another one, with a number behind its name.

    Args:
        path: the file; its suffix chooses the container.
        overwrite: whether it is replaced if it is there; else a new name is taken.
    """

    usage: ClassVar[str] = "PATH.mp4 | .avi | .mkv   video with the detections drawn in"
    shared: ClassVar[bool] = False

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        super().__init__(str(path))
        self.path = path
        self._overwrite = overwrite
        self._rate = DEFAULT_RATE
        self._output: OutputFile | None = None
        self._encoder: VideoEncoder | None = None
        self._again = 0.0
        self._shape: tuple[int, int] = (0, 0)
        self._scale = 1
        self._canvas: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)
        self._picture = self._canvas
        self._written = 0
        self._trails = Trails()

    def open(self, info: StreamInfo) -> None:
        """Make the file; the video takes the size of its first frame.

        Raises:
            OutputTakenError: it is a link.
            OutputFailedError: it cannot be made.
        """
        self._rate = info.rate or DEFAULT_RATE
        self._make()

    def write(self, frame: Frame, record: Record) -> None:
        """Draw and append one frame.

        Raises:
            FrameSizeChangedError: the frame has another size than the first.
            OutputFailedError: the encoder cannot be started, or the video could not be written further.
        """
        if self._encoder is None:
            self._start(frame.image.shape)
        elif self._encoder.error is not None:
            self._give_up(self._encoder.error)
        if frame.image.shape != self._shape:
            raise FrameSizeChangedError(
                f"frame {frame.sequence} of {frame.source} is {frame.image.shape[1]}x{frame.image.shape[0]}, "
                f"the ones before were {self._shape[1]}x{self._shape[0]}; a video has one size",
                "omit the overlay video; .jsonl, .txt and .png outputs take frames of any size",
            )
        assert self._encoder is not None
        draw(frame.image, record, self._scale, self._picture, self._trails)
        self._encoder.write(self._canvas)
        self._written += 1

    def close(self) -> None:
        """Finish the video.

        Raises:
            OutputFailedError: it does not hold all frames, for example because the disk is full.
        """
        lost, kept, error = self._end()
        if lost:
            raise OutputFailedError(
                f"{self.file} holds {kept} of {kept + lost} frames: "
                f"{error.strerror if error else 'the encoder gave no more'}",
                "free space (df -h) or name another --output",
            )

    def _make(self) -> None:
        output = open_new(self.path, self._overwrite)
        if not output.regular:
            os.close(output.descriptor)
            raise OutputFailedError(
                f"{self.path} is a pipe or a device", "name a file for a video with --output"
            )
        self._output = output
        # What was written before a failure is not overwritten by what comes after it.
        self._overwrite = False
        self.file = str(self._output.path)

    def _start(self, shape: tuple[int, ...]) -> None:
        if time.monotonic() < self._again:
            raise OutputFailedError(
                f"{self.file} could not be written further", "another video is begun soon"
            )
        self._again = time.monotonic() + AGAIN_SECONDS
        if self._output is None:
            self._make()
        assert self._output is not None
        self._shape = (shape[0], shape[1])
        self._scale = display_scale(shape[1])
        height, width = shape[0] * self._scale, shape[1] * self._scale
        # Encoders take even sizes only, and OpenCV would cut the last row and column off.
        self._canvas = np.zeros((height + height % 2, width + width % 2, 3), np.uint8)
        self._picture = self._canvas[:height, :width]
        self._encoder = VideoEncoder(self._output, self._rate, (self._canvas.shape[1], self._canvas.shape[0]))

    def _give_up(self, error: OSError) -> None:
        lost, kept, _ = self._end()
        self.lost_later += lost
        self._again = time.monotonic() + AGAIN_SECONDS
        raise OutputFailedError(
            f"{self.file} cannot be written further: {error.strerror}; it holds {kept} frames",
            f"free space (df -h); another video is begun in {AGAIN_SECONDS:.0f} s",
        )

    def _end(self) -> tuple[int, int, OSError | None]:
        """Close encoder and file; frames that are missing, frames that are in the file, and why."""
        kept, error = 0, None
        if self._encoder is not None:
            self._encoder.close()
            kept, error = self._encoder.frames, self._encoder.error
        lost = self._written - kept
        if self._output is not None:
            if kept:
                os.close(self._output.descriptor)
            else:
                discard(self._output)
        self._encoder, self._output, self._written = None, None, 0
        return lost, kept, error
