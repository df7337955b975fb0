"""Image files to arrays, with a reason where that fails.

``cv2.imread`` returns ``None`` for an empty file, a missing file, a truncated file and, on some systems, any
path outside ASCII. Here the bytes are read by Python and each case gets its own message.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import DatasetImageError
from edge_irdet.intake import MEBIBYTE, ContentMissingError, ContentRefusedError, read_regular_file

IMAGE_SUFFIXES = frozenset({".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm", ".webp"})
"""Lower-case suffixes of the files that count as images when a folder is listed."""

MAX_IMAGE_BYTES = 256 * MEBIBYTE
"""Largest image file that is read."""

MAX_SIDE = 16384
"""Longest side of an image that is decoded, pixels."""

ORIENTATION_MARKS = (b"Exif\0\0", b"eXIf", b"EXIF")
"""One of these stands before the EXIF data of a JPEG, PNG or WebP file."""

_NETPBM = re.compile(rb"P[1-6]\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s")


def decode_image(path: Path | str) -> NDArray[Any]:
    """Decode an image file exactly as stored: bit depth and channels are kept, no orientation tag is applied.

    Args:
        path: the file; any characters are fine. Of a multi-page file the first page is decoded.

    Returns:
        [H, W] for one channel, else [H, W, channels] in blue, green, red(, alpha) order; dtype as stored.

    Raises:
        DatasetImageError: the file is missing, not a regular file, larger than :data:`MAX_IMAGE_BYTES`,
            unreadable, empty, cut short, not an image, or longer than :data:`MAX_SIDE` on a side.
    """
    return _image(path, _content(path))


def read_upright_grey_image(path: Path | str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """As :func:`read_grey_image`, of a labelled image: one that viewers turn or mirror is refused.

    Labelling tools disagree whether labels are of the picture as stored or as shown.

    Raises:
        DatasetImageError: as :func:`read_grey_image`, or the file has an orientation tag other than 1.
    """
    content = _content(path)
    if any(mark in content for mark in ORIENTATION_MARKS):
        shown = _decoded(path, content, cv2.IMREAD_GRAYSCALE)
        stored = _decoded(path, content, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
        if shown is not None and stored is not None and not np.array_equal(shown, stored):
            raise DatasetImageError(
                f"{path} has an orientation tag: its labels may be of the picture as stored or as shown",
                f"turn the pixels and remove the tag (mogrify -auto-orient {path}), then check the labels",
            )
    return _grey(path, _image(path, content))


def stated_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that the header of a PNG, BMP, PGM or JPEG states; None for others.

    A few bytes can state a picture that fills the memory, so the header is asked before it is decoded.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if content.startswith(b"BM") and len(content) >= 26:
        width, height = struct.unpack_from("<ii", content, 18)
        return abs(width), abs(height)
    if (match := _NETPBM.match(content)) is not None:
        return int(match[1]), int(match[2])
    if content.startswith(b"\xff\xd8"):
        return _stated_size_of_jpeg(content)
    return None


def _stated_size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        position += 2 + length
    return None


def _content(path: Path | str) -> bytes:
    path = Path(path)
    try:
        content = read_regular_file(path, MAX_IMAGE_BYTES)
    except ContentMissingError:
        raise DatasetImageError(f"{path} is not there", f"check the folder: ls {path.parent}") from None
    except ContentRefusedError as error:
        raise DatasetImageError(f"{path} {error.reason}", f"check it: ls -l {path}") from error
    if not content:
        raise DatasetImageError(f"{path} is empty (0 bytes)", "copy or download the file again")
    return content


def _image(path: Path | str, content: bytes) -> NDArray[Any]:
    stated = stated_size(content)
    if stated is not None and max(stated) > MAX_SIDE:
        raise DatasetImageError(
            f"{path} states {stated[0]}x{stated[1]} pixels; sides up to {MAX_SIDE} are read",
            f"look at it: file {path}",
        )
    image = _decoded(path, content, cv2.IMREAD_UNCHANGED)
    if image is None or _is_jpeg_cut_short(content):
        raise DatasetImageError(
            f"{path} ({len(content)} bytes) is not an image that OpenCV can decode, or it is cut short",
            f"look at it: file {path}; then copy or download it again",
        )
    return image


def _decoded(path: Path | str, content: bytes, flags: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise DatasetImageError(
            f"{path} cannot be decoded: {error.err}", f"look at it: file {path}"
        ) from error


def _is_jpeg_cut_short(content: bytes) -> bool:
    """Whether the end-of-image marker is missing after the last scan of a JPEG file.

    OpenCV 4 fills the missing rows of such a file with grey and says nothing. Inside scan data both markers
    are escaped, so they cannot turn up there by chance (ITU T.81, B.1.1.5).
    """
    return content.startswith(b"\xff\xd8") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")


def read_grey_image(path: Path | str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode an image file to one grey channel of 8 or 16 bits.

    Three channels are reduced to grey = (3735 B + 19235 G + 9798 R + 16384) >> 15, which leaves a grey
    picture stored as colour bit-exact.

    Returns:
        [H, W], uint8 or uint16 as stored.

    Raises:
        DatasetImageError: as :func:`decode_image`, or the image has an alpha channel, another channel count,
            or a depth other than 8 or 16 bits unsigned.
    """
    return _grey(path, decode_image(path))


def _grey(path: Path | str, image: NDArray[Any]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if image.dtype not in (np.uint8, np.uint16):
        raise DatasetImageError(
            f"{path} holds {image.dtype} values; only 8- and 16-bit unsigned images have a known range",
            "convert it to 16-bit grey PNG with a scale you choose",
        )
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        channels = 1
    if channels != 1:
        raise DatasetImageError(
            f"{path} has {channels} channels; what a transparent pixel should count as is not known",
            f"write it without alpha: convert {path} -alpha off -colorspace Gray NEW.png",
        )
    grey: NDArray[np.uint8] | NDArray[np.uint16] = image.reshape(image.shape[:2])
    return grey
