"""Pixel formats of cameras, and the grey picture in their buffers."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.stream.sources.v4l2.structures import fourcc

BIG_ENDIAN = 1 << 31
"""Mark of big-endian formats in a code (``v4l2_fourcc_be``)."""

_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
"""JPEG markers (ITU-T T.81, table B.1)."""


@dataclass(frozen=True, slots=True)
class CameraPixelFormat:
    """How a camera packs its pixels, and what of them is read."""

    name: str
    """As it is asked for in a URI."""

    fourcc: int
    """The kernel's code."""

    sample: np.dtype[Any] | None
    """Of the grey value in the buffer; None for a compressed picture."""

    pitch: int
    """Bytes from one pixel to the next."""

    first: int = 0
    """Byte of the first grey value within its pixel."""

    automatic: bool = True
    """Whether it is taken where no format is asked for."""

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """Of the frames."""
        return np.uint16 if self.sample is not None and self.sample.itemsize == 2 else np.uint8


_COUNTS = np.dtype("<u2")

_FORMATS = (
    CameraPixelFormat("Y16", fourcc("Y16 "), _COUNTS, 2),
    CameraPixelFormat("Y16_BE", fourcc("Y16 ") | BIG_ENDIAN, np.dtype(">u2"), 2),
    CameraPixelFormat("Y14", fourcc("Y14 "), _COUNTS, 2),
    CameraPixelFormat("Y12", fourcc("Y12 "), _COUNTS, 2),
    CameraPixelFormat("Y10", fourcc("Y10 "), _COUNTS, 2),
    CameraPixelFormat("GREY", fourcc("GREY"), np.dtype("u1"), 1),
    CameraPixelFormat("YUYV", fourcc("YUYV"), np.dtype("u1"), 2),
    CameraPixelFormat("UYVY", fourcc("UYVY"), np.dtype("u1"), 2, first=1),
    CameraPixelFormat("MJPG", fourcc("MJPG"), None, 0),
    # Nobody but the user can know that what the camera calls YUYV are counts.
    CameraPixelFormat("YUYV_AS_Y16", fourcc("YUYV"), _COUNTS, 2, automatic=False),
)

CAMERA_FORMATS = {each.name: each for each in _FORMATS}
"""All that can be read, by name; where none is asked for, the first one that the camera has is taken."""

ALIASES = {"MONO16": "Y16", "MONO8": "GREY", "Y8": "GREY", "MJPEG": "MJPG", "YUY2": "YUYV"}
"""Other names in use."""


def format_of_code(code: int) -> CameraPixelFormat | None:
    """The format of a kernel's code, as it is read where nobody says more; None: it cannot be read."""
    return next((each for each in _FORMATS if each.automatic and each.fourcc == code), None)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the camera's image that becomes the frame, in pixels."""

    left: int
    """First column."""

    top: int
    """First row."""

    width: int
    """Columns."""

    height: int
    """Rows."""


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """Where the picture lies in a buffer."""

    pixel_format: CameraPixelFormat
    """How pixels are packed."""

    width: int
    """Of the camera's image, pixels."""

    height: int
    """Of the camera's image, pixels."""

    stride: int
    """Bytes from one row to the next; at least ``width`` pixels. Without meaning for a compressed picture."""

    window: Window
    """What becomes the frame."""

    @property
    def needed_bytes(self) -> int:
        """Bytes of a whole image; 1 for a compressed one, whose length is its own."""
        return (
            self.stride * (self.height - 1) + self.width * self.pixel_format.pitch
            if self.pixel_format.pitch
            else 1
        )

    def view(self, mapping: mmap.mmap | bytearray) -> NDArray[Any]:
        """The frame's grey values where the driver put them.

        Args:
            mapping: a buffer of at least :attr:`needed_bytes`.

        Returns:
            [H, W] of the window, in the camera's sample type; [bytes] uint8 for a compressed picture.
        """
        packed = self.pixel_format
        if packed.sample is None:
            return np.frombuffer(mapping, np.uint8)
        return np.ndarray(
            (self.window.height, self.window.width),
            packed.sample,
            mapping,
            packed.first + self.window.top * self.stride + self.window.left * packed.pitch,
            (self.stride, packed.pitch),
        )


def unpack(
    layout: ImageLayout, mapping: mmap.mmap | bytearray, view: NDArray[Any], used: int, image: NDArray[Any]
) -> str | None:
    """Copy the picture out of a buffer.

    It never raises: a traceback would keep the view, and with it the driver's buffer, alive.

    Args:
        layout: where it lies.
        mapping: the buffer.
        view: of :meth:`ImageLayout.view`.
        used: bytes that the driver has filled.
        image: [H, W] of the window, uint8 or uint16; written. Unchanged or in part written on failure.

    Returns:
        Why it could not be read, None where it was.
    """
    if used < layout.needed_bytes:
        return f"{used} of {layout.needed_bytes} bytes came"
    if layout.pixel_format.sample is not None:
        np.copyto(image, view)
        return None
    return _unpack_jpeg(layout, mapping, view, used, image)


def _unpack_jpeg(
    layout: ImageLayout, mapping: mmap.mmap | bytearray, view: NDArray[Any], used: int, image: NDArray[Any]
) -> str | None:
    # OpenCV fills up a cut-off JPEG where padding follows it; nothing may be made up here.
    scan = mapping.rfind(_START_OF_SCAN, 0, used)
    if scan < 0 or mapping.find(_END_OF_IMAGE, scan, used) < 0:
        return f"its JPEG of {used} bytes is cut off"
    try:
        decoded = cv2.imdecode(view[:used], cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        decoded = None
    if decoded is None:
        return f"its JPEG of {used} bytes cannot be decoded"
    if decoded.shape != (layout.height, layout.width):
        return f"its JPEG is {decoded.shape[1]}x{decoded.shape[0]}, not {layout.width}x{layout.height}"
    window = layout.window
    np.copyto(
        image, decoded[window.top : window.top + window.height, window.left : window.left + window.width]
    )
    return None
