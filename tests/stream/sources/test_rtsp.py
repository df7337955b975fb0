"""RTSP from GStreamer's own server, in a process that is killed, frozen and started again."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator

import pytest

from doubles.network_servers import RtspServer, has_rtsp_server, rtsp_server
from doubles.numbered_pictures import number_of
from edge_irdet.errors import SourceLostError
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.source import ReadTimeout, Source

pytestmark = pytest.mark.skipif(
    not has_rtsp_server(),
    reason="needs gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-good and -bad for /usr/bin/python3",
)


@pytest.fixture
def server() -> Iterator[RtspServer]:
    with rtsp_server() as running:
        yield running


def read_numbers(source: Source, count: int) -> list[int]:
    numbers = []
    while len(numbers) < count:
        with contextlib.suppress(ReadTimeout):
            numbers.append(number_of(source.read().image))
    return numbers


def read_until_lost(source: Source) -> SourceLostError:
    while True:
        try:
            source.read()
        except ReadTimeout:
            continue
        except SourceLostError as error:
            return error


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_every_picture_in_order(server: RtspServer, transport: str) -> None:
    with open_source(f"{server.url}?channel=1#transport={transport}") as source:
        assert source.rate == 30.0
        numbers = read_numbers(source, 20)
    assert numbers == list(range(numbers[0], numbers[0] + 20))
    assert source.missed == source.skips.count == 0


@pytest.mark.parametrize(("wanted", "offered"), [("tcp", "udp"), ("udp", "tcp")])
def test_no_other_transport_is_taken_silently(wanted: str, offered: str) -> None:
    with rtsp_server("--transport", offered) as server:
        with (
            pytest.raises(SourceLostError) as caught,
            open_source(f"{server.url}#transport={wanted}&silence=2"),
        ):
            pass
        assert f"#transport={offered}" in caught.value.next_step


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_killed_and_started_again(server: RtspServer, transport: str) -> None:
    source = open_source(f"{server.url}#transport={transport}")
    with source:
        read_numbers(source, 5)
        server.kill()
        killed = time.monotonic()
        error = read_until_lost(source)
        assert time.monotonic() - killed < 3.0, "the closed connection tells, no time-out is waited for"
    assert "broken off" in error.what
    with pytest.raises(SourceLostError, match="refused"):
        source.open()
    with rtsp_server("--port", str(server.port)), source:
        assert read_numbers(source, 3)[0] < 60, "the new server's pictures, not what was left of the old"


def test_a_frozen_server_is_waited_for_and_then_lost(server: RtspServer) -> None:
    with open_source(f"{server.url}#silence=1.2") as source:
        read_numbers(source, 5)
        server.freeze()
        with pytest.raises(ReadTimeout):
            deque(iter(source.read, None), maxlen=0)
        server.thaw()
        read_numbers(source, 5)
        server.freeze()
        assert "silent for 1" in read_until_lost(source).what
    server.thaw()


def test_user_and_password() -> None:
    with rtsp_server("--user", "admin:hunter2") as server:
        place = server.url.partition("//")[2]
        with open_source(f"rtsp://admin:hunter2@{place}") as source:
            assert read_numbers(source, 1)
            assert source.read().source == f"rtsp://***@{place}"
        with (
            pytest.raises(SourceLostError, match="refused the user and password"),
            open_source(f"rtsp://admin:wrong@{place}"),
        ):
            pass
        with pytest.raises(SourceLostError, match="asks for a user"), open_source(server.url):
            pass


def test_a_path_that_is_not_there(server: RtspServer) -> None:
    with pytest.raises(SourceLostError, match="404 Not Found"), open_source(f"{server.url}s"):
        pass
