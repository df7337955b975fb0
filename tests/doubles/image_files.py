"""Image files that tests make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

ImageWriter = Callable[[Path, NDArray[Any]], Path]


def write_image_file(path: Path, image: NDArray[Any]) -> Path:
    """Write an array as an image file, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded, content = cv2.imencode(path.suffix, image)
    assert encoded
    path.write_bytes(content.tobytes())
    return path
