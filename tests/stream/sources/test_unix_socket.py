"""Frames of a host process: the real socket, good hosts and hostile ones."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge_irdet
from edge_irdet.errors import (
    CameraError,
    FrameFormatError,
    OptionError,
    OutputFailedError,
    SourceLostError,
    SourceMissingError,
)
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.frame_message import FrameHeader
from edge_irdet.stream.frame_sender import FrameSender
from edge_irdet.stream.sources import unix_socket
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.source import ReadTimeout, Source


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "frames.sock"


@pytest.fixture
def source(place: Path) -> Iterator[Source]:
    with open_source(f"unix://{place}") as opened:
        yield opened


@pytest.fixture
def host(place: Path, source: Source) -> Iterator[socket.socket]:
    """A host that writes whatever bytes a test wants."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(place))
        yield connection


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_socket, "READ_SECONDS", 0.05)
    monkeypatch.setattr(unix_socket, "PAUSE_IN_FRAME_S", 0.2)


def read(source: Source) -> Frame:
    while True:
        try:
            return source.read()
        except ReadTimeout:
            continue


def message(sequence: int = 0, width: int = 8, height: int = 6, **changes: object) -> bytes:
    header = FrameHeader(width, height, PixelFormat.GREY, sequence, 0)
    values = list(FrameHeader.STRUCT.unpack(header.pack()))
    names = ["magic", "version", "size", "width", "height", "code", "zero", "sequence", "capture_ns"]
    names.append("payload")
    for name, value in changes.items():
        values[names.index(name)] = value
    return FrameHeader.STRUCT.pack(*values) + bytes(range(48))


def test_frames_of_both_depths_arrive_as_they_were_sent(place: Path, source: Source) -> None:
    generator = np.random.default_rng(0)
    eight = generator.integers(0, 256, (48, 65)).astype(np.uint8)
    sixteen = generator.integers(0, 65536, (480, 640)).astype(np.uint16)
    images = [eight, sixteen, sixteen[::2, ::3], eight]
    received = []

    def receive() -> None:
        for _ in images:
            frame = read(source)
            received.append((frame.image.copy(), frame))

    thread = threading.Thread(target=receive)
    thread.start()
    with FrameSender(place) as sender:
        for number, image in enumerate(images):
            while len(received) < number:
                time.sleep(0.001)
            assert sender.send(image, capture_ns=time.monotonic_ns() - 1000)
        thread.join()
    assert sender.sent == 4
    for (pixels, frame), image in zip(received, images, strict=True):
        np.testing.assert_array_equal(pixels, image)
        assert pixels.dtype == image.dtype
        assert frame.pixel_format is (PixelFormat.Y16 if image.dtype == np.uint16 else PixelFormat.GREY)
    assert [frame.sequence for _, frame in received] == [0, 1, 2, 3]
    assert [frame.discontinuity for _, frame in received] == [False, True, True, True], "other sizes"
    assert source.live
    assert source.missed == 0


def test_capture_times_are_the_hosts(place: Path, source: Source) -> None:
    with FrameSender(place) as sender:
        captured = time.monotonic_ns() - 20_000_000
        assert sender.send(np.zeros((4, 4), np.uint8), captured)
        assert read(source).capture_ns == captured


def test_an_unknown_capture_time_becomes_the_moment_of_reading(host: socket.socket, source: Source) -> None:
    before = time.monotonic_ns()
    host.sendall(message())
    assert before <= read(source).capture_ns <= time.monotonic_ns()


def test_gaps_in_the_hosts_numbers_are_missed_frames(host: socket.socket, source: Source) -> None:
    for number in (7, 8, 11, 12, 3):
        host.sendall(message(number))
    frames = [read(source) for _ in range(5)]
    assert [frame.sequence for frame in frames] == [7, 8, 11, 12, 3]
    assert [frame.discontinuity for frame in frames] == [False, False, True, False, True]
    assert source.missed == 2, "numbers that start anew are a break, not lost frames"


@pytest.mark.usefixtures("impatient")
def test_nobody_there_is_a_time_out(source: Source) -> None:
    for _ in range(3):
        with pytest.raises(ReadTimeout):
            source.read()


