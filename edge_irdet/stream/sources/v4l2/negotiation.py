"""Agreeing with a camera's driver on what it gives, and holding it to that."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from edge_irdet.errors import CameraError
from edge_irdet.stream.sources.v4l2 import structures as v4l2
from edge_irdet.stream.sources.v4l2.description import OfferedFormat, offered_formats, rate_of
from edge_irdet.stream.sources.v4l2.device import VideoDevice, camera_error
from edge_irdet.stream.sources.v4l2.pixels import CAMERA_FORMATS, CameraPixelFormat, ImageLayout, Window
from edge_irdet.stream.sources.v4l2.request import LARGEST_SIDE, CameraRequest

RATE_TOLERANCE = 0.01
"""By which share a rate may differ from the one asked for: 29.97 is what is meant by 30."""

_WHOLE_PICTURES = {
    v4l2.FIELD_ANY: "",  # against the specification, and seen
    v4l2.FIELD_NONE: "",
    v4l2.FIELD_TOP: ", top fields only",
    v4l2.FIELD_BOTTOM: ", bottom fields only",
    v4l2.FIELD_INTERLACED: ", interlaced",
    v4l2.FIELD_INTERLACED_TB: ", interlaced",
    v4l2.FIELD_INTERLACED_BT: ", interlaced",
}
"""Orders of a video's fields in which each buffer is one picture, and how they are named."""


@dataclass(frozen=True)
class Agreement:
    """What the driver gives from now on."""

    layout: ImageLayout
    """Where the picture lies in its buffers."""

    rate: float | None
    """Frames per second that it states; None where it states none."""

    description: str
    """All of it in words, such as ``Y16 640x512 at 60 fps``."""


def negotiate(path: Path, device: VideoDevice, request: CameraRequest) -> Agreement:
    """Set the camera to what is asked for.

    A driver answers a wish that it cannot fulfil with the nearest thing it has, and no error: its answer is
    compared here, and before anything is changed where the driver can be asked first (``VIDIOC_TRY_FMT``).

    Raises:
        CameraError: it gives something else; the message lists what it has.
        OSError: the device is busy or lost.
    """
    offered = offered_formats(device)
    packed = request.pixel_format or _preferred(path, offered)
    current = _current_format(device)
    wish = v4l2.PixelFormatDescription(
        width=request.size[0] if request.size else current.width,
        height=request.size[1] if request.size else current.height,
        pixelformat=packed.fourcc,
        field=v4l2.FIELD_NONE,
    )
    try:
        _require_granted(path, request, packed, _ask_format(device, v4l2.TRY_FMT, wish), offered)
    except OSError as error:
        if error.errno != errno.ENOTTY:
            raise camera_error(path, error, f"the format {packed.name} {wish.width}x{wish.height}") from error
    try:
        granted = _ask_format(device, v4l2.S_FMT, wish)
    except OSError as error:
        raise camera_error(path, error, f"the format {packed.name} {wish.width}x{wish.height}") from error
    _require_granted(path, request, packed, granted, offered)
    layout = _layout(path, request, packed, granted)
    rate = _set_rate(path, device, request.rate, offered, layout)
    return Agreement(layout, rate, _describe(layout, rate, granted, request, offered))


def _preferred(path: Path, offered: tuple[OfferedFormat, ...]) -> CameraPixelFormat:
    names = {each.name for each in offered}
    for packed in CAMERA_FORMATS.values():
        if packed.name in names:
            return packed
    raise CameraError(
        f"{path} has no pixel format that can be read here; it has: {_listing(offered)}",
        f"readable are {', '.join(CAMERA_FORMATS)}; set the camera to one of them, or use another camera",
    )


def _current_format(device: VideoDevice) -> v4l2.PixelFormatDescription:
    answer = v4l2.Format(type=v4l2.BUF_TYPE_VIDEO_CAPTURE)
    device.ioctl(v4l2.G_FMT, answer)
    return answer.pix  # type: ignore[no-any-return]


def _ask_format(
    device: VideoDevice, request: int, wish: v4l2.PixelFormatDescription
) -> v4l2.PixelFormatDescription:
    answer = v4l2.Format(type=v4l2.BUF_TYPE_VIDEO_CAPTURE, pix=wish)
    device.ioctl(request, answer)
    return answer.pix  # type: ignore[no-any-return]


