from __future__ import annotations

import asyncio
import socket
import threading
import time
from urllib.parse import urlsplit

import aiohttp
import cv2
import msgspec
import numpy as np
import pytest

from doubles.boards import board_of, turn
from doubles.http import fetch
from doubles.previewed import CAMERA, OTHER, MakePreview, PageEnd, as_page, feed, preview_of
from edge_irdet.preview import PreviewSink
from edge_irdet.preview.pictures import Pictures
from edge_irdet.record import decode_record
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.status import SourceState, StreamStatus


class Feeding:
    """Writes frames of both sources from a thread, as the emit thread does."""

    def __init__(self, sink: PreviewSink, board: StreamBoard, shape: tuple[int, int] = (48, 64)) -> None:
        self.sequence = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(sink, board, shape))

    def __enter__(self) -> Feeding:
        self._thread.start()
        return self

    def __exit__(self, *given: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self, sink: PreviewSink, board: StreamBoard, shape: tuple[int, int]) -> None:
        while not self._ended.wait(0.005):
            for source in (CAMERA, OTHER):
                feed(sink, board, self.sequence, source, shape)
            self.sequence += 1


def test_a_page_is_told_the_status_and_gets_what_it_wants(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)

    async def act(page: PageEnd) -> None:
        notice = await page.notice()
        assert [source["source"] for source in notice["stream"]["sources"]] == [CAMERA, OTHER]
        assert notice["viewers"] == 1
        await page.say(want=[1])
        seen = []
        for _ in range(5):
            head, jpeg = await page.picture()
            assert head["source"] == 1
            record = decode_record(msgspec.json.encode(head["record"]))
            assert record.detections[0].class_name == "drone"
            assert 0 <= head["waited_ms"] <= head["age_ms"] < 5000
            assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED).shape == (48, 64)
            seen.append(record.sequence)
            await page.say(got=1)
        assert seen == sorted(set(seen)), "none twice, none older"
        await page.say(want=[0, 1])
        assert {(await page.picture())[0]["source"] for _ in range(4)} == {0, 1}

    with Feeding(sink, board):
        as_page(sink.url, act)


def test_a_page_that_does_not_confirm_gets_no_more(preview: MakePreview, board: StreamBoard) -> None:
    """Slow viewers get fewer pictures; what waits for them does not grow, and the next one is the newest."""
    sink = preview(max_fps=60)

    async def act(page: PageEnd) -> None:
        await page.say(want=[0])
        for _ in range(2):
            await page.picture()
        with pytest.raises(asyncio.TimeoutError):
            await page.picture(0.4)
        newest = feeding.sequence
        await page.say(got=0)
        head, _ = await page.picture()
        assert head["record"]["sequence"] >= newest - 5

    with Feeding(sink, board) as feeding:
        as_page(sink.url, act)


