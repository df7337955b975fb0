"""The one door to the kernel: open, ioctl, map, poll, close. Tests put a fake in its place."""

from __future__ import annotations

import ctypes
import errno
import math
import mmap
import os
import select
import stat
import sys
from pathlib import Path
from typing import Protocol

from edge_irdet.errors import CameraError
from edge_irdet.stream.sources.v4l2.structures import VIDEO_MAJOR

LIST_CAMERAS = "list the cameras: edge-irdet sources"

POLL_IN, POLL_ERR, POLL_HUP, POLL_NVAL = 0x001, 0x008, 0x010, 0x020
"""Events of poll(2) on Linux; ``select`` has no such names on other systems."""


class VideoDevice(Protocol):
    """An open V4L2 device."""

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """One ioctl; the argument is read and written in place.

        Raises:
            OSError: the driver refuses.
        """

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Map one of the driver's buffers.

        Raises:
            OSError: the driver refuses.
        """

    def wait(self, seconds: float) -> int:
        """Events of poll(2) that have come; 0 where none came in this time."""

    def close(self) -> None:
        """Give the device back; may be called again."""


class OpenDevice(Protocol):
    """Opens a V4L2 device."""

    def __call__(self, path: Path) -> VideoDevice:
        """Open it.

        Raises:
            OSError: it cannot be opened.
            CameraError: it is not a video device.
        """


class KernelDevice:
    """A file descriptor of a V4L2 device.

    Args:
        descriptor: open and non-blocking; this object closes it.
    """

    def __init__(self, descriptor: int) -> None:
        # Imported where used: Python on Windows lacks it, and all other sources work there.
        import fcntl

        self._ioctl = fcntl.ioctl
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, POLL_IN)

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """One ioctl, repeated where a signal interrupted it."""
        while True:
            try:
                self._ioctl(self._descriptor, request, argument)
                return
            except InterruptedError:
                continue

    def map(self, length: int, offset: int) -> mmap.mmap:
        """Map one of the driver's buffers; some drivers refuse a mapping that is not writable too."""
        return mmap.mmap(
            self._descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset
        )

    def wait(self, seconds: float) -> int:
        """Events of poll(2) that have come; 0 where none came in this time."""
        events = self._poll.poll(math.ceil(max(seconds, 0.0) * 1000))
        return events[0][1] if events else 0

    def close(self) -> None:
        """Close the descriptor; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            self._poll.unregister(descriptor)
            os.close(descriptor)


def open_kernel_device(path: Path) -> KernelDevice:
    """Open a V4L2 device without blocking.

    Raises:
        OSError: it cannot be opened.
        CameraError: it is not a video device, or this is not 64-bit Linux.
    """
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        raise CameraError(
            f"{path} cannot be opened: V4L2 cameras need 64-bit Linux, this is {sys.platform}",
            "run it on the device; files and network streams work everywhere",
        )
    status = path.stat()
    # Looked at before it is opened: opening some other device, such as a serial port, changes it.
    if not stat.S_ISCHR(status.st_mode) or os.major(status.st_rdev) != VIDEO_MAJOR:
        raise CameraError(f"{path} is not a video device", LIST_CAMERAS)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return KernelDevice(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def camera_error(path: Path, error: OSError, doing: str) -> CameraError:
    """The error that a refusal of the kernel means to the user.

    Args:
        path: the device.
        error: what the kernel answered.
        doing: what was refused, such as ``starting the stream``.
    """
    number, reason = error.errno, os.strerror(error.errno or 0)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR):
        return CameraError(f"there is no camera {path} ({reason})", LIST_CAMERAS)
    if number in (errno.EACCES, errno.EPERM):
        return CameraError(
            f"{path} may not be opened by this user ({reason})",
            "join the group of the cameras: sudo usermod -aG video $USER, then log in again",
        )
    if number == errno.EBUSY:
        return CameraError(
            f"{path} is busy: another program holds it ({doing}: {reason})", f"see which: fuser -v {path}"
        )
    if number == errno.ENOSPC:
        return CameraError(
            f"{path} gets too little USB bandwidth ({doing}: {reason})",
            "ask for a smaller size or rate, or plug it into another USB controller: lsusb -t",
        )
    if number == errno.ENOTTY:
        return CameraError(
            f"{path} is not a camera: its driver does not know {doing} ({reason})", LIST_CAMERAS
        )
    return CameraError(
        f"{path} refused {doing}: {reason}",
        "see what its driver says: sudo dmesg | tail; then check cable and power",
    )
