"""What the preview answers to."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler, Middleware

from edge_irdet.preview.access import HEADERS, PAGE, SIGN_IN_PATH, Access
from edge_irdet.preview.attempts import WrongTokens
from edge_irdet.preview.bursts import Burst
from edge_irdet.preview.forms import FORM_BYTES, posted_field
from edge_irdet.preview.metrics import GuestCounts, exposition
from edge_irdet.preview.status_cache import StatusCache
from edge_irdet.preview.viewers import (
    BOUNDARY,
    CLOSE_SECONDS,
    HEARTBEAT_SECONDS,
    PageViewer,
    PlainViewer,
    Viewers,
)

CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FORM_SECONDS = 5.0
MESSAGE_BYTES = 4096

_log = logging.getLogger("edge_irdet.preview")


class Routes:
    """The handlers.

    Args:
        access: who may look.
        status: of the stream.
        viewers: those that watch.
        heard: told of each request.
        wrong: counts wrong tokens.
    """

    def __init__(
        self,
        access: Access,
        status: StatusCache,
        viewers: Viewers,
        heard: Callable[[web.BaseRequest], None],
        wrong: WrongTokens,
    ) -> None:
        self._access = access
        self._status_cache = status
        self._viewers = viewers
        self._heard = heard
        self._wrong = wrong
        self._failures = Burst()
        self._assets = {name: _asset(file) for name, file in _page_files().items()}

    def application(self) -> web.Application:
        """The whole, behind the checks."""
        application = web.Application(middlewares=[self._checks()], client_max_size=FORM_BYTES)
        application.router.add_get("/", self._page_file)
        for name in self._assets:
            application.router.add_get(f"/{name}", self._page_file)
        application.router.add_get("/socket", self._socket)
        application.router.add_get("/stream.mjpg", self._stream)
        application.router.add_get("/snapshot.jpg", self._snapshot)
        application.router.add_get("/status.json", self._status)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_post(SIGN_IN_PATH, self._sign_in)
        application.on_response_prepare.append(_add_headers)
        return application

    def _checks(self) -> Middleware:
        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._heard(request)
            refusal = self._access.refuse_stranger(request)
            if refusal is None and request.path != SIGN_IN_PATH:
                refusal = self._access.refuse_unknown(request)
            if refusal is not None:
                refusal.force_close()  # a stranger keeps no connection
                return refusal
            try:
                return await handler(request)
            except web.HTTPException as answer:
                if request.path == SIGN_IN_PATH:
                    answer.force_close()
                raise
            except ConnectionError:
                raise
            except Exception as error:
                if self._failures.begins(time.monotonic()):
                    # Without the request, whose address may hold the token.
                    _log.warning("a request could not be answered: %s", type(error).__name__, exc_info=True)
                return web.Response(status=500, text="The preview failed to answer; its log says why.\n")

        return check

    async def _page_file(self, request: web.Request) -> web.Response:
        body, content_type, tag = self._assets[request.path[1:] or "index.html"]
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS, heartbeat=HEARTBEAT_SECONDS, compress=False, max_msg_size=MESSAGE_BYTES
        )
        if not socket.can_prepare(request):
            return web.Response(
                status=426, text="This is for the page's WebSocket.\n", headers={"Upgrade": "websocket"}
            )
        await socket.prepare(request)
        if self._viewers.full:
            # A page cannot read the status of a refused upgrade, but this code it can.
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too many viewers")
            return socket
        viewer = PageViewer(self._viewers, socket, request.transport)
        self._viewers.add(viewer)
        try:
            await viewer.run()
        finally:
            self._viewers.remove(viewer)
        return socket

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        place = self._place(request)
        if self._viewers.full:
            return web.Response(status=503, text="Too many viewers.\n", headers={"Retry-After": "10"})
        response = web.StreamResponse(
            headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}", "Connection": "close"}
        )
        await response.prepare(request)
        viewer = PlainViewer(self._viewers, place, response, request.transport)
        self._viewers.add(viewer)
        try:
            await viewer.run()
        finally:
            self._viewers.remove(viewer)
        return response

    async def _snapshot(self, request: web.Request) -> web.Response:
        picture = self._viewers.snapshot(self._place(request))
        if picture is None:
            text = "There is no picture of this source yet.\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "1"})
        headers = {"X-Sequence": str(picture.record.sequence), "X-Live": "no" if picture.old else "yes"}
        return web.Response(body=picture.jpeg, content_type="image/jpeg", headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        body = msgspec.json.encode(self._status_cache.stream())
        return web.Response(body=body, content_type="application/json")

    async def _metrics(self, request: web.Request) -> web.Response:
        accept = request.headers.get("Accept", "")
        guests = GuestCounts(viewers=len(self._viewers), wrong_tokens=self._wrong.count)
        body, content_type = exposition(self._status_cache, guests, accept)
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _health(self, request: web.Request) -> web.Response:
        health = self._status_cache.health()
        return web.Response(
            status=200 if health.healthy else 503,
            body=msgspec.json.encode(health),
            content_type="application/json",
        )

    async def _sign_in(self, request: web.Request) -> web.Response:
        try:
            given = await asyncio.wait_for(posted_field(request, "token"), FORM_SECONDS)
        except asyncio.TimeoutError:
            raise web.HTTPRequestTimeout(text="The form did not arrive in time.\n") from None
        answer = self._access.sign_in(request, given.strip())
        if answer.status >= 400:
            answer.force_close()
        return answer

    def _place(self, request: web.Request) -> int:
        given = request.query.get("source", "0")
        place = int(given) if given.isascii() and given.isdigit() and len(given) < 4 else -1
        if self._status_cache.source_at(place) is None:
            sources = self._status_cache.stream().sources
            lines = "".join(f"  ?source={index}  {one.source}\n" for index, one in enumerate(sources))
            raise web.HTTPNotFound(text=f"There is no source {given[:20]!r}; there are:\n{lines}")
        return place


def _page_files() -> dict[str, Path]:
    return {file.name: file for file in PAGE.iterdir() if file.name != "sign_in.html"}


def _asset(file: Path) -> tuple[bytes, str, str]:
    body = file.read_bytes()
    suffix = file.name[file.name.rindex(".") :]
    return body, CONTENT_TYPES[suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"'


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "edge-irdet"
