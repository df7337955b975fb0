"""A FAKE V4L2 camera and driver. No camera was ever behind it.

It speaks the kernel's byte layouts from numbers written down here, for 64-bit Linux, not from the structures
of the code under test, and fails the test with an AssertionError where the order of calls is not the one that
the kernel's documentation prescribes. ``test_v4l2_structures.py`` holds its numbers against the header.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.v4l2 import V4L2Source

REQUESTS = {
    "QUERYCAP": 0x80685600,
    "ENUM_FMT": 0xC0405602,
    "G_FMT": 0xC0D05604,
    "S_FMT": 0xC0D05605,
    "TRY_FMT": 0xC0D05640,
    "REQBUFS": 0xC0145608,
    "QUERYBUF": 0xC0585609,
    "QBUF": 0xC058560F,
    "DQBUF": 0xC0585611,
    "STREAMON": 0x40045612,
    "STREAMOFF": 0x40045613,
    "G_PARM": 0xC0CC5615,
    "S_PARM": 0xC0CC5616,
    "ENUM_FRAMESIZES": 0xC02C564A,
    "ENUM_FRAMEINTERVALS": 0xC034564B,
}
_NAMES = {number: name for name, number in REQUESTS.items()}

CAPTURE, MPLANE, M2M, METADATA, STREAMING, OWN_CAPS = 1, 0x1000, 0x8000, 0x800000, 0x04000000, 0x80000000
ERROR_FLAG, MONOTONIC_FLAG = 0x40, 0x2000
POLL_IN, POLL_ERR, POLL_HUP = 1, 8, 16
POISON = 0xA5
"""What a buffer holds while the driver owns it: a frame that shows it was not copied in time."""


@dataclass
class Shot:
    """One buffer that the driver fills."""

    content: bytes
    sequence: int | None = None
    """None counts on."""
    stamp_ns: int | None = None
    """None stamps with the present."""
    flags: int = 0
    used: int | None = None
    """None: all of the content."""


@dataclass
class Mode:
    """A pixel format with its sizes; ``stepwise`` makes one range of the first and the last."""

    code: bytes
    sizes: list[tuple[int, int]]
    rates: list[tuple[int, int]] = field(default_factory=lambda: [(1, 30), (1, 9)])
    """(numerator, denominator) of the time for one frame."""
    pitch: int = 2
    stepwise: bool = False


@dataclass
class FakeCamera:
    """A camera; calling it opens a device of it."""

    modes: list[Mode]
    card: str = "FAKE thermal camera"
    capabilities: int = OWN_CAPS | CAPTURE | METADATA | STREAMING
    device_capabilities: int = CAPTURE | STREAMING
    clock_flag: int = MONOTONIC_FLAG
    padding: int = 0
    """Bytes that each row is longer than its pixels."""
    buffers_given: int | None = None
    """None gives what is asked for."""
    buffer_bytes: int | None = None
    """None makes them as long as the image."""
    field_order: int = 1
    lists_formats: bool = True
    has_try_format: bool = True
    has_rate: bool = True
    answers_format: bytes | None = None
    """Granted whatever is asked for."""
    open_error: int | None = None
    script: deque[Shot | OSError | int] = field(default_factory=deque)
    """What comes: a filled buffer, an error of DQBUF, or events of poll."""
    errors: dict[str, int] = field(default_factory=dict)
    """Request -> errno with which it is refused."""
    fail_call: int | None = None
    """Number of the call, ioctl or map, that fails with EIO, and all later ones: it is unplugged."""
    log: list[str] = field(default_factory=list)
    devices: list[FakeDevice] = field(default_factory=list)

    def __call__(self, path: Path) -> FakeDevice:
        if self.open_error is not None:
            raise OSError(self.open_error, os.strerror(self.open_error), str(path))
        device = FakeDevice(self)
        self.devices.append(device)
        return device

    def will_give(self, items: Iterable[Shot | OSError | int]) -> None:
        self.script.extend(items)

    def require_nothing_left(self) -> None:
        """Every device closed, every mapping unmapped, no stream running."""
        for device in self.devices:
            assert device.closed, "a device was left open"
            assert not device.streaming or self.fail_call is not None, "a stream was left running"
            assert all(mapping.closed for mapping in device.mappings), "a mapping was left"


class FakeDevice:
    """A FAKE open device: the driver's side of the calls, byte for byte."""

    def __init__(self, camera: FakeCamera) -> None:
        self.camera = camera
        self.closed = False
        self.streaming = False
        self.mappings: list[mmap.mmap] = []
        self.calls = 0
        mode = camera.modes[0]
        self.code, self.size = mode.code, mode.sizes[0]
        self.interval = mode.rates[0] if mode.rates else (0, 0)
        self.lengths: list[int] = []
        self.queried: set[int] = set()
        self.mapped: dict[int, mmap.mmap] = {}
        self.queue: deque[int] = deque()
        self.sequence = 0

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        assert not self.closed, "used after close"
        name = _NAMES[request]
        self.camera.log.append(name)
        self._count_call()
        if name in self.camera.errors:
            self._refuse(self.camera.errors[name])
        raw = memoryview(argument).cast("B")
        assert len(raw) == request >> 16 & 0x3FFF, f"{name} has {len(raw)} bytes"
        getattr(self, f"_{name.lower()}")(raw)

    def map(self, length: int, offset: int) -> mmap.mmap:
        assert not self.closed, "used after close"
        self.camera.log.append("mmap")
        self._count_call()
        index = offset // 0x1000_0000
        assert offset == index * 0x1000_0000, "an offset that QUERYBUF never gave"
        assert index in self.queried, "mapped before QUERYBUF"
        assert index not in self.mapped, "mapped twice"
        assert length == self.lengths[index]
        mapping = mmap.mmap(-1, length)
        self.mapped[index] = mapping
        self.mappings.append(mapping)
        return mapping

    def wait(self, seconds: float) -> int:
        assert not self.closed, "used after close"
        script = self.camera.script
        if not script:
            threading.Event().wait(max(0.0, seconds))
            return 0
        if isinstance(script[0], int):
            return script.popleft()
        return POLL_IN

    def close(self) -> None:
        if not self.closed:
            self.camera.log.append("close")
        self.closed = True

    def _count_call(self) -> None:
        number, self.calls = self.calls, self.calls + 1
        if self.camera.fail_call is not None and number >= self.camera.fail_call:
            self._refuse(errno.EIO)

    @staticmethod
    def _refuse(number: int) -> None:
        # OSError(EAGAIN, ...) becomes BlockingIOError, as from the real call.
        raise OSError(number, os.strerror(number))

    def _mode(self) -> Mode:
        return next(mode for mode in self.camera.modes if mode.code == self.code)

    def _stride(self) -> int:
        pitch = self._mode().pitch
        return self.size[0] * pitch + self.camera.padding if pitch else 0

    def image_bytes(self) -> int:
        return self._stride() * self.size[1] if self._stride() else self.size[0] * self.size[1] * 2

    # The requests, each with the bytes of its structure.

    def _querycap(self, raw: memoryview) -> None:
        struct.pack_into(
            "<16s32s32sIII12x",
            raw,
            0,
            b"fake",
            self.camera.card.encode(),
            b"usb-fake-1",
            0x061200,
            self.camera.capabilities,
            self.camera.device_capabilities,
        )

    def _enum_fmt(self, raw: memoryview) -> None:
        index, kind = struct.unpack_from("<II", raw, 0)
        assert kind == 1, "only single-planar capture is asked for"
        if not self.camera.lists_formats or index >= len(self.camera.modes):
            self._refuse(errno.EINVAL)
        code = self.camera.modes[index].code
        struct.pack_into("<32s4s", raw, 12, b"FAKE " + code[:3], code)

    def _enum_framesizes(self, raw: memoryview) -> None:
        index, code = struct.unpack_from("<I4s", raw, 0)
        mode = next(mode for mode in self.camera.modes if mode.code == code)
        if index >= (1 if mode.stepwise else len(mode.sizes)):
            self._refuse(errno.EINVAL)
        if mode.stepwise:
            (low_w, low_h), (high_w, high_h) = mode.sizes[0], mode.sizes[-1]
            struct.pack_into("<IIIIIII", raw, 8, 3, low_w, high_w, 2, low_h, high_h, 2)
        else:
            struct.pack_into("<III", raw, 8, 1, *mode.sizes[index])

    def _enum_frameintervals(self, raw: memoryview) -> None:
        index, code, width, height = struct.unpack_from("<I4sII", raw, 0)
        mode = next(mode for mode in self.camera.modes if mode.code == code)
        assert (width, height) in mode.sizes
        if index >= (1 if mode.stepwise else len(mode.rates)):
            self._refuse(errno.EINVAL)
        if mode.stepwise:
            struct.pack_into("<IIIIIII", raw, 16, 3, *mode.rates[0], *mode.rates[-1], 1, 1000)
        else:
            struct.pack_into("<III", raw, 16, 1, *mode.rates[index])

    def _write_format(self, raw: memoryview, code: bytes, size: tuple[int, int]) -> None:
        before = self.code, self.size
        self.code, self.size = code, size
        struct.pack_into(
            "<II4sIII", raw, 8, *size, code, self.camera.field_order, self._stride(), self.image_bytes()
        )
        self.code, self.size = before

    def _nearest_format(self, raw: memoryview) -> tuple[bytes, tuple[int, int]]:
        kind, width, height, code, order = struct.unpack_from("<I4xII4sI", raw, 0)
        assert kind == 1
        assert order == 1, "progressive pictures are asked for"
        code = self.camera.answers_format or code
        mode = next((mode for mode in self.camera.modes if mode.code == code), self.camera.modes[0])
        size = min(mode.sizes, key=lambda size: abs(size[0] - width) + abs(size[1] - height))
        return mode.code, size

    def _g_fmt(self, raw: memoryview) -> None:
        self._write_format(raw, self.code, self.size)

    def _try_fmt(self, raw: memoryview) -> None:
        if not self.camera.has_try_format:
            self._refuse(errno.ENOTTY)
        self._write_format(raw, *self._nearest_format(raw))

    def _s_fmt(self, raw: memoryview) -> None:
        assert not self.lengths, "S_FMT while buffers exist"
        self.code, self.size = self._nearest_format(raw)
        self._write_format(raw, self.code, self.size)

    def _g_parm(self, raw: memoryview) -> None:
        if not self.camera.has_rate:
            self._refuse(errno.ENOTTY)
        struct.pack_into("<IIII", raw, 4, 0x1000, 0, *self.interval)

    def _s_parm(self, raw: memoryview) -> None:
        numerator, denominator = struct.unpack_from("<II", raw, 12)
        wanted = numerator / denominator
        self.interval = min(self._mode().rates, key=lambda each: abs(each[0] / each[1] - wanted))
        self._g_parm(raw)

    def _reqbufs(self, raw: memoryview) -> None:
        count, kind, memory = struct.unpack_from("<III", raw, 0)
        assert (kind, memory) == (1, 1), "memory-mapped capture buffers"
        assert not self.streaming, "REQBUFS while streaming"
        assert all(mapping.closed for mapping in self.mapped.values()), "REQBUFS with buffers mapped"
        if count and self.camera.buffers_given is not None:
            count = self.camera.buffers_given
        self.lengths = [self.camera.buffer_bytes or self.image_bytes()] * count
        self.queried, self.mapped = set(), {}
        self.queue.clear()
        struct.pack_into("<I", raw, 0, count)

    def _buffer_index(self, raw: memoryview) -> int:
        index, kind = struct.unpack_from("<II", raw, 0)
        (memory,) = struct.unpack_from("<I", raw, 60)
        assert (kind, memory) == (1, 1), "memory-mapped capture buffers"
        assert index < len(self.lengths), "a buffer that REQBUFS never gave"
        return int(index)

    def _querybuf(self, raw: memoryview) -> None:
        index = self._buffer_index(raw)
        self.queried.add(index)
        struct.pack_into("<I", raw, 12, self.camera.clock_flag)
        struct.pack_into("<I", raw, 64, index * 0x1000_0000)
        struct.pack_into("<I", raw, 72, self.lengths[index])

    def _qbuf(self, raw: memoryview) -> None:
        index = self._buffer_index(raw)
        assert index in self.mapped, "QBUF before mmap"
        assert index not in self.queue, "QBUF of a buffer that the driver has"
        self.mapped[index][:] = bytes([POISON]) * self.lengths[index]
        self.queue.append(index)

    def _streamon(self, raw: memoryview) -> None:
        assert struct.unpack_from("<i", raw, 0) == (1,)
        assert self.queue, "STREAMON before QBUF"
        assert not self.streaming, "STREAMON twice"
        self.streaming = True

    def _streamoff(self, raw: memoryview) -> None:
        assert struct.unpack_from("<i", raw, 0) == (1,)
        assert self.streaming, "STREAMOFF without STREAMON"
        self.streaming = False
        self.queue.clear()

    def _dqbuf(self, raw: memoryview) -> None:
        self._buffer_index(raw)
        assert self.streaming, "DQBUF before STREAMON"
        assert self.queue, "DQBUF though no buffer was given to the driver"
        if not self.camera.script or isinstance(self.camera.script[0], int):
            self._refuse(errno.EAGAIN)
        item = self.camera.script.popleft()
        if isinstance(item, OSError):
            raise item
        index = self.queue.popleft()
        mapping = self.mapped[index]
        assert mapping[:] == bytes([POISON]) * len(mapping), "a buffer was written to while the driver had it"
        mapping[: len(item.content)] = item.content
        self.sequence = self.sequence + 1 if item.sequence is None else item.sequence
        stamp = (time.monotonic_ns() if item.stamp_ns is None else item.stamp_ns) // 1000
        used = len(item.content) if item.used is None else item.used
        flags = item.flags | self.camera.clock_flag
        struct.pack_into("<IIIII", raw, 0, index, 1, used, flags, self.camera.field_order)
        struct.pack_into("<qq", raw, 24, stamp // 1_000_000, stamp % 1_000_000)
        struct.pack_into("<I", raw, 56, self.sequence & 0xFFFFFFFF)
        struct.pack_into("<I", raw, 72, self.lengths[index])


def thermal_camera() -> FakeCamera:
    """YUYV first and Y16 too, 8x6 and another size."""
    return FakeCamera(
        [
            Mode(b"YUYV", [(8, 6), (4, 4)], [(1, 30), (100, 2997), (1, 9)]),
            Mode(b"Y16 ", [(8, 6), (16, 12)], [(1, 30), (1, 9)]),
        ]
    )


def camera_source(fake: FakeCamera, parameters: str = "") -> V4L2Source:
    """The source of ``v4l2:///dev/video0?PARAMETERS`` with the fake as its device."""
    described = open_source("v4l2:///dev/video0" + (f"?{parameters}" if parameters else ""))
    assert isinstance(described, V4L2Source)
    return V4L2Source(described.uri, described.device, described.wanted, fake)