def test_a_hidden_page_costs_no_picture(
    preview: MakePreview, board: StreamBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []

    def encode(self: Pictures, picture: np.ndarray) -> bytes:
        encoded.append(1)
        return b"jpeg"

    monkeypatch.setattr(Pictures, "_encode", encode)
    sink = preview(max_fps=60)

    async def act(page: PageEnd) -> None:
        await page.notice()
        await page.say(want=[])
        for _ in range(2):
            await page.notice()
        assert not encoded
        await page.say(want=[0])
        await page.picture()
        assert encoded

    with Feeding(sink, board):
        as_page(sink.url, act)


def test_pictures_are_made_at_the_rate_that_was_asked_for(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=10)
    got = []

    async def act(page: PageEnd) -> None:
        await page.say(want=[0])
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            await page.picture()
            await page.say(got=0)
            got.append(1)

    with Feeding(sink, board):
        as_page(sink.url, act)
    assert 2 <= len(got) <= 13


@pytest.mark.parametrize(
    "message",
    ["", "{", '{"want":"all"}', '{"other":1}', '{"want":[1e400]}', "[" * 3000, '{"got":"0"}', "\x00"],
)
def test_what_a_page_does_not_say_ends_it(preview: MakePreview, message: str) -> None:
    async def act(page: PageEnd) -> None:
        await page.socket.send_str(message)
        while (answer := await page.socket.receive(5)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert answer.type is aiohttp.WSMsgType.CLOSE
        assert answer.data == aiohttp.WSCloseCode.POLICY_VIOLATION

    as_page(preview().url, act)


def test_wishes_for_what_is_not_there(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)

    async def act(page: PageEnd) -> None:
        await page.say(want=[7, -1, 2**60, 0, *range(1000, 1400)])
        await page.say(got=7)
        assert (await page.picture())[0]["source"] == 0

    with Feeding(sink, board):
        as_page(sink.url, act)


def test_one_viewer_too_many_is_told_so(preview: MakePreview) -> None:
    sink = preview(max_clients=1)

    async def act(page: PageEnd) -> None:
        await page.notice()
        answer = await asyncio.to_thread(fetch, sink.url + "stream.mjpg")
        assert answer.status == 503
        async with aiohttp.ClientSession() as session, session.ws_connect(sink.url + "socket") as second:
            refused = await second.receive(5)
            assert refused.data == aiohttp.WSCloseCode.TRY_AGAIN_LATER
        assert (await asyncio.to_thread(fetch, sink.url + "healthz")).status == 503, "a scrape is no viewer"

    as_page(sink.url, act)
    as_page(sink.url, lambda page: page.notice())  # type: ignore[arg-type,return-value]


def parts_of(url: str, count: int) -> list[np.ndarray]:
    """The first pictures of a plain stream, as OpenCV's own reader of such streams would cut them."""

    async def run() -> list[np.ndarray]:
        pictures = []
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
            reader = aiohttp.MultipartReader.from_response(response)
            while len(pictures) < count:
                part = await asyncio.wait_for(reader.next(), 5)
                body = await part.read()  # type: ignore[union-attr]
                pictures.append(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR))
        return pictures

    return asyncio.run(run())


def test_the_plain_stream(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)
    with Feeding(sink, board):
        pictures = parts_of(sink.url + "stream.mjpg?source=1", 4)
    assert [picture.shape for picture in pictures] == [(480, 640, 3)] * 4
    assert len({picture.tobytes() for picture in pictures}) == 4, "the frame's number is on each"


def test_a_video_player_reads_the_plain_stream(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)
    with Feeding(sink, board):
        player = cv2.VideoCapture(sink.url + "stream.mjpg", cv2.CAP_FFMPEG)
        good, picture = player.read()
        player.release()
    assert good
    assert picture.shape == (480, 640, 3)


def test_the_plain_stream_of_a_lost_source_says_so(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    feed(sink, board, 0)
    turn(board, CAMERA, SourceState.LOST, "gone")
    first, second = parts_of(sink.url + "stream.mjpg", 2)
    red = second[..., 2].astype(int) - second[..., 1] > 80
    assert red[200:280].sum() > 500
    assert first.tobytes() != second.tobytes(), "the seconds count on"


def test_a_player_that_stops_reading_holds_nobody_up(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)
    address = urlsplit(sink.url)
    stuck = socket.create_connection((address.hostname, address.port))
    stuck.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async def act(page: PageEnd) -> None:
        await page.say(want=[0])
        for _ in range(20):
            await page.picture()
            await page.say(got=0)

    with Feeding(sink, board, (512, 640)):
        time.sleep(0.3)
        as_page(sink.url, act)
    started = time.monotonic()
    sink.close()
    assert time.monotonic() - started < 2.0
    stuck.close()


def test_a_video_player_signs_in_by_its_address(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(token="a-token-for-the-player")
    with Feeding(sink, board):
        player = cv2.VideoCapture(f"{sink.url}stream.mjpg?token=a-token-for-the-player", cv2.CAP_FFMPEG)
        assert player.read()[0]
        player.release()


def test_a_status_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_irdet.preview.server.STOP_SECONDS", 0.2)
    asked, release = threading.Event(), threading.Event()

    board = board_of(CAMERA)

    def hangs() -> StreamStatus:
        asked.set()
        release.wait(30)
        raise RuntimeError("stopped waiting")

    monkeypatch.setattr(board, "status", hangs)
    sink = preview_of(board, port=0)
    sink.start()
    address = urlsplit(sink.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as asking:
        asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(5)
        started = time.monotonic()
        sink.close()
        assert time.monotonic() - started < 2.0
        release.set()


def test_closing_with_viewers_attached(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    address = urlsplit(sink.url)
    players = [socket.create_connection((address.hostname, address.port), timeout=5) for _ in range(3)]
    for player in players:
        player.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async def act(page: PageEnd) -> None:
        await page.say(want=[0, 1])
        await page.picture()
        started = time.monotonic()
        closing = asyncio.create_task(asyncio.to_thread(sink.close))
        while (answer := await page.socket.receive(5)).type is not aiohttp.WSMsgType.CLOSE:
            pass
        assert answer.data == aiohttp.WSCloseCode.GOING_AWAY
        await closing
        assert time.monotonic() - started < 2.0

    feed(sink, board, 0)
    as_page(sink.url, act)
    for player in players:
        while player.recv(65536):
            pass
        player.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address.hostname, address.port), timeout=5)
