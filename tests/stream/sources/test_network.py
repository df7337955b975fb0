"""Network streams from real servers on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles.boards import board_of
from doubles.network_servers import (
    TS_PACKET,
    MjpegCamera,
    TcpServer,
    numbered_transport_stream,
)
from doubles.numbered_pictures import number_of
from edge_irdet.errors import OptionError, SourceLostError
from edge_irdet.record import LossCounts
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.policy import FramePolicy, FrameQueues
from edge_irdet.stream.sources.network import NetworkSource, network_address
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.source import ReadTimeout, Source


def read(source: Source, count: int) -> list[Frame]:
    """``count`` frames; images are copied, because the source writes into them again."""
    frames = []
    while len(frames) < count:
        with contextlib.suppress(ReadTimeout):
            frame = source.read()
            frames.append(
                Frame(
                    frame.image.copy(),
                    frame.sequence,
                    frame.capture_ns,
                    frame.source,
                    frame.pixel_format,
                    frame.discontinuity,
                )
            )
    return frames


def read_until_lost(source: Source) -> SourceLostError:
    while True:
        try:
            assert source.read() is not None
        except ReadTimeout:
            continue
        except SourceLostError as error:
            return error


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


# The address --------------------------------------------------------------------------------------------


def test_parameters_behind_the_hash_are_ours_and_the_rest_is_the_servers() -> None:
    address = network_address(
        "RTSP://user:pw@10.0.0.1:8554/a%20b?channel=1&x=y#transport=udp&silence=2.5&threads=2"
    )
    assert address.url == "rtsp://user:pw@10.0.0.1:8554/a%20b?channel=1&x=y"
    assert (address.transport, address.silence_s, address.threads) == ("udp", 2.5, 2)
    address = network_address("http://camera/video?channel&channel=2&silence=9")
    assert address.url == "http://camera/video?channel&channel=2&silence=9"
    assert (address.silence_s, address.threads) == (5.0, 1)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp:",
        "rtsp://",
        "rtsp:camera",
        "rtsp:///path",
        "rtsp://camera:port/x",
        "rtsp://camera:0/x",
        "rtsp://camera:99999/x",
        "http://[::1/x",
        "tcp://10.0.0.1",
        "udp://10.0.0.1",
        "rtsp://camera/a b",
        "rtsp://camera/a\nb",
        "rtsp://camera/a#transport",
        "rtsp://camera/a#transport=",
        "rtsp://camera/a#transport=udp&transport=tcp",
        "rtsp://camera/a#transport=quic",
        "rtsp://camera/a#transprot=udp",
        "http://camera/a#transport=udp",
        "rtsp://camera/a#silence=0",
        "rtsp://camera/a#silence=nan",
        "rtsp://camera/a#silence=soon",
        "rtsp://camera/a#threads=0",
    ],
)
def test_wrong_addresses_are_refused(uri: str) -> None:
    with pytest.raises(OptionError):
        open_source(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://admin:hunter2@host/x#transport=quic",
        "rtsp://admin:hunter2@host:port/x",
        "rtsp://admin:hun ter2@host/x",
        "rtsp://admin:hun#ter2@host/x",
        "rtsp://admin:hunter2@host/x#password=hunter2",
        "rtsp://host/x?password=hunter2#silence=0",
        "http://admin:hunter2@",
    ],
)
def test_a_refused_address_keeps_its_credentials(uri: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_source(uri)
    assert "ter2" not in str(caught.value)


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_any_text_is_an_address_or_an_option_error(text: str) -> None:
    for scheme in ("rtsp://", "http://user:hunter2@", "udp:"):
        said = ""
        try:
            said = NetworkSource(scheme + text, network_address(scheme + text)).uri
        except OptionError as error:
            said = str(error)
        assert "hunter2" not in said


# HTTP ---------------------------------------------------------------------------------------------------


def test_an_mjpeg_camera() -> None:
    with MjpegCamera() as camera, open_source(camera.url) as source:
        assert source.live
        frames = read(source, 30)
    assert [frame.sequence for frame in frames] == list(range(30))
    assert numbers(frames) == list(range(numbers(frames)[0], numbers(frames)[0] + 30)), "each once, in order"
    assert {frame.image.shape for frame in frames} == {(240, 320)}
    assert {frame.pixel_format for frame in frames} == {PixelFormat.GREY}
    assert not any(frame.discontinuity for frame in frames)
    times = [frame.capture_ns for frame in frames]
    assert times == sorted(times)
    assert source.missed == source.skips.count == 0


def test_a_server_that_dies_and_comes_back() -> None:
    with MjpegCamera() as camera:
        port = camera.server.port
        source = open_source(camera.url)
        with source:
            read(source, 5)
            camera.server.stop()
            error = read_until_lost(source)
    assert "broken off" in error.what
    with pytest.raises(SourceLostError, match="refused"):
        source.open()
    with MjpegCamera(port=port), source:
        assert [frame.sequence for frame in read(source, 5)] == list(range(5))


def test_a_pause_is_a_time_out_and_then_it_goes_on() -> None:
    with MjpegCamera() as camera, open_source(camera.url) as source:
        before = read(source, 5)
        camera.running.clear()
        with pytest.raises(ReadTimeout):  # first what had been sent before the pause
            before.extend(iter(lambda: read_now(source), None))
        camera.running.set()
        after = read(source, 5)
    together = numbers(before + after)
    assert together == list(range(together[0], together[0] + len(together)))


def read_now(source: Source) -> Frame:
    frame = source.read()
    return Frame(frame.image.copy(), frame.sequence, frame.capture_ns, frame.source, frame.pixel_format)


def test_a_server_that_stays_silent_is_lost() -> None:
    with MjpegCamera() as camera, open_source(f"{camera.url}#silence=1.5") as source:
        read(source, 5)
        camera.running.clear()
        error = read_until_lost(source)
    assert "was silent for 1.5 s" in error.what


@pytest.mark.parametrize("scheme", ["rtsp", "http", "tcp"])
def test_a_server_that_accepts_and_never_answers(scheme: str) -> None:
    never = threading.Event()
    with TcpServer(lambda connection: never.wait(20.0) and None) as server:
        started = time.monotonic()
        with (
            pytest.raises(SourceLostError, match="nothing usable within"),
            open_source(f"{scheme}://127.0.0.1:{server.port}/x#silence=1"),
        ):
            pass
        assert time.monotonic() - started < 10.0
        never.set()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "404 Not Found"),
        (
            b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n\r\n",
            "refused the user and password",
        ),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>no video here</html>", "finds no video"),
        (b"\x00\xff\x80 what is this", "does not answer"),
    ],
)
def test_what_the_server_says_is_passed_on(answer: bytes, said: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with (
        TcpServer(serve) as server,
        pytest.raises(SourceLostError) as caught,
        open_source(f"http://me:hunter2@127.0.0.1:{server.port}/x"),
    ):
        pass
    assert said in caught.value.what
    assert "hunter2" not in str(caught.value)


def test_a_recording_over_http_ends_as_a_loss(video: Path) -> None:
    body = video.read_bytes()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    with TcpServer(serve) as server, open_source(f"http://127.0.0.1:{server.port}/v.mp4#silence=2") as source:
        frames = read(source, 30)
        error = read_until_lost(source)
    assert len(frames) == 30
    assert "after 30 pictures" in error.what
    assert "name the file" in error.next_step


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    path = tmp_path / "counts.mkv"
    options = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 9, (64, 48), options)
    generator = np.random.default_rng(0)
    written = [generator.integers(1995, 3235, (48, 64)).astype(np.uint16) for _ in range(5)]
    for image in written:
        writer.write(image)
    writer.release()
    with (
        TcpServer(lambda connection: connection.sendall(path.read_bytes())) as server,
        open_source(f"tcp://127.0.0.1:{server.port}") as source,
    ):
        frames = read(source, 5)
    assert {frame.pixel_format for frame in frames} == {PixelFormat.Y16}
    for frame, image in zip(frames, written, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_a_slow_worker_gets_young_frames() -> None:
    """The capture thread reads all the time, so nothing waits in FFmpeg or in the socket."""
    entry = board_of().add_source("camera")
    queue = FrameQueues([FramePolicy.LATEST], [entry])
    stop = threading.Event()
    with MjpegCamera(rate=100.0) as camera, open_source(camera.url) as source:

        def capture() -> None:
            while not stop.is_set():
                with contextlib.suppress(ReadTimeout):
                    queue.put(0, source.read(), LossCounts())

        thread = threading.Thread(target=capture)
        thread.start()
        ages = []
        for _ in range(8):
            delivery = queue.get()
            ages.append(camera.number - number_of(delivery.frame.image))
            time.sleep(0.15)  # work, fifteen frames long
        stop.set()
        thread.join()
    assert entry.losses.dropped > 30
    assert max(ages[1:]) < 30, f"ages in frames: {ages}"
    assert ages[-1] < 30, "and it does not grow"


# Transport streams ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return numbered_transport_stream(tmp_path_factory.mktemp("stream") / "numbered.ts")


def test_a_transport_stream_over_tcp(stream: bytes) -> None:
    with (
        TcpServer(lambda connection: connection.sendall(stream)) as server,
        open_source(f"tcp://127.0.0.1:{server.port}") as source,
    ):
        assert source.rate == 25.0
        frames = read(source, 60)
        read_until_lost(source)
    assert numbers(frames) == list(range(60))
    assert not any(frame.discontinuity for frame in frames)


def udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def sent_over_udp(packets: list[bytes], port: int) -> Iterator[None]:
    """Seven packets a datagram, as is usual, at about twice real time; from the start again and again."""
    stop = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for start in range(0, len(packets), 7):
                if stop.wait(0.002):
                    return
                sender.sendto(b"".join(packets[start : start + 7]), ("127.0.0.1", port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_no_damaged_picture_comes_out_of_a_stream_with_losses(stream: bytes) -> None:
    packets = [stream[start : start + TS_PACKET] for start in range(0, len(stream), TS_PACKET)]
    video = [index for index, packet in enumerate(packets) if (packet[1] & 0x1F, packet[2]) == (1, 0)]
    lost = set(np.random.default_rng(0).choice(video[len(video) // 6 :], 4, replace=False).tolist())
    damaged = b"".join(packet for index, packet in enumerate(packets) if index not in lost)
    clean, good = {}, []
    for content, keep in ((stream, clean), (damaged, None)):
        with (
            TcpServer(lambda connection, content=content: connection.sendall(content)) as server,
            open_source(f"tcp://127.0.0.1:{server.port}#silence=2") as source,
        ):
            frames = []
            with contextlib.suppress(SourceLostError):
                while True:
                    frames.append(read(source, 1)[0])
            if keep is None:
                good = frames
                assert source.skips.count > 0
                assert "key picture" in source.skips.reasons[0]
            else:
                clean.update({number_of(frame.image): frame.image for frame in frames})
    assert 12 < len(good) < 60
    assert any(frame.discontinuity for frame in good)
    for frame in good:
        np.testing.assert_array_equal(frame.image, clean[number_of(frame.image)])


def test_nothing_comes_out_before_the_first_key_picture(stream: bytes) -> None:
    def pictures(content: bytes) -> tuple[list[Frame], int]:
        with (
            TcpServer(lambda connection: connection.sendall(content)) as server,
            open_source(f"tcp://127.0.0.1:{server.port}#silence=2") as source,
        ):
            frames = []
            with contextlib.suppress(SourceLostError):
                while True:
                    frames.append(read(source, 1)[0])
            return frames, source.skips.count

    whole, skipped = pictures(stream)
    assert (len(whole), skipped) == (60, 0)
    clean = {number_of(frame.image): frame.image for frame in whole}
    for share in (0.1, 0.25, 0.35):
        joined = int(share * len(stream)) // TS_PACKET * TS_PACKET
        frames, skipped = pictures(stream[joined:])
        assert len(frames) > 12
        assert skipped > 0
        assert not frames[0].discontinuity
        for frame in frames:
            np.testing.assert_array_equal(frame.image, clean[number_of(frame.image)])


def test_a_transport_stream_over_udp(stream: bytes) -> None:
    packets = [stream[start : start + TS_PACKET] for start in range(0, len(stream), TS_PACKET)]
    port = udp_port()
    with sent_over_udp(packets * 20, port), open_source(f"udp://127.0.0.1:{port}") as source:
        frames = read(source, 20)
    assert all(0 <= number < 60 for number in numbers(frames))
    assert source.live


def test_nobody_sends() -> None:
    with (
        pytest.raises(SourceLostError, match="nothing usable within"),
        open_source(f"udp://127.0.0.1:{udp_port()}#silence=1"),
    ):
        pass


# What is left behind ----------------------------------------------------------------------------------------

LOG_SCRIPT = """
import sys
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.stream.sources.opening import open_source
for uri in sys.argv[1:]:
    try:
        with open_source(uri) as source:
            source.read()
        print("opened")
    except EdgeIrdetError as error:
        print(error)