def _require_granted(
    path: Path,
    request: CameraRequest,
    packed: CameraPixelFormat,
    granted: v4l2.PixelFormatDescription,
    offered: tuple[OfferedFormat, ...],
) -> None:
    refused = []
    if granted.pixelformat != packed.fourcc:
        refused.append(f"format {packed.name} (it gives {v4l2.fourcc_text(granted.pixelformat)})")
    if request.size is not None and (granted.width, granted.height) != request.size:
        wanted = f"{request.size[0]}x{request.size[1]}"
        refused.append(f"size {wanted} (it gives {granted.width}x{granted.height})")
    if refused:
        raise CameraError(
            f"{path} does not give {' and '.join(refused)}; it has: {_listing(offered)}",
            "ask for one it has: edge-irdet sources",
        )


def _layout(
    path: Path, request: CameraRequest, packed: CameraPixelFormat, granted: v4l2.PixelFormatDescription
) -> ImageLayout:
    width, height, stride = int(granted.width), int(granted.height), int(granted.bytesperline)
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise CameraError(
            f"{path} states a picture of {width}x{height}", "name a size it has: edge-irdet sources"
        )
    if granted.field not in _WHOLE_PICTURES:
        raise CameraError(
            f"{path} gives half pictures in turn (field order {granted.field})",
            "set its driver to interlaced or progressive pictures: v4l2-ctl --set-fmt-video field=interlaced",
        )
    stride = stride or width * packed.pitch  # 0 where the driver does not say
    if stride < width * packed.pitch or stride > 2**24:
        raise CameraError(
            f"{path} states {stride} bytes per row for {width} pixels of {packed.name}",
            "its driver is faulty for this format; ask for another: edge-irdet sources",
        )
    return ImageLayout(packed, width, height, stride, _window(path, request, width, height))


def _window(path: Path, request: CameraRequest, width: int, height: int) -> Window:
    rows = height - request.telemetry.top - request.telemetry.bottom
    if rows < 1:
        raise CameraError(
            f"{path} gives {height} rows: none are left without its telemetry of "
            f"{request.telemetry.top + request.telemetry.bottom}",
            "correct telemetry= in the URI",
        )
    crop = request.crop or Window(0, 0, width, rows)
    if crop.left + crop.width > width or crop.top + crop.height > rows:
        raise CameraError(
            f"crop={crop.left},{crop.top},{crop.width}x{crop.height} lies outside the {width}x{rows} picture "
            f"of {path}",
            "crop=LEFT,TOP,WIDTHxHEIGHT counts in the picture that is left without telemetry rows",
        )
    return Window(crop.left, crop.top + request.telemetry.top, crop.width, crop.height)


def _set_rate(
    path: Path,
    device: VideoDevice,
    wanted: float | None,
    offered: tuple[OfferedFormat, ...],
    layout: ImageLayout,
) -> float | None:
    answer = v4l2.StreamParameters(type=v4l2.BUF_TYPE_VIDEO_CAPTURE)
    try:
        device.ioctl(v4l2.G_PARM, answer)
        settable = bool(answer.capture.capability & v4l2.CAP_TIMEPERFRAME)
        if wanted is not None and settable:
            interval = 1 / Fraction(wanted).limit_denominator(1001)
            answer.capture.timeperframe = v4l2.Fraction(interval.numerator, interval.denominator)
            device.ioctl(v4l2.S_PARM, answer)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EINVAL):
            raise camera_error(path, error, "the frame rate") from error
        answer.capture.timeperframe = v4l2.Fraction(0, 0)
    rate = rate_of(answer.capture.timeperframe)
    if wanted is not None and (rate is None or abs(rate - wanted) > RATE_TOLERANCE * wanted):
        given = "it does not say at what rate" if rate is None else f"it gives {rate:.4g}"
        raise CameraError(
            f"{path} does not give {wanted:g} frames per second at {layout.width}x{layout.height} ({given}); "
            f"it has: {_listing(offered)}",
            "omit rate=, or ask for one it has: edge-irdet sources",
        )
    return rate


def _listing(offered: tuple[OfferedFormat, ...]) -> str:
    return "; ".join(str(each) for each in offered) or "nothing that its driver lists"


def _describe(
    layout: ImageLayout,
    rate: float | None,
    granted: v4l2.PixelFormatDescription,
    request: CameraRequest,
    offered: tuple[OfferedFormat, ...],
) -> str:
    text = f"{layout.pixel_format.name} {layout.width}x{layout.height}{_WHOLE_PICTURES[granted.field]}"
    text += f" at {rate:.4g} fps" if rate else ", frame rate not stated"
    window = layout.window
    if (window.width, window.height) != (layout.width, layout.height):
        text += f", of it {window.width}x{window.height} from column {window.left}, row {window.top}"
    if request.pixel_format is None and len(offered) > 1:
        text += f", format chosen out of {', '.join(each.name for each in offered)}"
    return text
