"""What a URI asks of a camera."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from edge_irdet.errors import OptionError
from edge_irdet.stream.sources.v4l2.pixels import ALIASES, CAMERA_FORMATS, CameraPixelFormat, Window
from edge_irdet.stream.uri import SourceURI, check_parameters, redact_uri

PARAMETERS = ("format", "size", "rate", "crop", "telemetry")

LARGEST_SIDE = 32768
SLOWEST_RATE, FASTEST_RATE = 0.001, 10000.0


@dataclass(frozen=True)
class TelemetryRows:
    """Rows of the camera's image that hold its telemetry instead of a picture."""

    top: int = 0
    """Rows above the picture."""

    bottom: int = 0
    """Rows below the picture."""


@dataclass(frozen=True)
class CameraRequest:
    """What is asked of a camera; None leaves it as it is set."""

    pixel_format: CameraPixelFormat | None = None
    """Pixel format; None takes the first of :data:`CAMERA_FORMATS` that the camera has."""

    size: tuple[int, int] | None = None
    """(width, height) of the camera's image, telemetry rows included."""

    rate: float | None = None
    """Frames per second."""

    telemetry: TelemetryRows = TelemetryRows()
    """Rows that are cut off."""

    crop: Window | None = None
    """Part of what is left after that; None takes all of it."""


def camera_device(uri: str, parsed: SourceURI) -> Path:
    """The device that a camera URI names.

    Raises:
        OptionError: it is not an absolute path.
    """
    path = unquote(parsed.path)
    if not path.startswith("/"):
        number = re.fullmatch(r"(?:/?dev/)?(?:video)?(\d+)", path)
        likely = f"/dev/video{number.group(1)}" if number else "/dev/videoN"
        raise OptionError(
            f"{redact_uri(uri)!r} does not name a device by its whole path", f"write v4l2://{likely}"
        )
    return Path(path)


def camera_request(uri: str, parsed: SourceURI) -> CameraRequest:
    """What a camera URI asks for.

    Raises:
        OptionError: an unknown parameter or value.
    """
    check_parameters(uri, parsed.parameters, PARAMETERS)
    given = parsed.parameters
    return CameraRequest(
        pixel_format=_pixel_format(given["format"]) if "format" in given else None,
        size=_size(given["size"]) if "size" in given else None,
        rate=_rate(given["rate"]) if "rate" in given else None,
        telemetry=_telemetry(given["telemetry"]) if "telemetry" in given else TelemetryRows(),
        crop=_crop(given["crop"]) if "crop" in given else None,
    )


def _pixel_format(value: str) -> CameraPixelFormat:
    name = value.strip().upper()
    found = CAMERA_FORMATS.get(ALIASES.get(name, name))
    if found is None:
        near = difflib.get_close_matches(name, [*CAMERA_FORMATS, *ALIASES], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise OptionError(
            f"the pixel format {value!r} cannot be read{hint}", f"choose one of: {', '.join(CAMERA_FORMATS)}"
        )
    return found


def _size(value: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", value)
    size = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    if not all(1 <= side <= LARGEST_SIDE for side in size):
        raise OptionError(
            f"size={value} is not a size in pixels", "write size=WIDTHxHEIGHT, as in size=640x512"
        )
    return size


def _rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = math.nan
    if not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise OptionError(f"rate={value} is not a number of frames per second", "write rate=30 or rate=8.6")
    return rate


def _telemetry(value: str) -> TelemetryRows:
    match = re.fullmatch(r"(top|bottom):([0-9]{1,4})", value)
    if match is None or int(match.group(2)) == 0:
        raise OptionError(
            f"telemetry={value} does not say where how many rows are",
            "write telemetry=top:2 or telemetry=bottom:2",
        )
    rows = int(match.group(2))
    return TelemetryRows(top=rows) if match.group(1) == "top" else TelemetryRows(bottom=rows)


def _crop(value: str) -> Window:
    match = re.fullmatch(r"([0-9]{1,5}),([0-9]{1,5}),([0-9]{1,5})[xX]([0-9]{1,5})", value)
    window = Window(*(int(part) for part in match.groups())) if match else Window(0, 0, 0, 0)
    if window.width < 1 or window.height < 1:
        raise OptionError(
            f"crop={value} is not a part of a picture",
            "write crop=LEFT,TOP,WIDTHxHEIGHT in pixels, as in crop=0,192,256x192",
        )
    return window
