"""Image files to arrays, with a reason where that fails.

``cv2.imread`` returns ``None`` for an empty file, a missing file, a truncated file and, on some systems, any
path outside ASCII. Here the bytes are read by Python and each case gets its own message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import DatasetImageError

IMAGE_SUFFIXES = frozenset({".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".pgm", ".webp"})
"""Lower-case suffixes of the files that count as images when a folder is listed."""


def decode_image(path: Path) -> NDArray[Any]:
    """Decode an image file exactly as stored: bit depth and channels are kept, no orientation tag is applied.

    Args:
        path: the file; any characters are fine. Of a multi-page file the first page is decoded.

    Returns:
        [H, W] for one channel, else [H, W, channels] in blue, green, red(, alpha) order; dtype as stored.

    Raises:
        DatasetImageError: the file is missing, unreadable, empty, cut short or not an image.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetImageError(f"{path} is not there", f"check the folder: ls {path.parent}") from None
    except OSError as error:
        raise DatasetImageError(
            f"{path} cannot be read: {error.strerror or error}", f"check it: ls -l {path}"
        ) from error
    if not content:
        raise DatasetImageError(f"{path} is empty (0 bytes)", "copy or download the file again")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DatasetImageError(
            f"{path} cannot be decoded: {error.err}", f"look at it: file {path}"
        ) from error
    if image is None or _is_jpeg_cut_short(content):
        raise DatasetImageError(
            f"{path} ({len(content)} bytes) is not an image that OpenCV can decode, or it is cut short",
            f"look at it: file {path}; then copy or download it again",
        )
    return image


def _is_jpeg_cut_short(content: bytes) -> bool:
    """Whether the end-of-image marker is missing after the last scan of a JPEG file.

    OpenCV 4 fills the missing rows of such a file with grey and says nothing. Inside scan data both markers
    are escaped, so they cannot turn up there by chance (ITU T.81, B.1.1.5).
    """
    return content.startswith(b"\xff\xd8") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda")


def read_grey_image(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode an image file to one grey channel of 8 or 16 bits.

    Three channels are reduced with the usual luma weights (0.114 blue, 0.587 green, 0.299 red), which leaves
    a grey picture stored as colour bit-exact.

    Returns:
        [H, W], uint8 or uint16 as stored.

    Raises:
        DatasetImageError: as :func:`decode_image`, or the image has an alpha channel, another channel count,
            or a depth other than 8 or 16 bits unsigned.
    """
    image = decode_image(path)
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
