"""The camera source against a FAKE camera: no real one was ever seen by these tests."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.v4l2 import (
    CAPTURE,
    ERROR_FLAG,
    M2M,
    METADATA,
    MPLANE,
    OWN_CAPS,
    POLL_ERR,
    POLL_HUP,
    STREAMING,
    FakeCamera,
    Mode,
    Shot,
)
from edge_irdet.errors import CameraError, SourceLostError
from edge_irdet.stream.frame import MAX_FRAMES_IN_FLIGHT, Frame, PixelFormat
from edge_irdet.stream.sources import open_source
from edge_irdet.stream.sources.source import ReadTimeout
from edge_irdet.stream.sources.v4l2 import V4L2Source, camera

WIDTH, HEIGHT = 8, 6
Y16, Y16_BE, GREY, YUYV, MJPG = b"Y16 ", b"Y16\xa0", b"GREY", b"YUYV", b"MJPG"


def thermal() -> FakeCamera:
    return FakeCamera(
        [
            Mode(YUYV, [(WIDTH, HEIGHT), (4, 4)], [(1, 30), (100, 2997), (1, 9)]),
            Mode(Y16, [(WIDTH, HEIGHT), (16, 12)], [(1, 30), (1, 9)]),
        ]
    )


def source(fake: FakeCamera, parameters: str = "") -> V4L2Source:
    """A source whose device is the fake."""
    described = open_source("v4l2:///dev/video0" + (f"?{parameters}" if parameters else ""))
    assert isinstance(described, V4L2Source)
    return V4L2Source(described.uri, described.device, described.wanted, fake)


def counts(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """[H, W] uint16 that no other index has."""
    return (np.arange(width * height).reshape(height, width) * 7 + 1000 * (index + 1)).astype(np.uint16)


def shots(count: int) -> list[Shot]:
    return [Shot(counts(index).tobytes()) for index in range(count)]


def read_frame(opened: V4L2Source) -> Frame:
    frame = opened.read()
    assert frame is not None
    return frame


# -- reading ---------------------------------------------------------------------------------------------------


def test_counts_arrive_whole_in_the_order_of_calls_that_the_kernel_documents() -> None:
    fake = thermal()
    fake.will_give(shots(10))
    with source(fake, "format=Y16") as opened:
        for index in range(10):
            before = time.monotonic_ns()
            frame = read_frame(opened)
            np.testing.assert_array_equal(frame.image, counts(index))
            assert frame.pixel_format is PixelFormat.Y16
            assert (frame.sequence, frame.discontinuity) == (index, False)
            assert before - 1000 <= frame.capture_ns <= time.monotonic_ns()
            assert frame.capture_ns % 1000 == 0, "the kernel's stamp, in microseconds"
    fake.require_nothing_left()
    asked = [name for name in fake.log if not name.startswith("ENUM_")]
    assert asked[:6] == ["QUERYCAP", "G_FMT", "TRY_FMT", "S_FMT", "G_PARM", "REQBUFS"]
    assert asked[6:14] == ["QUERYBUF", "mmap"] * 4
    assert asked[14:19] == ["QBUF"] * 4 + ["STREAMON"]
    assert asked[19:39] == ["DQBUF", "QBUF"] * 10
    assert asked[39:] == ["STREAMOFF", "REQBUFS", "close"]


def test_frames_in_flight_keep_their_picture() -> None:
    fake = thermal()
    bad = Shot(counts(99).tobytes(), flags=ERROR_FLAG)
    fake.will_give(each for shot in shots(MAX_FRAMES_IN_FLIGHT + 1) for each in (bad, shot, bad))
    with source(fake) as opened:
        frames = [read_frame(opened) for _ in range(MAX_FRAMES_IN_FLIGHT + 1)]
        for index, frame in enumerate(frames):
            np.testing.assert_array_equal(frame.image, counts(index))


def test_rows_longer_than_the_picture_big_endian_telemetry_and_crop() -> None:
    fake = FakeCamera([Mode(Y16_BE, [(WIDTH, HEIGHT)])], padding=6)
    image = counts(0)
    rows = b"".join(row.astype(">u2").tobytes() + b"\xee" * 6 for row in image)
    fake.will_give([Shot(rows)])
    with source(fake, "format=Y16_BE&telemetry=top:2&crop=3,1,4x2") as opened:
        np.testing.assert_array_equal(read_frame(opened).image, image[3:5, 3:7])
        assert opened.negotiated == (
            f"Y16_BE {WIDTH}x{HEIGHT} at 30 fps, of it 4x2 from column 3, row 3, kernel time stamps"
        )


def test_telemetry_below_is_cut_off() -> None:
    fake = thermal()
    fake.will_give(shots(1))
    with source(fake, "telemetry=bottom:2") as opened:
        np.testing.assert_array_equal(read_frame(opened).image, counts(0)[:4])


def test_luma_of_yuyv_and_its_bytes_as_counts() -> None:
    raw = counts(0).tobytes()
    for parameters, expected in (
        ("format=YUYV", np.frombuffer(raw, np.uint8)[::2].reshape(HEIGHT, WIDTH)),
        ("format=YUYV_AS_Y16", counts(0)),
    ):
        fake = thermal()
        fake.will_give([Shot(raw)])
        with source(fake, parameters) as opened:
            image = read_frame(opened).image
            assert image.dtype == expected.dtype
            np.testing.assert_array_equal(image, expected)


def test_jpegs_and_a_broken_one_among_them() -> None:
    fake = FakeCamera([Mode(MJPG, [(64, 48)], pitch=0)])
    whole = cv2.imencode(".jpg", np.full((48, 64), 77, np.uint8))[1].tobytes()
    fake.will_give([Shot(whole), Shot(whole[:-20]), Shot(whole)])
    with source(fake) as opened:
        assert abs(int(read_frame(opened).image[9, 9]) - 77) <= 1
        frame = read_frame(opened)
    assert (frame.sequence, frame.discontinuity) == (2, True)
    assert opened.skips.count == 1
    assert "frame 1: its JPEG" in opened.skips.reasons[0]


# -- numbers and times -----------------------------------------------------------------------------------------


def test_gaps_in_the_driver_s_numbers() -> None:
    fake = thermal()
    content = counts(0).tobytes()
    fake.will_give(Shot(content, sequence=number) for number in (2**32 - 2, 2**32 - 1, 0, 3, 4, 0))
    with source(fake) as opened:
        frames = [read_frame(opened) for _ in range(6)]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 5, 6, 7]
    assert [frame.discontinuity for frame in frames] == [False, False, False, True, False, True]
    assert opened.missed == 2


def test_a_damaged_and_a_short_buffer_are_skipped_named_and_given_back() -> None:
    fake = thermal()
    good = shots(12)
    fake.will_give(
        [good[0], Shot(good[1].content, flags=ERROR_FLAG), Shot(good[2].content[:50]), *good[3:12]]
    )
    with source(fake) as opened:
        frames = [read_frame(opened) for _ in range(10)]
    assert [frame.sequence for frame in frames] == [0, *range(3, 12)]
    assert [frame.sequence for frame in frames if frame.discontinuity] == [3]
    assert opened.skips.count == 2
    assert opened.skips.reasons == [
        "frame 1: its driver marked it as damaged",
        f"frame 2: 50 of {WIDTH * HEIGHT * 2} bytes came",
    ]
    assert opened.missed == 0, "they are counted once"


def test_a_driver_without_the_monotonic_clock() -> None:
    fake = thermal()
    fake.clock_flag = 0
    fake.will_give([Shot(counts(0).tobytes(), stamp_ns=1_700_000_000 * 10**9)])
    with source(fake) as opened:
        assert opened.negotiated is not None
        assert "time stamps at reading" in opened.negotiated
        before = time.monotonic_ns()
        assert before <= read_frame(opened).capture_ns <= time.monotonic_ns()


def test_impossible_stamps_are_replaced_counted_and_said() -> None:
    fake = thermal()
    content = counts(0).tobytes()
    future = time.monotonic_ns() + 3600 * 10**9
    with source(fake) as opened:
        assert "replaced" not in str(opened.negotiated)
        now = time.monotonic_ns() // 1000 * 1000
        fake.will_give(Shot(content, stamp_ns=stamp) for stamp in (now, future, 0, now))
        frames = [read_frame(opened) for _ in range(4)]
        assert opened.stamps_replaced == 3
        assert opened.negotiated is not None
        assert "3 were impossible" in opened.negotiated
    times = [frame.capture_ns for frame in frames]
    assert times[0] == now
    assert times == sorted(set(times))
    assert times[-1] <= time.monotonic_ns()


def test_reopening_counts_anew() -> None:
    fake = thermal()
    fake.will_give([Shot(counts(0).tobytes(), sequence=number) for number in (5, 9)])
    opened = source(fake)
    with opened:
        assert [read_frame(opened).sequence for _ in range(2)] == [0, 4]
    fake.will_give([Shot(counts(1).tobytes(), sequence=3)])
    with opened:
        frame = read_frame(opened)
    assert (frame.sequence, frame.discontinuity, opened.missed) == (0, False, 0)
    fake.require_nothing_left()


# -- time-out and loss -----------------------------------------------------------------------------------------


def test_a_time_out_is_no_error_and_the_camera_can_be_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "READ_SECONDS", 0.02)
    fake = thermal()
    with source(fake) as opened:
        for _ in range(2):
            with pytest.raises(ReadTimeout):
                opened.read()
        fake.will_give([1, *shots(1)])  # ready, and then not: somebody else's wake-up
        assert read_frame(opened).sequence == 0


def test_only_damaged_buffers_end_in_a_time_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "READ_SECONDS", 0.02)
    fake = thermal()
    fake.will_give([Shot(b"", flags=ERROR_FLAG)] * 10)
    with source(fake) as opened, pytest.raises(ReadTimeout):
        opened.read()
    assert opened.skips.count == 10


@pytest.mark.parametrize(
    "event",
    [
        POLL_ERR,
        POLL_ERR | POLL_HUP | 1,
        OSError(errno.ENODEV, "No such device"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.EPIPE, "Broken pipe"),
    ],
)
def test_a_lost_camera(event: int | OSError) -> None:
    fake = thermal()
    fake.will_give([*shots(1), event])
    opened = source(fake)
    opened.open()
    read_frame(opened)
    with pytest.raises(SourceLostError, match=r"/dev/video0 was lost") as caught:
        opened.read()
    opened.close()  # while the error, and with it its traceback, is alive
    opened.close()
    fake.require_nothing_left()
    assert caught.value.next_step
    assert opened.read() is None, "closed"


def test_a_camera_that_is_lost_when_its_buffer_goes_back() -> None:
    fake = thermal()
    fake.will_give(shots(2))
    with source(fake) as opened:
        fake.errors["QBUF"] = errno.ENODEV
        with pytest.raises(SourceLostError):
            opened.read()
        fake.fail_call = 0  # nothing answers any more, STREAMOFF neither
    fake.require_nothing_left()


@pytest.mark.parametrize("call", range(40))
def test_unplugged_at_any_moment_of_opening_nothing_is_left(call: int) -> None:
    fake = thermal()
    fake.fail_call = call
    opened = source(fake, "format=Y16&rate=9")
    try:
        opened.open()
    except CameraError as error:
        assert "/dev/video0" in error.what
        assert opened.negotiated is None
        assert opened.rate is None
        fake.require_nothing_left()
        opened.close()
    else:
        assert call >= 35, "all calls of opening were reached before"
        opened.close()
        fake.require_nothing_left()


# -- refusals at opening ---------------------------------------------------------------------------------------


def refusal(fake: FakeCamera, parameters: str = "") -> CameraError:
    opened = source(fake, parameters)
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
    fake = thermal()
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
    fake = thermal()
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
    fake = thermal()
    fake.device_capabilities = capabilities
    error = refusal(fake)
    assert what in error.what
    assert "FAKE thermal camera" in error.what
    fake = thermal()
    fake.capabilities = capabilities  # an old driver, which does not tell its devices apart
    assert what in refusal(fake).what


def test_old_drivers_without_capabilities_of_the_device() -> None:
    fake = thermal()
    fake.capabilities, fake.device_capabilities = CAPTURE | STREAMING, 0
    with source(fake):
        pass
    assert not fake.capabilities & OWN_CAPS


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ("format=Y14", "format Y14 (it gives YUYV)"),
        ("format=Y16&size=640x512", "size 640x512 (it gives 16x12)"),
        ("format=Y16&rate=60", "60 frames a second at 8x6 (it gives 30)"),
    ],
)
def test_what_the_camera_does_not_have_is_refused_with_what_it_has(parameters: str, refused: str) -> None:
    fake = thermal()
    error = refusal(fake, parameters)
    assert refused in error.what
    assert "it has: YUYV 8x6 (30, 29.97, 9 fps), 4x4 (30, 29.97, 9 fps); Y16 8x6 (30, 9 fps)" in error.what
    assert "STREAMON" not in fake.log
    if "rate" not in parameters:
        assert "S_FMT" not in fake.log, "a refused request leaves the camera as it was"


def test_a_driver_that_promises_one_format_and_sets_another() -> None:
    fake = thermal()
    fake.has_try_format = False
    fake.answers_format = YUYV
    assert "format Y16 (it gives YUYV)" in refusal(fake, "format=Y16").what


def test_a_rate_nearly_that_is_that_rate() -> None:
    fake = thermal()
    fake.modes[0].rates = [(1001, 30000)]
    with source(fake, "format=YUYV&rate=30") as opened:
        assert opened.rate == pytest.approx(29.97, abs=0.01)


def test_a_camera_that_does_not_tell_its_rate() -> None:
    fake = thermal()
    fake.has_rate = False
    with source(fake) as opened:
        assert opened.rate is None
        assert "frame rate not stated" in str(opened.negotiated)
    assert "does not say at what rate" in refusal(fake, "rate=30").what


def test_without_a_wish_sixteen_bits_are_taken_and_that_is_said() -> None:
    fake = thermal()
    with source(fake) as opened:
        assert opened.negotiated == ("Y16 8x6 at 30 fps, format chosen out of YUYV, Y16, kernel time stamps")
        assert opened.rate == 30.0
    assert opened.negotiated is None


def test_a_camera_whose_formats_cannot_be_read() -> None:
    fake = FakeCamera([Mode(b"RG10", [(1920, 1080)], [(1, 30)])])
    error = refusal(fake)
    assert "it has: RG10 1920x1080 (30 fps)" in error.what
    assert "Y16" in error.next_step


def test_a_driver_that_lists_nothing_can_be_asked_for_a_format() -> None:
    fake = thermal()
    fake.lists_formats = False
    assert "nothing that its driver lists" in refusal(fake).what
    with source(fake, "format=Y16"):
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
    assert what in refusal(thermal(), parameters).what


def test_faulty_drivers_are_refused_before_their_buffers_are_read() -> None:
    fake = thermal()
    fake.buffer_bytes = WIDTH * HEIGHT * 2 - 1
    assert "buffers of 95 bytes for pictures of 96" in refusal(fake).what
    fake = thermal()
    fake.buffers_given = 1
    assert "gives 1 buffers" in refusal(fake).what
    fake = thermal()
    fake.padding = -1
    assert "15 bytes a row for 8 pixels" in refusal(fake).what
    fake = thermal()
    fake.field_order = 7
    assert "half pictures in turn" in refusal(fake).what


def test_interlaced_pictures_are_read_and_said() -> None:
    fake = thermal()
    fake.field_order = 4
    with source(fake) as opened:
        assert "Y16 8x6, interlaced at 30 fps" in str(opened.negotiated)


# -- the kernel's side, as far as it goes without a camera -----------------------------------------------------


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
    from edge_irdet.stream.sources.v4l2 import structures as v4l2
    from edge_irdet.stream.sources.v4l2.device import POLL_IN, KernelDevice

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


def test_paths_are_given_as_they_are_written(tmp_path: Path) -> None:
    opened = V4L2Source("v4l2:x", tmp_path / "absent")
    with pytest.raises(CameraError, match="absent"):
        opened.open()
