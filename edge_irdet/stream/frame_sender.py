"""Hands frames of a Python host process over to a running stream."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from edge_irdet.errors import FrameFormatError, OutputFailedError
from edge_irdet.stream.frame import pixel_format_of
from edge_irdet.stream.frame_message import MAX_PIXELS, MAX_SIDE, FrameHeader

SEND_SECONDS = 1.0
"""Time for one frame that has been begun; a stream that takes longer is given up and connected to anew."""


class FrameSender:
    """Sends frames to a ``unix:`` source; the host does not wait for the detector.

    A frame that the stream cannot take now is dropped and its number stays used, so the stream counts it as
    missed. Where nobody listens, every frame is dropped until somebody does.

    Args:
        path: the socket that the stream listens on.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.sent = 0
        """Frames handed over."""
        self.dropped = 0
        """Frames that could not be."""
        self._socket: socket.socket | None = None
        self._sequence = 0

    def send(self, image: NDArray[Any], capture_ns: int | None = None) -> bool:
        """Hand one frame over.

        Args:
            image: [H, W] uint8 or uint16.
            capture_ns: when it was captured, ``time.monotonic_ns()``; None for now.

        Returns:
            False where the frame was dropped.

        Raises:
            FrameFormatError: not [H, W] of uint8 or uint16, or too large.
            OutputFailedError: the socket may not be written to, or is not one.
        """
        header = self._header(image, time.monotonic_ns() if capture_ns is None else capture_ns)
        self._sequence += 1
        try:
            done = self._connected() and self._send(header.pack(), image)
        except BlockingIOError:
            done = False
        except OSError as error:
            self.close()
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOENT, errno.ECONNREFUSED):
                raise OutputFailedError(
                    f"{self.path} cannot be written to: {error.strerror}", f"look at it: ls -l {self.path}"
                ) from error
            done = False
        self.sent += done
        self.dropped += not done
        return done

    def close(self) -> None:
        """Leave; the next :meth:`send` connects again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _header(self, image: NDArray[Any], capture_ns: int) -> FrameHeader:
        shape = image.shape
        good = len(shape) == 2 and image.dtype in (np.uint8, np.uint16) and 0 < image.size <= MAX_PIXELS
        if not good or max(shape) > MAX_SIDE:
            raise FrameFormatError(
                f"an image of {image.dtype} {shape} cannot be sent",
                f"send [H, W] uint8 or uint16, sides to {MAX_SIDE}, product to {MAX_PIXELS}",
            )
        return FrameHeader(shape[1], shape[0], pixel_format_of(image), self._sequence, capture_ns)

    def _connected(self) -> bool:
        if self._socket is None:
            fresh = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            fresh.setblocking(False)
            try:
                fresh.connect(self.path)
            except OSError:
                fresh.close()
                raise
            self._socket = fresh
        return True

    def _send(self, header: bytes, image: NDArray[Any]) -> bool:
        assert self._socket is not None
        if not _writable(self._socket, 0.0):
            return False  # the stream has not taken the last one yet
        pixels = np.ascontiguousarray(image, "<u2" if image.dtype == np.uint16 else np.uint8)
        deadline = time.monotonic() + SEND_SECONDS
        for part in (memoryview(header), pixels.reshape(-1).data.cast("B")):
            while len(part):
                with contextlib.suppress(BlockingIOError):
                    part = part[self._socket.send(part) :]
                    continue
                if not _writable(self._socket, deadline - time.monotonic()):
                    self.close()  # half a frame is out: the stream must not take the next one for its rest
                    return False
        return True


def _writable(connection: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    return bool(poll.poll(max(0.0, 1000.0 * seconds)))
