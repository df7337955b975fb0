"""Frames, records and browsers' ends for tests of the preview; small, labelled and made by hand."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec
import numpy as np

from doubles.boards import write_record
from edge_irdet.detection.detections import Detections
from edge_irdet.preview import PreviewConfig, PreviewSink
from edge_irdet.record import FrameCounts, Record
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.recording import make_record

CAMERA = "rtsp://***@10.0.0.4/ir"
OTHER = "/dev/video1"

MakePreview = Callable[..., PreviewSink]


def frame_of(
    sequence: int, source: str = CAMERA, shape: tuple[int, int] = (48, 64), dtype: type = np.uint8
) -> Frame:
    """Grey 30 with one target of grey 200 in columns 20..23 and rows 10..12."""
    image = np.full(shape, 30, dtype)
    image[10:13, 20:24] = 200
    return Frame(image, sequence, time.monotonic_ns(), source, pixel_format_of(image))


def record_of(frame: Frame) -> Record:
    """One detection, of a class "drone", where the target is."""
    box = np.array([[20, 10, 24, 13]], np.float32)
    found = Detections(box, np.array([0.875], np.float32), np.zeros(1, np.int64))
    return make_record(frame, found, ("drone",), time.monotonic_ns(), FrameCounts())


def feed(
    sink: PreviewSink,
    board: StreamBoard,
    sequence: int,
    source: str = CAMERA,
    shape: tuple[int, int] = (48, 64),
    dtype: type = np.uint8,
) -> Record:
    """Write one frame and count it."""
    frame = frame_of(sequence, source, shape, dtype)
    record = record_of(frame)
    sink.write(frame, record)
    write_record(board, frame, record)
    return record


def preview_of(board: StreamBoard, **settings: Any) -> PreviewSink:
    """A preview of what a test writes on a board; not yet started."""
    sink = PreviewSink(PreviewConfig(**settings))
    sink.attach(board)
    return sink


class PageEnd:
    """A page's end of the WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def notice(self) -> dict[str, Any]:
        """The next notice; pictures before it are passed over."""
        while True:
            message = await self.socket.receive(5)
            if message.type is aiohttp.WSMsgType.TEXT:
                found: dict[str, Any] = msgspec.json.decode(message.data)
                return found
            assert message.type is aiohttp.WSMsgType.BINARY, message

    async def picture(self, seconds: float = 5) -> tuple[dict[str, Any], bytes]:
        """The next picture, not confirmed; notices before it are passed over."""
        until = time.monotonic() + seconds
        while True:
            message = await self.socket.receive(max(0.01, until - time.monotonic()))
            if message.type is aiohttp.WSMsgType.BINARY:
                (length,) = struct.unpack(">I", message.data[:4])
                return msgspec.json.decode(message.data[4 : 4 + length]), message.data[4 + length :]
            assert message.type is aiohttp.WSMsgType.TEXT, message

    async def say(self, **message: Any) -> None:
        """Say what a page says."""
        await self.socket.send_json(message)


def as_page(url: str, act: Callable[[PageEnd], Awaitable[None]]) -> None:
    """Open a page's WebSocket and act on it."""

    async def run() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}socket") as socket,
        ):
            await act(PageEnd(socket))

    asyncio.run(run())
