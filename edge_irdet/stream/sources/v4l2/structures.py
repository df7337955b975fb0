"""The part of the kernel's V4L2 interface that reading a camera needs, for 64-bit Linux.

Layouts and numbers are those of ``linux/videodev2.h`` (kernel documentation, "Video for Linux API"); they are
the same on x86-64 and aarch64. ``tests/stream/sources/test_v4l2_structures.py`` holds them against what a C
compiler makes of the header. Fields and constants keep the header's names, in Python's spelling.

No library is used for this because none fits: linuxpy, v4l2py and v4l2-python3 are GPL, qamlib has no aarch64
wheels, and videodev2 (BSD-3) lacks the enumeration of sizes and intervals.
"""

from __future__ import annotations

import ctypes
from typing import ClassVar

BUF_TYPE_VIDEO_CAPTURE = 1
MEMORY_MMAP = 1

CAP_VIDEO_CAPTURE = 0x0000_0001
CAP_VIDEO_OUTPUT = 0x0000_0002
CAP_VIDEO_CAPTURE_MPLANE = 0x0000_1000
CAP_VIDEO_OUTPUT_MPLANE = 0x0000_2000
CAP_VIDEO_M2M_MPLANE = 0x0000_4000
CAP_VIDEO_M2M = 0x0000_8000
CAP_META_CAPTURE = 0x0080_0000
CAP_STREAMING = 0x0400_0000
CAP_DEVICE_CAPS = 0x8000_0000

CAP_TIMEPERFRAME = 0x1000

FIELD_ANY = 0
FIELD_NONE = 1
FIELD_TOP = 2
FIELD_BOTTOM = 3
FIELD_INTERLACED = 4
FIELD_INTERLACED_TB = 8
FIELD_INTERLACED_BT = 9

FRMSIZE_TYPE_DISCRETE = 1
FRMIVAL_TYPE_DISCRETE = 1

BUF_FLAG_ERROR = 0x0000_0040
BUF_FLAG_TIMESTAMP_MASK = 0x0000_E000
BUF_FLAG_TIMESTAMP_MONOTONIC = 0x0000_2000

VIDEO_MAJOR = 81
"""Major number of every V4L2 character device (kernel documentation, "Linux allocated devices")."""


class Capability(ctypes.Structure):
    """``struct v4l2_capability``."""

    _fields_: ClassVar = [
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    ]


