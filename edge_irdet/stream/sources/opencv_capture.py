"""OpenCV's captures: opening them without letting them write to the terminal, and what FFmpeg's give."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.stream.image_pool import ImagePool

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
"""Environment variable from which OpenCV takes FFmpeg's format options, each time it opens a capture."""

OPENCV_DEFAULT_OPTIONS = "rtsp_flags;prefer_tcp"
"""What OpenCV uses where the variable is not set (opencv/modules/videoio/src/cap_ffmpeg_impl.hpp)."""

LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
"""Environment variable from which OpenCV takes FFmpeg's log level, each time it opens a capture."""

FFMPEG_QUIET = "-8"
"""AV_LOG_QUIET."""

GREY16_CODE = int.from_bytes(b"Y1\x00\x10", "little")
"""FFmpeg's code of gray16le, as OpenCV reports a codec's pixel format."""

HIGH_DEPTHS = (9, 10, 12, 14, 16)
"""Last byte of FFmpeg's codes of formats with more than 8 bits; the first is a Y."""

LOG_NOTHING, LOG_ERRORS = 0, 2
"""OpenCV's log levels (opencv/modules/core/include/opencv2/core/utils/logger.defines.hpp)."""

_opening = threading.Lock()
_logging = threading.Lock()
_quiet_users = 0
_level_before = 0


def open_ffmpeg(url: str, options: str, parameters: list[int]) -> cv2.VideoCapture:
    """Open a URL with FFmpeg options of its own; the capture may turn out not to be opened.

    The options pass through an environment variable of the process, so one opening waits for another; OpenCV
    opens FFmpeg captures one after another anyway. Options that the user has set in the variable come last,
    so they win. FFmpeg's log, which prints whole URLs, is turned off unless the user has set its level.

    Args:
        url: as FFmpeg wants it, with credentials.
        options: ``name;value|name;value``.
        parameters: for ``cv2.VideoCapture``: properties and values in turn.
    """
    with _opening:
        # Left set: without it OpenCV would bring the log back, and write it to standard output.
        os.environ.setdefault(LOG_LEVEL, FFMPEG_QUIET)
        of_user = os.environ.get(OPTIONS)
        os.environ[OPTIONS] = options if of_user is None else f"{options}|{of_user}"
        try:
            with quiet_opencv():
                return cv2.VideoCapture(url, cv2.CAP_FFMPEG, parameters)
        finally:
            # Never removed: libraries in other threads may be reading the environment, which is safe while
            # values are replaced but not while variables come and go.
            os.environ[OPTIONS] = OPENCV_DEFAULT_OPTIONS if of_user is None else of_user


def cut_depth(capture: cv2.VideoCapture) -> int | None:
    """Bits per pixel of a video that OpenCV's FFmpeg would silently cut down to 8; None where it does not."""
    code = int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT))
    if code != GREY16_CODE and chr(code & 0xFF) == "Y" and code >> 24 in HIGH_DEPTHS:
        return code >> 24
    return None


def is_grey16(capture: cv2.VideoCapture) -> bool:
    """Whether a video is 16-bit grey, which OpenCV hands over whole where its conversion is turned off."""
    return int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) == GREY16_CODE


def grey_of_decoded(raw: NDArray[Any], pool: ImagePool) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """The grey picture of what FFmpeg decoded, in an image of the pool.

    Args:
        raw: [H, W, 3] uint8 BGR, or [H, W] uint16.
        pool: gives the image.

    Returns:
        [H, W] uint8 or uint16; None where it is neither.
    """
    shape = (raw.shape[0], raw.shape[1])
    if raw.ndim == 3 and raw.shape[2] == 3 and raw.dtype == np.uint8:
        image = pool.take(shape, np.uint8)
        cv2.cvtColor(raw, cv2.COLOR_BGR2GRAY, dst=image)
        return image
    if raw.ndim == 2 and raw.dtype == np.uint16:
        image = pool.take(shape, np.uint16)
        image[...] = raw
        return image
    return None


@contextlib.contextmanager
def quiet_opencv(level: int = LOG_ERRORS) -> Iterator[None]:
    """OpenCV logs errors only: its warnings name the sources, and a lost camera is retried for days.

    Args:
        level: :data:`LOG_ERRORS` or :data:`LOG_NOTHING`.
    """
    global _quiet_users, _level_before
    with _logging:
        if _quiet_users == 0:
            _level_before = _log_level_functions()[0]()
        _log_level_functions()[1](min(_log_level_functions()[0](), level))
        _quiet_users += 1
    try:
        yield
    finally:
        with _logging:
            _quiet_users -= 1
            if _quiet_users == 0:
                _log_level_functions()[1](_level_before)


def _log_level_functions() -> tuple[Callable[[], int], Callable[[int], int]]:
    """OpenCV 4 has them at the top, later ones in ``utils.logging``."""
    place: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    return place.getLogLevel, place.setLogLevel
