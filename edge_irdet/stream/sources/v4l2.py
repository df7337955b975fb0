"""V4L2 cameras, through OpenCV's V4L2 backend without its conversion to 8-bit BGR."""

from __future__ import annotations

import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import CameraError, OptionError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.sources.uri import SourceURI, check_parameters

PARAMETERS = ("format", "size", "rate")
FOURCC = {"Y16": "Y16 ", "GREY": "GREY", "YUYV": "YUYV", "MJPG": "MJPG"}
"""Pixel formats that can be asked for, with their V4L2 codes."""


@dataclass(frozen=True)
class CameraFormat:
    """What to ask the camera for; None keeps what it is set to."""

    pixel_format: str | None = None
    """Key of :data:`FOURCC`."""

    size: tuple[int, int] | None = None
    """(width, height)."""

    rate: float | None = None
    """Frames a second."""


class V4L2Source(Source):
    """Frames of a V4L2 camera: GREY, the luma of YUYV and MJPG, all 16 bits of Y16.

    Args:
        uri: as the user wrote it.
        device: for example ``/dev/video0``.
        wanted: format to ask for.
    """

    usage: ClassVar[str] = (
        "/dev/videoN or v4l2:///dev/videoN?format=Y16|GREY|YUYV|MJPG&size=640x512&rate=30   V4L2 camera"
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, device: Path, wanted: CameraFormat) -> None:
        super().__init__(uri)
        self.device = device
        self.wanted = wanted
        self._capture: cv2.VideoCapture | None = None
        self._sequence = 0
        self._shape: tuple[int, ...] | None = None

    @property
    def rate(self) -> float | None:
        """Frames a second that the driver states."""
        if self._capture is None:
            return None
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        return rate if rate > 0 else None

    def open(self) -> None:
        """Open the camera and set its format.

        Raises:
            CameraError: no such device, not a video device, busy, or it refuses the format.
        """
        self._require_device()
        capture = cv2.VideoCapture(str(self.device), cv2.CAP_V4L2, [cv2.CAP_PROP_CONVERT_RGB, 0])
        if not capture.isOpened():
            raise CameraError(
                f"{self.device} cannot be opened: it is busy or is no capture device",
                f"see who holds it: fuser -v {self.device}; see what it can: v4l2-ctl -d {self.device} --all",
            )
        self._capture = capture
        self._sequence, self._shape = 0, None
        try:
            self._negotiate(capture)
        except CameraError:
            self.close()
            raise

    def read(self) -> Frame | None:
        """The next frame.

        Raises:
            CameraError: the camera gave no frame, or one of a form that is not understood.
        """
        if self._capture is None:
            return None
        good, raw = self._capture.read()
        captured = time.monotonic_ns()
        if not good:
            raise CameraError(
                f"{self.device} gave no frame after {self._sequence} good ones",
                f"check cable and power, then: v4l2-ctl -d {self.device} --all",
            )
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        image = grey_of_raw(raw, (height, width))
        changed = self._shape is not None and image.shape != self._shape
        self._shape = image.shape
        frame = Frame(image, self._sequence, captured, self.uri, pixel_format_of(image), changed)
        self._sequence += 1
        return frame

    def close(self) -> None:
        """Give the camera back."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _require_device(self) -> None:
        try:
            mode = self.device.stat().st_mode
        except OSError as error:
            raise CameraError(
                f"there is no camera {self.device} ({error.strerror})", "list the cameras: ls /dev/video*"
            ) from error
        if not stat.S_ISCHR(mode):
            raise CameraError(f"{self.device} is not a device", "list the cameras: ls /dev/video*")

    def _negotiate(self, capture: cv2.VideoCapture) -> None:
        wanted = self.wanted
        if wanted.pixel_format is not None:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*FOURCC[wanted.pixel_format]))
        if wanted.size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.size[1])
        if wanted.rate is not None:
            capture.set(cv2.CAP_PROP_FPS, wanted.rate)
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
        size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
        refused = []
        if wanted.pixel_format is not None and code != FOURCC[wanted.pixel_format]:
            refused.append(f"format {wanted.pixel_format} (it gives {code!r})")
        if wanted.size is not None and size != wanted.size:
            refused.append(f"size {wanted.size[0]}x{wanted.size[1]} (it gives {size[0]}x{size[1]})")
        if refused:
            raise CameraError(
                f"{self.device} refuses {' and '.join(refused)}",
                f"choose one it has: v4l2-ctl -d {self.device} --list-formats-ext",
            )


def grey_of_raw(raw: NDArray[Any], size: tuple[int, int]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The grey plane of what OpenCV's V4L2 backend gives without conversion.

    Args:
        raw: [H, W] of GREY or Y16; [H, W, 2] of YUYV, luma first; [1, bytes] of MJPG.
        size: (height, width) that the driver states.

    Raises:
        CameraError: none of these.
    """
    if raw.ndim == 2 and raw.shape == size and raw.dtype in (np.uint8, np.uint16):
        return raw
    if raw.ndim == 3 and raw.shape[:2] == size and raw.shape[2] == 2 and raw.dtype == np.uint8:
        return np.ascontiguousarray(raw[..., 0])
    if raw.ndim == 2 and raw.shape[0] == 1 and raw.dtype == np.uint8:
        decoded = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE)
        if decoded is not None and decoded.shape == size:
            return np.asarray(decoded, np.uint8)
    raise CameraError(
        f"the camera gave {raw.dtype} {raw.shape} for frames of {size[1]}x{size[0]}",
        "ask for a known format: v4l2:///dev/videoN?format=Y16 (or GREY, YUYV, MJPG)",
    )


def camera_format(uri: str, parsed: SourceURI) -> CameraFormat:
    """The format that a camera URI asks for.

    Raises:
        OptionError: an unknown parameter or value.
    """
    check_parameters(uri, parsed.parameters, PARAMETERS)
    given = parsed.parameters
    pixel_format = given.get("format")
    if pixel_format is not None and pixel_format not in FOURCC:
        raise OptionError(
            f"the pixel format {pixel_format!r} is not known", f"choose one of: {', '.join(FOURCC)}"
        )
    size = None
    if "size" in given:
        match = re.fullmatch(r"(\d+)x(\d+)", given["size"])
        if match is None:
            raise OptionError(f"size={given['size']} is not a size", "write size=640x512")
        size = (int(match.group(1)), int(match.group(2)))
    try:
        rate = float(given["rate"]) if "rate" in given else None
    except ValueError as error:
        raise OptionError(f"rate={given['rate']} is not a number", "write rate=30") from error
    return CameraFormat(pixel_format, size, rate)