@pytest.mark.usefixtures("impatient")
def test_a_host_may_pause_between_frames(host: socket.socket, source: Source) -> None:
    host.sendall(message(0))
    read(source)
    for _ in range(8):
        with pytest.raises(ReadTimeout):
            source.read()
    host.sendall(message(1))
    assert not read(source).discontinuity


def test_a_host_that_leaves_is_lost_and_may_come_back(place: Path, source: Source) -> None:
    with FrameSender(place) as sender:
        sender.send(np.zeros((4, 4), np.uint8))
        assert read(source).sequence == 0
    with pytest.raises(SourceLostError) as caught:
        source.read()
    assert caught.value.what.endswith("left")
    source.close()
    assert not sender.send(np.zeros((4, 4), np.uint8)), "nobody listens: dropped, not an error"
    source.open()
    assert sender.send(np.zeros((4, 4), np.uint8))
    assert read(source).sequence == 2, "the dropped one keeps its number"
    sender.close()


@pytest.mark.parametrize("cut", [1, 47, 48, 60, 95])
def test_half_a_frame_is_never_given(host: socket.socket, source: Source, cut: int) -> None:
    host.sendall(message()[:cut])
    host.close()
    with pytest.raises(SourceLostError, match="left in the middle of a frame"):
        read(source)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("cut", [10, 60])
def test_a_host_that_stops_in_the_middle_of_a_frame(host: socket.socket, source: Source, cut: int) -> None:
    host.sendall(message()[:cut])
    started = time.monotonic()
    with pytest.raises(SourceLostError, match="stopped in the middle of a frame"):
        read(source)
    assert time.monotonic() - started < 5.0


def test_a_frame_in_single_bytes(host: socket.socket, source: Source) -> None:
    for byte in message(5) + message(6):
        host.send(bytes([byte]))
    assert [read(source).sequence for _ in range(2)] == [5, 6]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"magic": b"GET "}, "begins with b'GET '"),
        ({"version": 2}, "version 2"),
        ({"size": 64}, "64 bytes"),
        ({"zero": 1}, "flags 0x1"),
        ({"code": b"NV12"}, "NV12"),
        ({"code": b"Y16\0"}, "pixel format"),
        ({"width": 0}, "0x6 pixels"),
        ({"width": 8193, "payload": 8193 * 6}, "8193x6"),
        ({"width": 0xFFFFFFFF, "height": 0xFFFFFFFF}, "4294967295x4294967295"),
        ({"width": 8192, "height": 8192, "payload": 8192 * 8192}, "product"),
        ({"payload": 47}, "47 bytes"),
        ({"payload": 2**64 - 1}, "18446744073709551615 bytes"),
        ({"capture_ns": 1_700_000_000_000_000_000}, "CLOCK_MONOTONIC"),
        ({"capture_ns": -5 * 10**18}, "CLOCK_MONOTONIC"),
    ],
)
def test_what_is_no_frame_is_refused(host: socket.socket, source: Source, changes: dict, said: str) -> None:
    host.sendall(message(**changes))
    with pytest.raises(CameraError) as caught:
        read(source)
    assert said in str(caught.value)


@given(st.binary(min_size=48, max_size=48))
def test_any_bytes_are_a_header_or_a_camera_error(data: bytes) -> None:
    try:
        header = FrameHeader.unpack(data)
    except CameraError:
        return
    assert header.pack() == data


@given(
    st.integers(1, 4096),
    st.integers(1, 4096),
    st.sampled_from(PixelFormat),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
)
def test_headers_survive_their_bytes(
    width: int, height: int, pixel_format: PixelFormat, sequence: int, capture_ns: int
) -> None:
    header = FrameHeader(width, height, pixel_format, sequence, capture_ns)
    assert FrameHeader.unpack(header.pack()) == header


def test_the_documented_layout() -> None:
    """As docs/guides/sources.md has it for C."""
    data = FrameHeader(640, 512, PixelFormat.Y16, 5, 123).pack()
    assert len(data) == 48
    assert data[:8] == b"EIRF\x01\x00\x30\x00"
    assert struct.unpack_from("<II", data, 8) == (640, 512)
    assert data[16:24] == b"Y16 \x00\x00\x00\x00"
    assert struct.unpack_from("<QqQ", data, 24) == (5, 123, 640 * 512 * 2)