"""


def test_nothing_prints_credentials() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"nonsense")

    with TcpServer(serve) as server:
        uris = [
            f"{scheme}://admin:hunter2@127.0.0.1:{port}/x?token=s3cret#silence=1"
            for scheme in ("rtsp", "rtsps", "http", "https", "tcp", "udp")
            for port in (server.port, 1)
        ]
        finished = subprocess.run(
            [sys.executable, "-c", LOG_SCRIPT, *uris], capture_output=True, text=True, check=False, timeout=60
        )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("E110") == len(uris)
    assert finished.stderr == "", "standard error is for our own messages"
    for secret in ("hunter2", "s3cret"):
        assert secret not in finished.stdout


def test_the_users_own_ffmpeg_options_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    monkeypatch.setenv(name, "user_agent;tester")
    agents = []

    def serve(connection: socket.socket) -> None:
        agents.append(connection.recv(4096))

    with TcpServer(serve) as server:
        source = open_source(f"http://127.0.0.1:{server.port}/x")
        with pytest.raises(SourceLostError):
            source.open()
    assert b"tester" in agents[1], "the first connection only looks whether the server is there"
    assert os.environ[name] == "user_agent;tester"


def test_closing_twice_and_before_opening() -> None:
    source = open_source("http://127.0.0.1:1/x")
    source.close()
    source.close()
    assert source.read() is None


def test_nothing_is_left_after_many_openings() -> None:
    with MjpegCamera() as camera:
        source = open_source(camera.url)
        for turn in range(12):
            with source:
                read(source, 2)
            if turn == 3:
                descriptors = len(os.listdir("/proc/self/fd"))
        assert isinstance(source, NetworkSource)
    names = [thread.name for thread in threading.enumerate()]
    assert "read 127.0.0.1" not in names
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 12, "the camera's own connections"