class FormatDescription(ctypes.Structure):
    """``struct v4l2_fmtdesc``."""

    _fields_: ClassVar = [
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", ctypes.c_uint32),
        ("mbus_code", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    ]


class Fraction(ctypes.Structure):
    """``struct v4l2_fract``."""

    _fields_: ClassVar = [("numerator", ctypes.c_uint32), ("denominator", ctypes.c_uint32)]


class FrameSizeStepwise(ctypes.Structure):
    """``struct v4l2_frmsize_stepwise``."""

    _fields_: ClassVar = [
        ("min_width", ctypes.c_uint32),
        ("max_width", ctypes.c_uint32),
        ("step_width", ctypes.c_uint32),
        ("min_height", ctypes.c_uint32),
        ("max_height", ctypes.c_uint32),
        ("step_height", ctypes.c_uint32),
    ]


class FrameSizeDiscrete(ctypes.Structure):
    """``struct v4l2_frmsize_discrete``."""

    _fields_: ClassVar = [("width", ctypes.c_uint32), ("height", ctypes.c_uint32)]


class _FrameSizeUnion(ctypes.Union):
    _fields_: ClassVar = [("discrete", FrameSizeDiscrete), ("stepwise", FrameSizeStepwise)]


class FrameSizeEnumeration(ctypes.Structure):
    """``struct v4l2_frmsizeenum``."""

    _anonymous_ = ("size",)
    _fields_: ClassVar = [
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("size", _FrameSizeUnion),
        ("reserved", ctypes.c_uint32 * 2),
    ]


class FrameIntervalStepwise(ctypes.Structure):
    """``struct v4l2_frmival_stepwise``."""

    _fields_: ClassVar = [("min", Fraction), ("max", Fraction), ("step", Fraction)]


class _FrameIntervalUnion(ctypes.Union):
    _fields_: ClassVar = [("discrete", Fraction), ("stepwise", FrameIntervalStepwise)]


class FrameIntervalEnumeration(ctypes.Structure):
    """``struct v4l2_frmivalenum``."""

    _anonymous_ = ("interval",)
    _fields_: ClassVar = [
        ("index", ctypes.c_uint32),
        ("pixel_format", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("interval", _FrameIntervalUnion),
        ("reserved", ctypes.c_uint32 * 2),
    ]


class PixelFormatDescription(ctypes.Structure):
    """``struct v4l2_pix_format``."""

    _fields_: ClassVar = [
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("pixelformat", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("bytesperline", ctypes.c_uint32),
        ("sizeimage", ctypes.c_uint32),
        ("colorspace", ctypes.c_uint32),
        ("priv", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("ycbcr_enc", ctypes.c_uint32),
        ("quantization", ctypes.c_uint32),
        ("xfer_func", ctypes.c_uint32),
    ]


class Format(ctypes.Structure):
    """``struct v4l2_format``: its union holds pointers for other types, which aligns it to 8 bytes."""

    _fields_: ClassVar = [
        ("type", ctypes.c_uint32),
        ("alignment", ctypes.c_uint32),
        ("pix", PixelFormatDescription),
        ("rest_of_union", ctypes.c_uint8 * (200 - ctypes.sizeof(PixelFormatDescription))),
    ]


class CaptureParameters(ctypes.Structure):
    """``struct v4l2_captureparm``."""

    _fields_: ClassVar = [
        ("capability", ctypes.c_uint32),
        ("capturemode", ctypes.c_uint32),
        ("timeperframe", Fraction),
        ("extendedmode", ctypes.c_uint32),
        ("readbuffers", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 4),
    ]


class StreamParameters(ctypes.Structure):
    """``struct v4l2_streamparm``."""

    _fields_: ClassVar = [
        ("type", ctypes.c_uint32),
        ("capture", CaptureParameters),
        ("rest_of_union", ctypes.c_uint8 * (200 - ctypes.sizeof(CaptureParameters))),
    ]


class RequestBuffers(ctypes.Structure):
    """``struct v4l2_requestbuffers``."""

    _fields_: ClassVar = [
        ("count", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("flags", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 3),
    ]


class TimeValue(ctypes.Structure):
    """``struct timeval`` of 64-bit Linux."""

    _fields_: ClassVar = [("tv_sec", ctypes.c_int64), ("tv_usec", ctypes.c_int64)]


class TimeCode(ctypes.Structure):
    """``struct v4l2_timecode``."""

    _fields_: ClassVar = [
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("frames", ctypes.c_uint8),
        ("seconds", ctypes.c_uint8),
        ("minutes", ctypes.c_uint8),
        ("hours", ctypes.c_uint8),
        ("userbits", ctypes.c_uint8 * 4),
    ]


class _BufferMemory(ctypes.Union):
    _fields_: ClassVar = [("offset", ctypes.c_uint32), ("userptr", ctypes.c_uint64)]


class Buffer(ctypes.Structure):
    """``struct v4l2_buffer``."""

    _fields_: ClassVar = [
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("bytesused", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("timestamp", TimeValue),
        ("timecode", TimeCode),
        ("sequence", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("m", _BufferMemory),
        ("length", ctypes.c_uint32),
        ("reserved2", ctypes.c_uint32),
        ("request_fd", ctypes.c_int32),
    ]


def _request(direction: int, number: int, argument: type[ctypes.Structure] | type[ctypes.c_int]) -> int:
    """An ioctl's number, by the kernel's generic encoding (``asm-generic/ioctl.h``)."""
    return direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number


_WRITE, _READ = 1, 2

QUERYCAP = _request(_READ, 0, Capability)
ENUM_FMT = _request(_READ | _WRITE, 2, FormatDescription)
G_FMT = _request(_READ | _WRITE, 4, Format)
S_FMT = _request(_READ | _WRITE, 5, Format)
REQBUFS = _request(_READ | _WRITE, 8, RequestBuffers)
QUERYBUF = _request(_READ | _WRITE, 9, Buffer)
QBUF = _request(_READ | _WRITE, 15, Buffer)
DQBUF = _request(_READ | _WRITE, 17, Buffer)
STREAMON = _request(_WRITE, 18, ctypes.c_int)
STREAMOFF = _request(_WRITE, 19, ctypes.c_int)
G_PARM = _request(_READ | _WRITE, 21, StreamParameters)
S_PARM = _request(_READ | _WRITE, 22, StreamParameters)
TRY_FMT = _request(_READ | _WRITE, 64, Format)
ENUM_FRAMESIZES = _request(_READ | _WRITE, 74, FrameSizeEnumeration)
ENUM_FRAMEINTERVALS = _request(_READ | _WRITE, 75, FrameIntervalEnumeration)


def fourcc(code: str) -> int:
    """The number of a four-character pixel format code."""
    return int.from_bytes(code.encode("ascii"), "little")


def fourcc_text(number: int) -> str:
    """A pixel format code as text, such as ``Y16`` or, big-endian, ``Y16-BE``."""
    code = (number & 0x7FFF_FFFF).to_bytes(4, "little").decode("ascii", "replace").rstrip()
    text = "".join(character if character.isprintable() else "?" for character in code)
    return f"{text}-BE" if number >> 31 else text
