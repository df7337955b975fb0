"""Those who watch, and the clock that makes pictures for them.

Nothing is queued: a viewer is told that there is news, takes the newest picture, and is not offered another
one of that source before it has said that it has got it. Who is slow gets fewer pictures, never older ones.
"""

from __future__ import annotations

import asyncio
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from edge_irdet.preview.pictures import Picture, Pictures, age_mark
from edge_irdet.preview.status_cache import Notice, StatusCache
from edge_irdet.record import encode_record

NOTICE_SECONDS = 0.5
PICTURES_UNDER_WAY = 2
"""Of one source to one page: one being shown, one on its way."""

SEND_SECONDS = 10.0
"""A viewer that takes nothing for this long is let go."""

HEARTBEAT_SECONDS = 10.0
MOST_WANTED = 64
CLOSE_SECONDS = 0.5
BOUNDARY = "edge-irdet-frame"

_LENGTH = struct.Struct(">I")


class PageWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a page may say."""

    want: list[int] | None = None
    """Sources to send pictures of, by place; null leaves it as it is. A hidden page wants none."""

    got: int | None = None
    """Source of a picture that has arrived."""


_wishes = msgspec.json.Decoder(PageWish)


class Viewer(ABC):
    """One that watches; made, used and closed in the server's thread."""

    marked: bool
    """Whether it gets pictures with everything drawn in, or draws for itself."""

    def __init__(self) -> None:
        self.news = asyncio.Event()

    @abstractmethod
    def due(self) -> Iterable[int]:
        """Places of the sources of which it would take a picture now."""

    @abstractmethod
    async def close(self) -> None:
        """Say good-bye, within :data:`CLOSE_SECONDS`."""


