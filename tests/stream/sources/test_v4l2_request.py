from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import OptionError
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.v4l2 import CameraRequest, V4L2Source
from edge_irdet.stream.sources.v4l2.pixels import CAMERA_FORMATS, Window
from edge_irdet.stream.sources.v4l2.request import TelemetryRows


def asked(parameters: str) -> CameraRequest:
    source = open_source(f"v4l2:///dev/video0?{parameters}")
    assert isinstance(source, V4L2Source)
    return source.wanted


def test_everything_at_once() -> None:
    wanted = asked("format=Y16&size=640x514&rate=8.6&telemetry=top:2&crop=10,20,320X256")
    assert wanted == CameraRequest(
        CAMERA_FORMATS["Y16"], (640, 514), 8.6, TelemetryRows(top=2), Window(10, 20, 320, 256)
    )
    assert asked("telemetry=bottom:1").telemetry == TelemetryRows(bottom=1)


@pytest.mark.parametrize(
    ("written", "name"),
    [("y16", "Y16"), ("MONO16", "Y16"), ("Y16_BE", "Y16_BE"), ("mjpeg", "MJPG"), ("Y8", "GREY")],
)
def test_names_of_formats(written: str, name: str) -> None:
    assert asked(f"format={written}").pixel_format is CAMERA_FORMATS[name]


@pytest.mark.parametrize(
    ("uri", "device"),
    [
        ("/dev/video0", "/dev/video0"),
        ("/dev/video12?format=Y16", "/dev/video12"),
        ("v4l2:/dev/video3", "/dev/video3"),
        ("V4L2:///dev/video3?rate=9", "/dev/video3"),
        (
            "/dev/v4l/by-path/platform-3610000.usb-usb-0:2.3:1.0-video-index0?format=Y16",
            "/dev/v4l/by-path/platform-3610000.usb-usb-0:2.3:1.0-video-index0",
        ),
        ("v4l2:///dev/v4l/by-id/usb-FLIR_Boson-video-index0", "/dev/v4l/by-id/usb-FLIR_Boson-video-index0"),
    ],
)
def test_devices(uri: str, device: str) -> None:
    source = open_source(uri)
    assert isinstance(source, V4L2Source)
    assert source.device == Path(device)


@pytest.mark.parametrize(
    ("uri", "instead"),
    [
        ("v4l2://dev/video2", "v4l2:///dev/video2"),
        ("v4l2://video2?rate=9", "v4l2:///dev/video2"),
        ("v4l2:0", "v4l2:///dev/video0"),
        ("v4l2:", "v4l2:///dev/videoN"),
        ("v4l2:camera", "v4l2:///dev/videoN"),
    ],
)
def test_a_device_that_is_not_named_by_its_path(uri: str, instead: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_source(uri)
    assert caught.value.next_step == f"write {instead}"


@pytest.mark.parametrize(
    "parameters",
    [
        "format=RGB",
        "format=",
        "format=Y161",
        "size=640",
        "size=640x",
        "size=0x512",
        "size=640x99999",
        "size=640*512",
        "size=-640x512",
        "rate=fast",
        "rate=0",
        "rate=-30",
        "rate=nan",
        "rate=inf",
        "rate=1e-9",
        "crop=0,0,0x10",
        "crop=640x512",
        "crop=0,0,10,10",
        "crop=-1,0,10x10",
        "telemetry=2",
        "telemetry=top",
        "telemetry=top:0",
        "telemetry=left:2",
        "telemetry=top:2,bottom:2",
        "colour=1",
        "Format=Y16",
    ],
)
def test_values_that_are_refused(parameters: str) -> None:
    for uri in (f"v4l2:///dev/video0?{parameters}", f"/dev/video0?{parameters}"):
        with pytest.raises(OptionError) as caught:
            open_source(uri)
        assert caught.value.next_step


def test_a_format_nearly_right_is_suggested() -> None:
    with pytest.raises(OptionError, match="did you mean YUYV"):
        asked("format=YUVY")


@given(st.sampled_from(["format", "size", "rate", "crop", "telemetry"]), st.text(max_size=20))
def test_any_value_is_read_or_refused(name: str, value: str) -> None:
    with contextlib.suppress(OptionError):
        asked(f"{name}={value}")
