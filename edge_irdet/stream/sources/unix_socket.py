"""Frames of a host process that already has them, through a Unix socket."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import CameraError, OptionError, SourceLostError, SourceMissingError
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.frame_message import FrameHeader
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.source import READ_SECONDS, ReadTimeout, Source
from edge_irdet.stream.uri import SourceURI, check_parameters

PAUSE_IN_FRAME_S = 5.0
"""A host that sends nothing for so long in the middle of a frame has hung. Between frames it may pause."""

OLDEST_NS = 60_000_000_000
"""A capture time further back is of another clock."""

NEWEST_NS = 1_000_000_000
"""A capture time further ahead is of another clock."""

MAX_PATH_BYTES = 107
"""Longest path of a Unix socket (unix(7))."""


class UnixSocketSource(Source):
    """Listens on a Unix socket to which one host process at a time connects and writes frames.

    The host's numbers are the frames' sequence; gaps in them are :attr:`missed`. A host that leaves is
    :class:`SourceLostError`, as a camera that is unplugged; while none is there a read is a time-out.

    Args:
        uri: as the user wrote it.
        path: of the socket; made at opening, with rights for its owner alone, and removed at closing.
        mode: rights of the socket.
    """

    usage: ClassVar[str] = (
        "unix:///PATH.sock[?mode=660]   frames of a host process (docs/guides/sources.md, FrameSender)"
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, path: Path, mode: int = 0o600) -> None:
        super().__init__(uri)
        self.path = path
        self.mode = mode
        self._listening: socket.socket | None = None
        self._host: socket.socket | None = None
        self._poll = select.poll()
        self._pool = ImagePool()
        self._header_bytes = bytearray(FrameHeader.STRUCT.size)
        self._header: FrameHeader | None = None
        self._image: NDArray[Any] | None = None
        self._target = memoryview(self._header_bytes)
        self._received = 0
        self._last_byte = 0.0
        self._last_sequence: int | None = None
        self._shape: tuple[int, ...] | None = None

    def open(self) -> None:
        """Listen.

        Raises:
            SourceMissingError: the folder of the socket is not there.
            CameraError: the place is taken, or may not be written to.
        """
        self.close()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._remove_stale()
            listening.setblocking(False)
            listening.bind(str(self.path))
            # Before listen(), so that nobody can connect in between.
            self.path.chmod(self.mode)
            listening.listen(1)
        except FileNotFoundError as error:
            listening.close()
            raise SourceMissingError(
                f"there is no folder {self.path.parent}", f"make it: mkdir -p {self.path.parent}"
            ) from error
        except OSError as error:
            listening.close()
            raise CameraError(
                f"{self.path} cannot be listened on: {error.strerror}", f"look at it: ls -l {self.path}"
            ) from error
        except CameraError:
            listening.close()
            raise
        self._listening = listening
        self._poll.register(listening, select.POLLIN)
        self._last_sequence, self._shape, self.missed = None, None, 0
        self._begin_header()

    def read(self) -> Frame | None:
        """The host's next frame.

        Raises:
            ReadTimeout: no host is there, or it sends nothing now.
            SourceLostError: the host left, or stopped in the middle of a frame.
            CameraError: what it sent is not a frame.
        """
        if self._listening is None:
            return None
        deadline = time.monotonic() + READ_SECONDS
        while True:
            if self._received == len(self._target):
                if self._header is not None:
                    return self._finished_frame()
                self._begin_pixels(FrameHeader.unpack(self._header_bytes))
            if self._host is None or not self._receive() or time.monotonic() > deadline:
                self._wait(deadline)

    def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._host is not None:
            self._poll.unregister(self._host)
            self._host.close()
            self._host = None
        if self._listening is not None:
            self._poll.unregister(self._listening)
            self._listening.close()
            self._listening = None
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _remove_stale(self) -> None:
        """Remove the socket of a process that is gone."""
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise CameraError(f"{self.path} is there and is not a socket", "name another path")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            result = probe.connect_ex(str(self.path))
        if result == errno.ECONNREFUSED:
            self.path.unlink()
        elif result in (0, errno.EAGAIN):
            raise CameraError(
                f"another process listens on {self.path}", f"see which: ss -xlp | grep {self.path}"
            )
        else:
            raise OSError(result, os.strerror(result))

    def _wait(self, deadline: float) -> None:
        """Wait for the host; every further one is sent away."""
        assert self._listening is not None
        now = time.monotonic()
        if self._in_frame and now - self._last_byte > PAUSE_IN_FRAME_S:
            raise SourceLostError(
                f"the host at {self.uri} stopped in the middle of a frame {now - self._last_byte:.1f} s ago",
                "is the host process stuck?",
            )
        ready = self._poll.poll(max(0.0, 1000.0 * (deadline - now)))
        if not ready:
            raise ReadTimeout
        if any(descriptor == self._listening.fileno() for descriptor, _ in ready):
            with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
                host, _ = self._listening.accept()
                if self._host is None:
                    host.setblocking(False)
                    self._host = host
                    self._poll.register(host, select.POLLIN)
                else:
                    host.close()

    @property
    def _in_frame(self) -> bool:
        return self._received > 0 or self._header is not None

    def _receive(self) -> bool:
        """Take what is there; False where nothing is."""
        assert self._host is not None
        try:
            count = self._host.recv_into(self._target[self._received :])
        except BlockingIOError:
            return False
        except ConnectionResetError:
            count = 0
        if count == 0:
            where = " in the middle of a frame" if self._in_frame else ""
            raise SourceLostError(f"the host at {self.uri} left{where}", "is the host process still running?")
        self._received += count
        self._last_byte = time.monotonic()
        return True

    def _begin_header(self) -> None:
        self._header, self._image = None, None
        self._target, self._received = memoryview(self._header_bytes), 0

    def _begin_pixels(self, header: FrameHeader) -> None:
        dtype = np.uint16 if header.pixel_format is PixelFormat.Y16 else np.uint8
        self._header = header
        self._image = self._pool.take((header.height, header.width), dtype)
        self._target, self._received = self._image.reshape(-1).data.cast("B"), 0

    def _finished_frame(self) -> Frame:
        header, image = self._header, self._image
        assert header is not None
        assert image is not None
        if sys.byteorder == "big":
            image.byteswap(inplace=True)
        last, self._last_sequence = self._last_sequence, header.sequence
        follows = last is None or header.sequence == last + 1
        if last is not None and header.sequence > last + 1:
            self.missed += header.sequence - last - 1
        changed = self._shape is not None and image.shape != self._shape
        self._shape = image.shape
        frame = Frame(
            image=image,
            sequence=header.sequence,
            capture_ns=self._capture_ns(header),
            source=self.uri,
            pixel_format=header.pixel_format,
            discontinuity=changed or not follows,
        )
        self._begin_header()
        return frame

    def _capture_ns(self, header: FrameHeader) -> int:
        now = time.monotonic_ns()
        if header.capture_ns == 0:
            return now
        if not -NEWEST_NS <= now - header.capture_ns <= OLDEST_NS:
            raise CameraError(
                f"the host at {self.uri} says frame {header.sequence} was captured "
                f"{(now - header.capture_ns) / 1e9:.1f} s ago",
                "send clock_gettime(CLOCK_MONOTONIC) of this machine in ns, or 0 where it is not known",
            )
        return header.capture_ns


def unix_socket_source(uri: str, parsed: SourceURI) -> UnixSocketSource:
    """The source of a ``unix:`` URI.

    Raises:
        OptionError: no absolute path, a path too long, an unknown parameter or rights.
    """
    check_parameters(uri, parsed.parameters, ("mode",))
    path = unquote(parsed.path)
    if not path.startswith("/") or path.endswith("/"):
        raise OptionError(f"{path!r} is not the absolute path of a socket", f"write {UnixSocketSource.usage}")
    if len(os.fsencode(path)) > MAX_PATH_BYTES or "\0" in path:
        raise OptionError(
            f"the path {path!r} has {len(os.fsencode(path))} bytes or a zero byte, a socket's has "
            f"{MAX_PATH_BYTES} at most and none",
            "write unix:///run/edge-irdet/frames.sock",
        )
    mode = parsed.parameters.get("mode", "600")
    if not re.fullmatch(r"0?6[06][06]", mode):
        raise OptionError(f"mode={mode} is not known", "choose 600 (this user), 660 (its group) or 666 (all)")
    return UnixSocketSource(uri, Path(path), int(mode, 8))
