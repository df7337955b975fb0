"""The driver's buffers: mapped, lent to the driver, taken back full."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edge_irdet.errors import CameraError
from edge_irdet.stream.sources.v4l2 import structures as v4l2
from edge_irdet.stream.sources.v4l2.device import VideoDevice, camera_error
from edge_irdet.stream.sources.v4l2.pixels import ImageLayout, unpack

BUFFERS = 4
"""Asked for: one being filled, one full, one being copied, one to spare for a late reader."""

FEWEST_BUFFERS = 2
"""With one, the driver has nowhere to write while it is being read."""


@dataclass(slots=True)
class _MappedBuffer:
    mapping: mmap.mmap
    view: NDArray[Any] | None


class CaptureBuffers:
    """The buffers of one stream, from asking for them to giving them back.

    Args:
        path: the device, for messages.
        device: open, its format set.
        layout: of the pictures.
    """

    def __init__(self, path: Path, device: VideoDevice, layout: ImageLayout) -> None:
        self._path = path
        self._device = device
        self._layout = layout
        self._buffers: list[_MappedBuffer] = []
        self._requested = False
        self._streaming = False
        # One for all calls: nothing is allocated per frame.
        self._taken = v4l2.Buffer()
        self._lent = v4l2.Buffer()
        self.stamps_are_monotonic = False
        """Whether the driver says of its last buffer that it stamps with the monotonic clock."""

    def start(self) -> None:
        """Map the buffers, lend them all to the driver and let it begin.

        Raises:
            CameraError: the driver refuses, or its buffers are too few or too small.
        """
        try:
            self._request()
            for index in range(len(self._buffers)):
                self.lend(index)
            self._device.ioctl(v4l2.STREAMON, ctypes.c_int(v4l2.BUF_TYPE_VIDEO_CAPTURE))
        except OSError as error:
            raise camera_error(self._path, error, "starting the stream") from error
        self._streaming = True

    def _request(self) -> None:
        asked = v4l2.RequestBuffers(count=BUFFERS, type=v4l2.BUF_TYPE_VIDEO_CAPTURE, memory=v4l2.MEMORY_MMAP)
        self._device.ioctl(v4l2.REQBUFS, asked)
        self._requested = True
        if asked.count < FEWEST_BUFFERS:
            raise CameraError(
                f"{self._path} gives {asked.count} buffers, at least {FEWEST_BUFFERS} are needed",
                "free memory, or ask for a smaller size",
            )
        for index in range(asked.count):
            self._clear(self._taken, index)
            self._device.ioctl(v4l2.QUERYBUF, self._taken)
            self._note_clock()
            length = int(self._taken.length)
            if length < self._layout.needed_bytes:
                raise CameraError(
                    f"{self._path} has buffers of {length} bytes for pictures of {self._layout.needed_bytes}",
                    "its driver is faulty for this format; ask for another: edge-irdet sources",
                )
            mapping = self._device.map(length, int(self._taken.m.offset))
            self._buffers.append(_MappedBuffer(mapping, self._layout.view(mapping)))

    def take(self) -> v4l2.Buffer | None:
        """The next full buffer; None where there is none yet. Valid until the next call.

        Raises:
            OSError: the device was lost.
        """
        self._clear(self._taken, 0)
        try:
            self._device.ioctl(v4l2.DQBUF, self._taken)
        except BlockingIOError:
            return None
        self._note_clock()
        return self._taken

    def copy(self, taken: v4l2.Buffer, image: NDArray[Any]) -> str | None:
        """Copy a full buffer's picture.

        Args:
            taken: of :meth:`take`.
            image: [H, W] of the layout's window; written.

        Returns:
            Why it could not be read, None where it was.
        """
        buffer = self._buffers[taken.index]
        assert buffer.view is not None, "it is mapped until stop"
        used = min(int(taken.bytesused), len(buffer.mapping))
        return unpack(self._layout, buffer.mapping, buffer.view, used, image)

    def lend(self, index: int) -> None:
        """Give a buffer (back) to the driver.

        Raises:
            OSError: the device was lost.
        """
        self._clear(self._lent, index)
        self._device.ioctl(v4l2.QBUF, self._lent)

    def stop(self) -> None:
        """Stop the stream and give all buffers back; never raises, may be called again."""
        if self._streaming:
            self._streaming = False
            with contextlib.suppress(OSError):
                self._device.ioctl(v4l2.STREAMOFF, ctypes.c_int(v4l2.BUF_TYPE_VIDEO_CAPTURE))
        while self._buffers:
            buffer = self._buffers.pop()
            buffer.view = None
            # Whoever still looks at it keeps it mapped until he lets go.
            with contextlib.suppress(BufferError):
                buffer.mapping.close()
        if self._requested:
            self._requested = False
            nothing = v4l2.RequestBuffers(count=0, type=v4l2.BUF_TYPE_VIDEO_CAPTURE, memory=v4l2.MEMORY_MMAP)
            with contextlib.suppress(OSError):
                self._device.ioctl(v4l2.REQBUFS, nothing)

    def _note_clock(self) -> None:
        clock = self._taken.flags & v4l2.BUF_FLAG_TIMESTAMP_MASK
        self.stamps_are_monotonic = clock == v4l2.BUF_FLAG_TIMESTAMP_MONOTONIC

    @staticmethod
    def _clear(buffer: v4l2.Buffer, index: int) -> None:
        ctypes.memset(ctypes.addressof(buffer), 0, ctypes.sizeof(buffer))
        buffer.index = index
        buffer.type = v4l2.BUF_TYPE_VIDEO_CAPTURE
        buffer.memory = v4l2.MEMORY_MMAP
