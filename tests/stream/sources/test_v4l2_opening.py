"""Opening a camera: agreement, refusals, and that nothing is left behind. Against a FAKE camera."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from doubles.v4l2 import (
    CAPTURE,
    M2M,
    METADATA,
    MPLANE,
    OWN_CAPS,
    STREAMING,
    FakeCamera,
    Mode,
    camera_source,
    thermal_camera,
)
from edge_irdet.errors import CameraError
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.v4l2 import V4L2Source
from edge_irdet.stream.sources.v4l2 import structures as v4l2
from edge_irdet.stream.sources.v4l2.device import POLL_IN, KernelDevice

WIDTH, HEIGHT = 8, 6
YUYV = b"YUYV"


def calls_of_opening() -> int:
    fake = thermal_camera()
    with camera_source(fake, "format=Y16&rate=9"):
        return fake.devices[0].calls


@pytest.mark.parametrize("call", range(calls_of_opening()))
def test_unplugged_at_any_moment_of_opening_nothing_is_left(call: int) -> None:
    fake = thermal_camera()
    fake.fail_call = call
    opened = camera_source(fake, "format=Y16&rate=9")
    with pytest.raises(CameraError, match="/dev/video0"):
        opened.open()
    fake.require_nothing_left()
    assert opened.negotiated is None
    assert opened.rate is None
    opened.close()


def refusal(fake: FakeCamera, parameters: str = "") -> CameraError:
    opened = camera_source(fake, parameters)
    with pytest.raises(CameraError) as caught:
        opened.open()
    fake.require_nothing_left()
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    ("number", "what", "next_step"),
    [
        (errno.ENOENT, "there is no camera /dev/video0", "edge-irdet sources"),
        (errno.ENODEV, "there is no camera /dev/video0", "edge-irdet sources"),
        (errno.EACCES, "may not be opened by this user", "sudo usermod -aG video $USER"),
        (errno.EBUSY, "is busy", "fuser -v /dev/video0"),
        (errno.EMFILE, "refused being opened", "dmesg"),
    ],
)
def test_a_device_that_cannot_be_opened(number: int, what: str, next_step: str) -> None:
    fake = thermal_camera()
    fake.open_error = number
    error = refusal(fake)
    assert what in error.what
    assert next_step in error.next_step


@pytest.mark.parametrize(
    ("request_name", "number", "what"),
    [
        ("QUERYCAP", errno.ENOTTY, "is not a camera"),
        ("S_FMT", errno.EBUSY, "is busy"),
        ("REQBUFS", errno.EBUSY, "is busy"),
        ("REQBUFS", errno.ENOMEM, "refused starting the stream: Cannot allocate memory"),
        ("STREAMON", errno.EBUSY, "is busy"),
        ("STREAMON", errno.ENOSPC, "too little USB bandwidth"),
        ("STREAMON", errno.EPROTO, "refused starting the stream: Protocol error"),
        ("S_PARM", errno.EBUSY, "is busy"),
    ],
)
def test_a_request_that_is_refused(request_name: str, number: int, what: str) -> None:
    fake = thermal_camera()
    fake.errors[request_name] = number
    assert what in refusal(fake, "rate=9").what


@pytest.mark.parametrize(
    ("capabilities", "what"),
    [
        (MPLANE | STREAMING, "multi-planar buffers only"),
        (M2M | STREAMING, "a converter or codec"),
        (METADATA | STREAMING, "gives metadata"),
        (STREAMING, "not a capture device"),
        (CAPTURE, "no streaming input and output"),
    ],
)
def test_devices_that_give_no_frames(capabilities: int, what: str) -> None:
    fake = thermal_camera()
    fake.device_capabilities = capabilities
    error = refusal(fake)
    assert what in error.what
    assert "FAKE thermal camera" in error.what
    fake = thermal_camera()
    fake.capabilities = capabilities  # an old driver, which does not tell its devices apart
    assert what in refusal(fake).what


def test_old_drivers_without_capabilities_of_the_device() -> None:
    fake = thermal_camera()
    fake.capabilities, fake.device_capabilities = CAPTURE | STREAMING, 0
    with camera_source(fake):
        pass
    assert not fake.capabilities & OWN_CAPS


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ("format=Y14", "format Y14 (it gives YUYV)"),
        ("format=Y16&size=640x512", "size 640x512 (it gives 16x12)"),
        ("format=Y16&rate=60", "60 frames per second at 8x6 (it gives 30)"),
    ],
)
def test_what_the_camera_does_not_have_is_refused_with_what_it_has(parameters: str, refused: str) -> None:
    fake = thermal_camera()
    error = refusal(fake, parameters)
    assert refused in error.what
    assert "it has: YUYV 8x6 (30, 29.97, 9 fps), 4x4 (30, 29.97, 9 fps); Y16 8x6 (30, 9 fps)" in error.what
    assert "STREAMON" not in fake.log
    if "rate" not in parameters:
        assert "S_FMT" not in fake.log, "a refused request leaves the camera as it was"


def test_a_driver_that_promises_one_format_and_sets_another() -> None:
    fake = thermal_camera()
    fake.has_try_format = False
    fake.answers_format = YUYV
    assert "format Y16 (it gives YUYV)" in refusal(fake, "format=Y16").what


def test_a_rate_nearly_that_is_that_rate() -> None:
    fake = thermal_camera()
    fake.modes[0].rates = [(1001, 30000)]
    with camera_source(fake, "format=YUYV&rate=30") as opened:
        assert opened.rate == pytest.approx(29.97, abs=0.01)


def test_a_camera_that_does_not_tell_its_rate() -> None:
    fake = thermal_camera()
    fake.has_rate = False
    with camera_source(fake) as opened:
        assert opened.rate is None
        assert "frame rate not stated" in str(opened.negotiated)
    assert "does not say at what rate" in refusal(fake, "rate=30").what


def test_without_a_wish_sixteen_bits_are_taken_and_that_is_said() -> None:
    fake = thermal_camera()
    with camera_source(fake) as opened:
        assert opened.negotiated == ("Y16 8x6 at 30 fps, format chosen out of YUYV, Y16, kernel time stamps")
        assert opened.rate == 30.0
    assert opened.negotiated is None


def test_a_camera_whose_formats_cannot_be_read() -> None:
    fake = FakeCamera([Mode(b"RG10", [(1920, 1080)], [(1, 30)])])
    error = refusal(fake)
    assert "it has: RG10 1920x1080 (30 fps)" in error.what
    assert "Y16" in error.next_step


def test_a_driver_that_lists_nothing_can_be_asked_for_a_format() -> None:
    fake = thermal_camera()
    fake.lists_formats = False
    assert "nothing that its driver lists" in refusal(fake).what
    with camera_source(fake, "format=Y16"):
        pass


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ("telemetry=top:6", "none are left"),
        ("crop=0,0,9x6", "lies outside the 8x6 picture"),
        ("crop=1,0,8x6", "lies outside the 8x6 picture"),
        ("telemetry=top:2&crop=0,0,8x5", "lies outside the 8x4 picture"),
    ],
)
def test_parts_that_the_picture_does_not_have(parameters: str, what: str) -> None:
    assert what in refusal(thermal_camera(), parameters).what


def test_faulty_drivers_are_refused_before_their_buffers_are_read() -> None:
    fake = thermal_camera()
    fake.buffer_bytes = WIDTH * HEIGHT * 2 - 1
    assert "buffers of 95 bytes for pictures of 96" in refusal(fake).what
    fake = thermal_camera()
    fake.buffers_given = 1
    assert "gives 1 buffers" in refusal(fake).what
    fake = thermal_camera()
    fake.padding = -1
    assert "15 bytes per row for 8 pixels" in refusal(fake).what
    fake = thermal_camera()
    fake.field_order = 7
    assert "half pictures in turn" in refusal(fake).what


def test_interlaced_pictures_are_read_and_said() -> None:
    fake = thermal_camera()
    fake.field_order = 4
    with camera_source(fake) as opened:
        assert "Y16 8x6, interlaced at 30 fps" in str(opened.negotiated)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("device", "what"),
    [
        ("/dev/video99", "there is no camera /dev/video99"),
        ("/dev/null", "/dev/null is not a video device"),
        ("/etc/hostname", "/etc/hostname is not a video device"),
        ("/dev", "/dev is not a video device"),
        ("/etc/hostname/video0", "there is no camera"),
    ],
)
def test_what_is_no_camera(device: str, what: str) -> None:
    before = open_descriptors()
    with pytest.raises(CameraError) as caught:
        open_source(f"v4l2://{device}").open()
    assert what in caught.value.what
    assert "edge-irdet sources" in caught.value.next_step
    assert open_descriptors() == before


def test_the_kernel_device_on_other_descriptors() -> None:
    """Its calls are real here: on a pipe and on zeros, since there is no camera."""
    before = open_descriptors()
    reader, writer = os.pipe()
    device = KernelDevice(reader)
    assert device.wait(0.0) == 0
    assert device.wait(-1.0) == 0
    os.write(writer, b"x")
    assert device.wait(5.0) == POLL_IN
    os.close(writer)
    with pytest.raises(OSError, match="ioctl") as caught:
        device.ioctl(v4l2.QUERYCAP, v4l2.Capability())
    assert caught.value.errno == errno.ENOTTY
    device.close()
    device.close()
    zeros = KernelDevice(os.open("/dev/zero", os.O_RDWR))
    mapping = zeros.map(8192, 0)
    assert mapping[:] == bytes(8192)
    mapping.close()
    zeros.close()
    assert open_descriptors() == before


def test_a_call_that_a_signal_interrupts_is_made_again() -> None:
    reader, writer = os.pipe()
    device = KernelDevice(reader)
    answers = iter(
        [InterruptedError(errno.EINTR, "Interrupted"), InterruptedError(errno.EINTR, "again"), None]
    )

    def interrupted(*_: object) -> None:
        answer = next(answers)
        if answer is not None:
            raise answer

    device._ioctl = interrupted  # type: ignore[assignment]
    device.ioctl(v4l2.QUERYCAP, v4l2.Capability())
    assert next(answers, "used up") == "used up"
    device.close()
    os.close(writer)


def test_paths_are_given_as_they_are_written(tmp_path: Path) -> None:
    opened = V4L2Source("v4l2:x", tmp_path / "absent")
    with pytest.raises(CameraError, match="absent"):
        opened.open()
