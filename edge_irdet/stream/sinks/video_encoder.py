"""OpenCV's encoder into a file whose every write is seen.

OpenCV writes a video by itself and reports no error: a full disk is known only when the file is read, and an
MP4 whose end is missing cannot be read at all. So it writes to a pipe, in a form that needs no end (an MP4 in
fragments), and what comes out of the pipe is written here.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.output_file import OutputFile
from edge_irdet.stream.sinks.video_container import Avi, FragmentedMp4, GrowingVideo, Matroska

FORMS: dict[str, tuple[str, str, type[GrowingVideo]]] = {
    ".mp4": ("mp4v", ".ismv", FragmentedMp4),
    ".avi": ("MJPG", ".avi", Avi),
    ".mkv": ("mp4v", ".mkv", Matroska),
}
"""Suffix -> codec, the suffix by which FFmpeg chooses a container that can be written to a pipe, and what
follows it. ``.ismv`` is FFmpeg's name for MP4 in fragments, one per group of pictures. All are in the pip
OpenCV's FFmpeg and need no licence."""

PIPE_BYTES = 1 << 20


class VideoEncoder:
    """Encodes pictures into a file; what is whole can be played while it grows, and after a kill.

    Args:
        file: new and empty; stays the caller's.
        rate: frames per second.
        size: width and height of the pictures, pixels, even.

    Raises:
        OutputFailedError: there is no encoder for this.
    """

    def __init__(self, file: OutputFile, rate: float, size: tuple[int, int]) -> None:
        codec, suffix, container = FORMS[file.path.suffix.lower()]
        self.error: OSError | None = None
        """Why nothing is written any more."""
        self._file = file
        self._video = container(file.descriptor)
        try:
            # The pipe's name is needed until both its ends are open.
            with tempfile.TemporaryDirectory(prefix="edge-irdet-") as folder:
                pipe = Path(folder) / f"video{suffix}"
                os.mkfifo(pipe, 0o600)
                self._reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                fourcc = cv2.VideoWriter.fourcc(*codec)
                self._writer = cv2.VideoWriter(str(pipe), cv2.CAP_FFMPEG, fourcc, rate, size)
        except OSError as error:
            raise OutputFailedError(
                f"the encoder for {file.path} needs a pipe in {tempfile.gettempdir()}: {error.strerror}",
                "make that folder writable, or set TMPDIR to another one",
            ) from error
        if not self._writer.isOpened():
            os.close(self._reading)
            raise OutputFailedError(
                f"no encoder for {file.path} at {size[0]}x{size[1]} and {rate:g} frames per second",
                "choose .avi, or check OpenCV: python -c 'import cv2; print(cv2.getBuildInformation())'",
            )
        os.set_blocking(self._reading, True)
        with suppress(OSError):
            fcntl.fcntl(self._reading, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._thread = threading.Thread(target=self._copy, name="video", daemon=True)
        self._thread.start()

    @property
    def frames(self) -> int:
        """Whole frames in the file."""
        return self._video.frames

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Encode one picture, [height, width, 3] BGR."""
        self._writer.write(picture)

    def close(self) -> None:
        """Write what is left, so that the file ends in a whole frame; :attr:`error` says what is missing."""
        self._writer.release()
        self._thread.join()
        os.close(self._reading)

    def _copy(self) -> None:
        # After an error it goes on reading: an encoder that nobody reads would hold the stream up.
        while block := os.read(self._reading, PIPE_BYTES):
            if self.error is None:
                self._take(block)
        try:
            self._video.finish()
        except OSError as error:
            self._cut(error)

    def _take(self, block: bytes) -> None:
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(self._file.descriptor, view) :]
            self._video.advance()
        except OSError as error:
            with suppress(OSError):
                self._video.advance()
            self._cut(error)

    def _cut(self, error: OSError) -> None:
        """Let the file end in its last whole frame."""
        with suppress(OSError):
            os.ftruncate(self._file.descriptor, self._video.end)
        self.error = self.error or error
