"""The camera source against a FAKE camera: no real one was ever seen by these tests."""

from __future__ import annotations

import errno
import time

import cv2
import numpy as np
import pytest

from doubles.v4l2 import (
    ERROR_FLAG,
    POLL_ERR,
    POLL_HUP,
    FakeCamera,
    Mode,
    Shot,
    camera_source,
    thermal_camera,
)
from edge_irdet.errors import SourceLostError
from edge_irdet.stream.frame import MAX_FRAMES_IN_FLIGHT, Frame, PixelFormat
from edge_irdet.stream.sources.source import ReadTimeout
from edge_irdet.stream.sources.v4l2 import V4L2Source, camera

WIDTH, HEIGHT = 8, 6
Y16_BE, MJPG = b"Y16\xa0", b"MJPG"


def counts(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """[H, W] uint16 that no other index has."""
    return (np.arange(width * height).reshape(height, width) * 7 + 1000 * (index + 1)).astype(np.uint16)


def shots(count: int) -> list[Shot]:
    return [Shot(counts(index).tobytes()) for index in range(count)]


def read_frame(opened: V4L2Source) -> Frame:
    frame = opened.read()
    assert frame is not None
    return frame


def test_counts_arrive_whole_in_the_order_of_calls_that_the_kernel_documents() -> None:
    fake = thermal_camera()
    fake.will_give(shots(10))
    with camera_source(fake, "format=Y16") as opened:
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
    fake = thermal_camera()
    bad = Shot(counts(99).tobytes(), flags=ERROR_FLAG)
    fake.will_give(each for shot in shots(MAX_FRAMES_IN_FLIGHT + 1) for each in (bad, shot, bad))
    with camera_source(fake) as opened:
        frames = [read_frame(opened) for _ in range(MAX_FRAMES_IN_FLIGHT + 1)]
        for index, frame in enumerate(frames):
            np.testing.assert_array_equal(frame.image, counts(index))


def test_rows_longer_than_the_picture_big_endian_telemetry_and_crop() -> None:
    fake = FakeCamera([Mode(Y16_BE, [(WIDTH, HEIGHT)])], padding=6)
    image = counts(0)
    rows = b"".join(row.astype(">u2").tobytes() + b"\xee" * 6 for row in image)
    fake.will_give([Shot(rows)])
    with camera_source(fake, "format=Y16_BE&telemetry=top:2&crop=3,1,4x2") as opened:
        np.testing.assert_array_equal(read_frame(opened).image, image[3:5, 3:7])
        assert opened.negotiated == (
            f"Y16_BE {WIDTH}x{HEIGHT} at 30 fps, of it 4x2 from column 3, row 3, kernel time stamps"
        )


def test_telemetry_below_is_cut_off() -> None:
    fake = thermal_camera()
    fake.will_give(shots(1))
    with camera_source(fake, "telemetry=bottom:2") as opened:
        np.testing.assert_array_equal(read_frame(opened).image, counts(0)[:4])


def test_luma_of_yuyv_and_its_bytes_as_counts() -> None:
    raw = counts(0).tobytes()
    for parameters, expected in (
        ("format=YUYV", np.frombuffer(raw, np.uint8)[::2].reshape(HEIGHT, WIDTH)),
        ("format=YUYV_AS_Y16", counts(0)),
    ):
        fake = thermal_camera()
        fake.will_give([Shot(raw)])
        with camera_source(fake, parameters) as opened:
            image = read_frame(opened).image
            assert image.dtype == expected.dtype
            np.testing.assert_array_equal(image, expected)


def test_jpegs_and_a_broken_one_among_them() -> None:
    fake = FakeCamera([Mode(MJPG, [(64, 48)], pitch=0)])
    whole = cv2.imencode(".jpg", np.full((48, 64), 77, np.uint8))[1].tobytes()
    fake.will_give([Shot(whole), Shot(whole[:-20]), Shot(whole)])
    with camera_source(fake) as opened:
        assert abs(int(read_frame(opened).image[9, 9]) - 77) <= 1
        frame = read_frame(opened)
    assert (frame.sequence, frame.discontinuity) == (2, True)
    assert opened.skips.count == 1
    assert "frame 1: its JPEG" in opened.skips.reasons[0]


def test_gaps_in_the_driver_s_numbers() -> None:
    fake = thermal_camera()
    content = counts(0).tobytes()
    fake.will_give(Shot(content, sequence=number) for number in (2**32 - 2, 2**32 - 1, 0, 3, 4, 0))
    with camera_source(fake) as opened:
        frames = [read_frame(opened) for _ in range(6)]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 5, 6, 7]
    assert [frame.discontinuity for frame in frames] == [False, False, False, True, False, True]
    assert opened.missed == 2