class Viewers:
    """All that watch, and the clock.

    Args:
        pictures: makes them.
        status: tells the sources and their states.
        max_fps: pictures per second and source.
        max_clients: viewers at once.
    """

    def __init__(self, pictures: Pictures, status: StatusCache, max_fps: float, max_clients: int) -> None:
        self.pictures = pictures
        self.status = status
        self.notice = b""
        self.notice_number = 0
        self._period = 1.0 / max_fps
        self._max_clients = max_clients
        self._viewers: set[Viewer] = set()
        self._some = asyncio.Event()
        self._notice_due = 0.0
        self._snapshot_at: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def full(self) -> bool:
        """Whether one more must be refused."""
        return len(self._viewers) >= self._max_clients

    def add(self, viewer: Viewer) -> None:
        """Serve it from now on."""
        self._viewers.add(viewer)
        self._renew_notice()
        viewer.news.set()
        self._some.set()

    def remove(self, viewer: Viewer) -> None:
        """Serve it no more."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._some.clear()

    async def run(self) -> None:
        """Make pictures while somebody watches; never returns."""
        due = time.monotonic()
        while True:
            await self._some.wait()
            if time.monotonic() >= self._notice_due:
                self._renew_notice()
            for viewer in self._viewers:
                for place in viewer.due():
                    self.make(place, viewer.marked)
                viewer.news.set()
            now = time.monotonic()
            due = max(due + self._period, now)
            # At least a moment: viewers that are slow to answer must not wait behind the clock.
            await asyncio.sleep(max(due - now, 0.001))

    def make(self, place: int, marked: bool) -> Picture | None:
        """The newest picture of a source; None where there is none."""
        source = self.status.source_at(place)
        if source is None:
            return None
        if not marked:
            return self.pictures.plain(source.source)
        newest = self.pictures.written_ns(source.source)
        if newest is None:
            return None
        return self.pictures.marked(source.source, age_mark(source, newest, time.monotonic_ns()))

    def made(self, place: int, marked: bool) -> Picture | None:
        """The picture of a source that the clock made last; None where there is none."""
        source = self.status.source_at(place)
        return None if source is None else self.pictures.made(source.source, marked)

    def snapshot(self, place: int) -> Picture | None:
        """The newest picture of a source with everything drawn in, made no more often than for viewers."""
        now = time.monotonic()
        if now - self._snapshot_at.get(place, 0.0) >= self._period or self.made(place, marked=True) is None:
            self._snapshot_at[place] = now
            return self.make(place, marked=True)
        return self.made(place, marked=True)

    async def close(self) -> None:
        """Say good-bye to all."""
        await asyncio.gather(*(viewer.close() for viewer in list(self._viewers)), return_exceptions=True)

    def _renew_notice(self) -> None:
        self._notice_due = time.monotonic() + NOTICE_SECONDS
        notice = Notice(stream=self.status.stream(), health=self.status.health(), viewers=len(self))
        self.notice = msgspec.json.encode(notice)
        self.notice_number += 1


class PageViewer(Viewer):
    """A page behind a WebSocket: notices as text; pictures as one binary message of length, JSON and JPEG.

    Args:
        viewers: where it belongs.
        socket: prepared.
        transport: under the socket.
    """

    marked = False

    def __init__(
        self, viewers: Viewers, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        super().__init__()
        self._viewers = viewers
        self._socket = socket
        self._transport = transport
        self._wanted: list[int] = []
        self._sent: dict[int, int] = {}
        self._under_way: dict[int, int] = {}

    def due(self) -> Iterable[int]:
        """What it wants and has room for."""
        return [place for place in self._wanted if self._under_way.get(place, 0) < PICTURES_UNDER_WAY]

    async def run(self) -> None:
        """Serve it until it goes."""
        sending = asyncio.create_task(self._send())
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT or not self._listen(message.data):
                    await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
                    break
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def close(self) -> None:
        """Tell the page that the server goes."""
        try:
            await asyncio.wait_for(self._socket.close(code=WSCloseCode.GOING_AWAY), CLOSE_SECONDS)
        except (asyncio.TimeoutError, ConnectionError):
            _abort(self._transport)

    def _listen(self, text: str) -> bool:
        try:
            wish = _wishes.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return False
        if wish.want is not None:
            self._wanted = list(dict.fromkeys(wish.want))[:MOST_WANTED]
            self._under_way.clear()
            self._sent.clear()
        if wish.got is not None and self._under_way.get(wish.got, 0) > 0:
            self._under_way[wish.got] -= 1
        return True

    async def _send(self) -> None:
        told = 0
        try:
            while True:
                await self.news.wait()
                self.news.clear()
                if told != self._viewers.notice_number:
                    told = self._viewers.notice_number
                    await asyncio.wait_for(self._socket.send_str(self._viewers.notice.decode()), SEND_SECONDS)
                for place in self.due():
                    picture = self._viewers.made(place, marked=False)
                    if picture is not None and self._sent.get(place) != picture.version:
                        self._sent[place] = picture.version
                        self._under_way[place] = self._under_way.get(place, 0) + 1
                        message = picture_message(place, picture, time.monotonic_ns())
                        await asyncio.wait_for(self._socket.send_bytes(message), SEND_SECONDS)
        except (asyncio.TimeoutError, ConnectionError):
            _abort(self._transport)


class PlainViewer(Viewer):
    """A player, a browser's image or a recorder that takes JPEG after JPEG (multipart/x-mixed-replace).

    Args:
        viewers: where it belongs.
        place: of the source.
        response: prepared.
        transport: under the response.
    """

    marked = True

    def __init__(
        self, viewers: Viewers, place: int, response: web.StreamResponse, transport: asyncio.Transport | None
    ) -> None:
        super().__init__()
        self._viewers = viewers
        self._place = place
        self._response = response
        self._transport = transport
        self._busy = False

    def due(self) -> Iterable[int]:
        """Its source, while nothing is on its way."""
        return () if self._busy else (self._place,)

    async def run(self) -> None:
        """Serve it until it goes."""
        last: Picture | None = None
        try:
            while True:
                await self.news.wait()
                self.news.clear()
                picture = self._viewers.made(self._place, marked=True)
                if picture is None or picture is last:
                    continue
                last = picture
                self._busy = True
                head = (
                    f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n\r\n"
                )
                part = head.encode() + picture.jpeg + b"\r\n"
                await asyncio.wait_for(self._response.write(part), SEND_SECONDS)
                self._busy = False
        except (asyncio.TimeoutError, ConnectionError):
            _abort(self._transport)

    async def close(self) -> None:
        """End the stream: it has no good-bye."""
        _abort(self._transport)


def picture_message(place: int, picture: Picture, now_ns: int) -> bytes:
    """What a page gets: the length of the JSON (4 bytes, big-endian), the JSON, the JPEG."""
    head = msgspec.json.encode(
        {
            "source": place,
            "age_ms": (now_ns - picture.record.capture_ns) / 1e6,
            "waited_ms": (now_ns - picture.written_ns) / 1e6,
            "record": msgspec.Raw(encode_record(picture.record)),
        }
    )
    return _LENGTH.pack(len(head)) + head + picture.jpeg


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        transport.abort()
