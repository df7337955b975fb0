"""What a camera says it can do, and which cameras there are."""

from __future__ import annotations

import ctypes
import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_irdet.errors import CameraError
from edge_irdet.stream.sources.v4l2 import structures as v4l2
from edge_irdet.stream.sources.v4l2.device import (
    LIST_CAMERAS,
    OpenDevice,
    VideoDevice,
    camera_error,
    open_kernel_device,
)
from edge_irdet.stream.sources.v4l2.pixels import format_of_code

MOST_ENTRIES = 256
"""Entries of one list of the driver that are asked for: one that never ends must not hold us up."""


@dataclass(frozen=True)
class CameraIdentity:
    """Which camera it is."""

    card: str
    """Its name, such as ``Boson: FLIR Video``."""

    driver: str
    """The kernel's driver, such as ``uvcvideo``."""

    bus: str
    """Where it is plugged in, such as ``usb-3610000.usb-2.3``."""


@dataclass(frozen=True)
class FrameSize:
    """A size, or a range of sizes, with its rates."""

    width: int
    """Pixels; the smallest of a range."""

    height: int
    """Pixels; the smallest of a range."""

    largest_width: int
    """Pixels; ``width`` where it is one size."""

    largest_height: int
    """Pixels; ``height`` where it is one size."""

    rates: tuple[float, ...]
    """Frames per second, highest first, at the largest size; of a range, its two ends. Empty: the driver says
    nothing about them."""

    rates_are_range: bool = False
    """Whether everything between the two rates can be had too."""

    def __str__(self) -> str:
        text = f"{self.width}x{self.height}"
        if (self.largest_width, self.largest_height) != (self.width, self.height):
            text += f" to {self.largest_width}x{self.largest_height}"
        rates = (" to " if self.rates_are_range else ", ").join(f"{rate:.4g}" for rate in self.rates)
        return f"{text} ({rates} fps)" if rates else text


@dataclass(frozen=True)
class OfferedFormat:
    """A pixel format of a camera."""

    code: int
    """The kernel's code."""

    name: str
    """To ask for in a URI; the code as text where it cannot be read."""

    readable: bool
    """Whether a source can read it."""

    description: str
    """The driver's words."""

    sizes: tuple[FrameSize, ...]
    """Empty: the driver says nothing about them."""

    def __str__(self) -> str:
        sizes = ", ".join(str(size) for size in self.sizes)
        return f"{self.name} {sizes}" if sizes else self.name


@dataclass(frozen=True)
class CameraDescription:
    """One ``/dev/video*`` device."""

    device: str
    """Its path."""

    stable_paths: tuple[str, ...]
    """Names of it under ``/dev/v4l/`` that stay when it is plugged in again."""

    identity: CameraIdentity | None
    """None where it could not be asked."""

    formats: tuple[OfferedFormat, ...]
    """Empty where it cannot be read from."""

    problem: str | None
    """Why it cannot be read from."""


def read_identity(path: Path, device: VideoDevice) -> tuple[CameraIdentity, int]:
    """Who the camera is, and the capabilities (``V4L2_CAP_...``) of this device of it.

    Raises:
        CameraError: it is not a V4L2 device.
    """
    answer = v4l2.Capability()
    try:
        device.ioctl(v4l2.QUERYCAP, answer)
    except OSError as error:
        raise camera_error(path, error, "the question what it is") from error
    texts = (bytes(text).decode("utf-8", "replace") for text in (answer.card, answer.driver, answer.bus_info))
    has_own = answer.capabilities & v4l2.CAP_DEVICE_CAPS
    return CameraIdentity(*texts), int(answer.device_caps if has_own else answer.capabilities)


def require_capture(path: Path, identity: CameraIdentity, capabilities: int) -> None:
    """Check that single-planar frames can be had by memory mapping.

    Raises:
        CameraError: they cannot.
    """
    if capabilities & v4l2.CAP_VIDEO_CAPTURE and capabilities & v4l2.CAP_STREAMING:
        return
    name = f"{path} ({identity.card})"
    if capabilities & v4l2.CAP_VIDEO_CAPTURE:
        raise CameraError(f"{name} has no streaming input and output", "use another camera or driver")
    if capabilities & (v4l2.CAP_VIDEO_M2M | v4l2.CAP_VIDEO_M2M_MPLANE):
        raise CameraError(f"{name} is a converter or codec, not a camera", LIST_CAMERAS)
    if capabilities & v4l2.CAP_VIDEO_CAPTURE_MPLANE:
        raise CameraError(
            f"{name} gives multi-planar buffers only, which are not read here",
            "read it through its vendor's media pipeline, or use a driver with the single-planar interface",
        )
    if capabilities & v4l2.CAP_META_CAPTURE:
        raise CameraError(f"{name} gives metadata, its pictures come from another device", LIST_CAMERAS)
    raise CameraError(f"{name} is not a capture device", LIST_CAMERAS)