def test_a_damaged_and_a_short_buffer_are_skipped_named_and_given_back() -> None:
    fake = thermal_camera()
    good = shots(12)
    fake.will_give(
        [good[0], Shot(good[1].content, flags=ERROR_FLAG), Shot(good[2].content[:50]), *good[3:12]]
    )
    with camera_source(fake) as opened:
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
    fake = thermal_camera()
    fake.clock_flag = 0
    fake.will_give([Shot(counts(0).tobytes(), stamp_ns=1_700_000_000 * 10**9)])
    with camera_source(fake) as opened:
        assert opened.negotiated is not None
        assert "time stamps at reading" in opened.negotiated
        before = time.monotonic_ns()
        assert before <= read_frame(opened).capture_ns <= time.monotonic_ns()


def test_what_a_driver_says_of_a_buffer_counts_more_than_what_it_said_before() -> None:
    fake = thermal_camera()
    fake.will_give(shots(1))
    with camera_source(fake) as opened:
        fake.clock_flag = 0
        read_frame(opened)
        assert "time stamps at reading" in str(opened.negotiated)


def test_impossible_stamps_are_replaced_counted_and_said() -> None:
    fake = thermal_camera()
    content = counts(0).tobytes()
    future = time.monotonic_ns() + 3600 * 10**9
    with camera_source(fake) as opened:
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


def test_a_clock_that_runs_behind_is_not_believed_but_an_old_frame_is() -> None:
    fake = thermal_camera()
    content = counts(0).tobytes()
    with camera_source(fake) as opened:
        now = time.monotonic_ns() // 1000 * 1000
        long_ago = now - 10 * 10**9  # the clock counts from the machine's start, which may be minutes ago
        # 0: nothing was there at first, so that the frame behind it is new.
        fake.will_give([Shot(content, stamp_ns=long_ago), 0, Shot(content, stamp_ns=long_ago + 10**9)])
        assert read_frame(opened).capture_ns == long_ago, "it waited in the driver while nobody read"
        assert read_frame(opened).capture_ns > now
        assert opened.stamps_replaced == 1
        fake.will_give([0, *shots(1)])
        read_frame(opened)
        assert opened.stamps_replaced == 1


def test_reopening_counts_anew() -> None:
    fake = thermal_camera()
    fake.will_give([Shot(counts(0).tobytes(), sequence=number) for number in (5, 9)])
    opened = camera_source(fake)
    with opened:
        assert [read_frame(opened).sequence for _ in range(2)] == [0, 4]
    fake.will_give([Shot(counts(1).tobytes(), sequence=3)])
    with opened:
        frame = read_frame(opened)
    assert (frame.sequence, frame.discontinuity, opened.missed) == (0, False, 0)
    fake.require_nothing_left()


def test_a_time_out_is_no_error_and_the_camera_can_be_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "READ_SECONDS", 0.02)
    fake = thermal_camera()
    with camera_source(fake) as opened:
        for _ in range(2):
            with pytest.raises(ReadTimeout):
                opened.read()
        fake.will_give([1, 0, *shots(1)])  # said to be ready, and then not
        assert read_frame(opened).sequence == 0


def test_only_damaged_buffers_end_in_a_time_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "READ_SECONDS", 0.02)
    fake = thermal_camera()
    fake.will_give([Shot(b"", flags=ERROR_FLAG)] * 10)
    with camera_source(fake) as opened, pytest.raises(ReadTimeout):
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
    fake = thermal_camera()
    fake.will_give([*shots(1), event])
    opened = camera_source(fake)
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
    fake = thermal_camera()
    fake.will_give(shots(2))
    with camera_source(fake) as opened:
        fake.errors["QBUF"] = errno.ENODEV
        with pytest.raises(SourceLostError):
            opened.read()
        fake.fail_call = 0  # nothing answers any more, STREAMOFF neither
    fake.require_nothing_left()