def test_a_second_host_is_sent_away(place: Path, host: socket.socket, source: Source) -> None:
    host.sendall(message(0))
    read(source)
    with socket.socket(socket.AF_UNIX) as second:
        second.connect(str(place))
        timer = threading.Timer(0.1, host.sendall, (message(1),))
        timer.start()
        assert read(source).sequence == 1
        assert second.recv(1) == b"", "closed by the stream"
        timer.join()


def test_only_its_owner_may_connect(place: Path, source: Source) -> None:
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o600
    source.close()
    with open_source(f"unix://{place}?mode=660"):
        assert stat.S_IMODE(os.stat(place).st_mode) == 0o660


def test_the_socket_goes_with_the_source(place: Path, source: Source) -> None:
    source.close()
    assert not place.exists()
    source.close()
    assert source.read() is None


def test_the_socket_of_a_killed_process_is_taken_over(place: Path) -> None:
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.bind({str(place)!r}); s.listen()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert place.is_socket()
    with open_source(f"unix://{place}") as source, FrameSender(place) as sender:
        assert sender.send(np.zeros((4, 4), np.uint8))
        assert read(source).sequence == 0


def test_places_that_cannot_be_listened_on(place: Path, source: Source) -> None:
    with pytest.raises(CameraError, match="another process"), open_source(f"unix://{place}"):
        pass
    assert place.exists(), "the other one's socket stays"
    file = place.with_name("notes.txt")
    file.write_text("keep me")
    with pytest.raises(CameraError, match="not a socket"), open_source(f"unix://{file}"):
        pass
    assert file.read_text() == "keep me"
    with (
        pytest.raises(SourceMissingError, match="no folder"),
        open_source(f"unix://{place.parent}/no/x.sock"),
    ):
        pass


@pytest.mark.parametrize(
    "uri",
    [
        "unix:",
        "unix://",
        "unix:///",
        "unix:relative.sock",
        "unix:///run/",
        f"unix:///{'x' * 120}",
        "unix:///a%00b",
        "unix:///run/x?mode=777",
        "unix:///run/x?mode=rw",
        "unix:///run/x?size=3",
    ],
)
def test_wrong_forms_are_refused(uri: str) -> None:
    with pytest.raises(OptionError):
        open_source(uri)


def test_a_stream_that_does_not_read_costs_the_host_frames_and_no_time(place: Path, source: Source) -> None:
    image = np.zeros((240, 320), np.uint8)
    with FrameSender(place) as sender:
        for _ in range(20):
            sender.send(image)
            if sender.dropped:
                break
        assert sender.dropped
        received = [read(source) for _ in range(sender.sent)]
        while not sender.send(image):
            pass
        last = read(source)
    assert [frame.sequence for frame in received] == list(range(len(received)))
    assert last.sequence >= len(received) + 1
    assert last.discontinuity
    assert source.missed == last.sequence - len(received)


def test_what_the_sender_refuses(tmp_path: Path) -> None:
    with FrameSender(tmp_path / "nobody.sock") as sender:
        for image in (
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((4, 4), np.float32),
            np.zeros((0, 4), np.uint8),
            np.zeros((1, 9000), np.uint8),
        ):
            with pytest.raises(FrameFormatError):
                sender.send(image)
        assert not sender.send(np.zeros((4, 4), np.uint8))
    (tmp_path / "file").write_text("no socket")
    with pytest.raises(OutputFailedError), FrameSender(tmp_path / "file" / "x.sock") as sender:
        sender.send(np.zeros((4, 4), np.uint8))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler (apt-get install gcc)")
def test_the_documented_c_host(place: Path, source: Source, tmp_path: Path) -> None:
    docs = Path(edge_irdet.__file__).parents[1] / "docs"
    page = (docs / "guides" / "sources.md").read_text(encoding="utf-8")
    code = page.partition("```c\n")[2].partition("```")[0]
    (tmp_path / "host.c").write_text(code)
    compiler = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "host.c", "-o", "host"]
    subprocess.run(compiler, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "host", place], check=True)
    frames = [read(source) for _ in range(3)]
    found = [
        (frame.sequence, frame.pixel_format, frame.image.shape, int(frame.image[0, 0])) for frame in frames
    ]
    with pytest.raises(SourceLostError, match="left"):
        source.read()
    assert found == [(number, PixelFormat.Y16, (24, 32), 1000 + number) for number in range(3)]