def offered_formats(device: VideoDevice) -> tuple[OfferedFormat, ...]:
    """All pixel formats with their sizes and rates; empty where the driver does not list them.

    Raises:
        OSError: the device was lost.
    """
    formats = []
    for index in range(MOST_ENTRIES):
        entry = v4l2.FormatDescription(index=index, type=v4l2.BUF_TYPE_VIDEO_CAPTURE)
        if not _has_entry(device, v4l2.ENUM_FMT, entry):
            break
        code = int(entry.pixelformat)
        known = format_of_code(code)
        formats.append(
            OfferedFormat(
                code=code,
                name=known.name if known else v4l2.fourcc_text(code),
                readable=known is not None,
                description=bytes(entry.description).decode("utf-8", "replace"),
                sizes=tuple(_sizes(device, code)),
            )
        )
    return tuple(formats)


def _sizes(device: VideoDevice, code: int) -> Iterator[FrameSize]:
    for index in range(MOST_ENTRIES):
        entry = v4l2.FrameSizeEnumeration(index=index, pixel_format=code)
        if not _has_entry(device, v4l2.ENUM_FRAMESIZES, entry):
            return
        if entry.type == v4l2.FRMSIZE_TYPE_DISCRETE:
            width, height = int(entry.discrete.width), int(entry.discrete.height)
            yield FrameSize(width, height, width, height, *_rates(device, code, width, height))
        else:
            steps = entry.stepwise
            width, height = int(steps.max_width), int(steps.max_height)
            rates = _rates(device, code, width, height)
            yield FrameSize(int(steps.min_width), int(steps.min_height), width, height, *rates)
            return


def _rates(device: VideoDevice, code: int, width: int, height: int) -> tuple[tuple[float, ...], bool]:
    rates: list[float] = []
    for index in range(MOST_ENTRIES):
        entry = v4l2.FrameIntervalEnumeration(index=index, pixel_format=code, width=width, height=height)
        if not _has_entry(device, v4l2.ENUM_FRAMEINTERVALS, entry):
            break
        if entry.type != v4l2.FRMIVAL_TYPE_DISCRETE:
            ends = (rate_of(entry.stepwise.min), rate_of(entry.stepwise.max))
            return tuple(sorted((rate for rate in ends if rate), reverse=True)), True
        rate = rate_of(entry.discrete)
        if rate:
            rates.append(rate)
    return tuple(sorted(rates, reverse=True)), False


def rate_of(interval: v4l2.Fraction) -> float | None:
    """Frames per second of a time for one frame; None where the driver gives none."""
    if not interval.numerator or not interval.denominator:
        return None
    return float(interval.denominator / interval.numerator)


def _has_entry(device: VideoDevice, request: int, entry: ctypes.Structure) -> bool:
    try:
        device.ioctl(request, entry)
    except OSError as error:
        # EINVAL ends a list, ENOTTY means that the driver has none.
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return False
        raise
    return True


def describe_camera(path: Path, open_device: OpenDevice = open_kernel_device) -> CameraDescription:
    """What a device is; a device that cannot be read from is described with the reason.

    Asking does not disturb a program that reads the camera.
    """
    identity: CameraIdentity | None = None
    formats: tuple[OfferedFormat, ...] = ()
    problem = None
    try:
        device = open_device(path)
        try:
            identity, capabilities = read_identity(path, device)
            require_capture(path, identity, capabilities)
            formats = offered_formats(device)
        finally:
            device.close()
    except CameraError as error:
        problem = _problem(error)
    except OSError as error:
        problem = _problem(camera_error(path, error, "being asked what it is"))
    return CameraDescription(str(path), stable_paths(path), identity, formats, problem)


def _problem(error: CameraError) -> str:
    return error.what if error.next_step == LIST_CAMERAS else f"{error.what}; {error.next_step}"


def stable_paths(device: Path) -> tuple[str, ...]:
    """Links under ``/dev/v4l/by-id`` and ``by-path`` beside a device that lead to it."""
    links = sorted((device.parent / "v4l").glob("by-*/*"))
    return tuple(str(link) for link in links if link.resolve() == device.resolve())


def list_cameras(
    folder: Path = Path("/dev"), open_device: OpenDevice = open_kernel_device
) -> list[CameraDescription]:
    """All ``video*`` devices of the machine, in the order of their numbers."""
    found = [path for path in folder.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return [describe_camera(path, open_device) for path in sorted(found, key=lambda path: int(path.name[5:]))]
