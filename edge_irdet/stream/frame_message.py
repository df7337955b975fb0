"""The bytes in which a host process hands frames over; docs/guides/sources.md has the table."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from edge_irdet.errors import CameraError
from edge_irdet.stream.frame import PixelFormat

MAX_SIDE = 8192
"""Largest width and height."""

MAX_PIXELS = 1 << 24
"""Largest product of the two, which bounds the memory that a broken or hostile host can ask for."""

_CODES = {PixelFormat.GREY: b"GREY", PixelFormat.Y16: b"Y16 "}
_FORMATS = {code: pixel_format for pixel_format, code in _CODES.items()}


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What precedes each frame's pixels: 48 bytes, little-endian, no padding."""

    STRUCT: ClassVar[struct.Struct] = struct.Struct("<4sHHII4sIQqQ")
    """Magic, version, size of the header, width, height, format, zero, sequence, capture_ns, pixel bytes."""

    MAGIC: ClassVar[bytes] = b"EIRF"
    VERSION: ClassVar[int] = 1

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    pixel_format: PixelFormat
    """GREY: one byte per pixel; Y16: two, little-endian. Rows follow one another without gaps."""

    sequence: int
    """Counted by the host, one more for each frame that it captured, sent or not."""

    capture_ns: int
    """CLOCK_MONOTONIC of the same machine, ns; 0 where the host does not know."""

    @property
    def payload_bytes(self) -> int:
        """Bytes of the pixels."""
        return self.width * self.height * (2 if self.pixel_format is PixelFormat.Y16 else 1)

    def pack(self) -> bytes:
        """The header's bytes."""
        return self.STRUCT.pack(
            self.MAGIC,
            self.VERSION,
            self.STRUCT.size,
            self.width,
            self.height,
            _CODES[self.pixel_format],
            0,
            self.sequence,
            self.capture_ns,
            self.payload_bytes,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray) -> FrameHeader:
        """The header that these bytes are.

        Args:
            data: 48 bytes.

        Raises:
            CameraError: they are not a header of this version, or describe a frame that cannot be.
        """
        magic, version, size, width, height, code, zero, sequence, capture_ns, payload = cls.STRUCT.unpack(
            data
        )
        if magic != cls.MAGIC:
            raise _violation(f"begins with {magic!r} where a frame's header begins with {cls.MAGIC!r}")
        if version != cls.VERSION or size != cls.STRUCT.size or zero != 0:
            raise _violation(
                f"is of version {version} with {size} bytes and flags {zero:#x}; "
                f"known is version {cls.VERSION} with {cls.STRUCT.size} bytes and no flags"
            )
        if code not in _FORMATS:
            raise _violation(f"names the pixel format {code!r}; known are {', '.join(map(repr, _FORMATS))}")
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
            raise _violation(
                f"names {width}x{height} pixels; sides go to {MAX_SIDE} and their product to {MAX_PIXELS}"
            )
        header = cls(width, height, _FORMATS[code], sequence, capture_ns)
        if payload != header.payload_bytes:
            raise _violation(
                f"announces {payload} bytes of pixels; {width}x{height} {header.pixel_format.value} "
                f"are {header.payload_bytes}"
            )
        return header


def _violation(what: str) -> CameraError:
    return CameraError(
        f"what the host sent {what}", "compare the host's code with the table in docs/guides/sources.md"
    )
