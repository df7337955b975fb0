"""The web server of the preview: a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import threading
import time
from dataclasses import replace

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.preview.access import Access
from edge_irdet.preview.attempts import WrongTokens
from edge_irdet.preview.config import GIVE_A_TOKEN, PreviewConfig, is_loopback
from edge_irdet.preview.newest import NewestFrames
from edge_irdet.preview.pictures import Pictures
from edge_irdet.preview.routes import Routes
from edge_irdet.preview.status_cache import StatusCache
from edge_irdet.preview.viewers import Viewers
from edge_irdet.stream.board import StreamBoard

CONNECTIONS_A_CLIENT = 4
SPARE_CONNECTIONS = 16
"""For pages that load and for scrapes, beside those that watch."""

FIRST_REQUEST_SECONDS = 10.0
"""A connection that has asked for nothing by then is closed: it may only have come to use up our places."""

SWEEP_SECONDS = 1.0

SEND_BUFFER_BYTES = 128 * 1024
"""The kernel's buffer of a connection, kept small so that a slow viewer does not get what is seconds old."""

START_SECONDS = 10.0
STOP_SECONDS = 1.9
"""Time that :meth:`PreviewServer.close` takes at most."""

_log = logging.getLogger("edge_irdet.preview")


class PreviewServer:
    """Serves the page, the pictures and the figures.

    Args:
        config: where and for whom.
        frames: the newest ones.
        board: where the stream writes how it is.
    """

    def __init__(self, config: PreviewConfig, frames: NewestFrames, board: StreamBoard) -> None:
        self._config = config
        self._frames = frames
        self._board = board
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._silent: dict[RequestHandler, float] = {}
        self.port = config.port

    @property
    def failure(self) -> BaseException | None:
        """What ended the server of itself; None while it serves."""
        return self._failure

    def start(self) -> None:
        """Listen and serve.

        Raises:
            OutputFailedError: the address cannot be listened on.
        """
        listening = listening_socket(self._config)
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listening,), name="preview", daemon=True)
        self._thread.start()
        self._ready.wait(START_SECONDS)
        if self._failure is not None or not self._ready.is_set():
            raise OutputFailedError(
                f"the preview's server did not start: {self._failure or 'no answer'}",
                "run the command without --preview and report this",
            )

    def close(self) -> None:
        """Let all viewers go and end the thread, within two seconds; may be called again."""
        thread, loop, stop = self._thread, self._loop, self._stop
        if thread is None:
            return
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended of itself
                loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_SECONDS)
        if thread.is_alive():
            _log.warning("the preview's thread is stuck and was left behind")
        self._thread = None

    def _run(self, listening: socket.socket) -> None:
        try:
            with listening:
                asyncio.run(self._serve(listening))
        except BaseException as error:
            _log.error("the preview has ended: %s", type(error).__name__, exc_info=True)
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        limits = replace(self._board.limits, record_age_seconds=self._config.record_age_seconds)
        status = StatusCache(self._board, limits)
        pictures = Pictures(self._frames, self._config.jpeg_quality)
        viewers = Viewers(pictures, status, self._config.max_fps, self._config.max_clients)
        wrong = WrongTokens()
        routes = Routes(Access(self._config, wrong), status, viewers, self._heard, wrong)
        # aiohttp would log the text of malformed requests, and a token may stand in it.
        silent = logging.Logger("edge_irdet.preview.http", logging.CRITICAL + 1)
        runner = web.AppRunner(
            routes.application(),
            access_log=None,
            logger=silent,
            keepalive_timeout=30,
            lingering_time=1,
            auto_decompress=False,  # bodies are a stranger's, and only one short form is read
            shutdown_timeout=0.2,
        )
        await runner.setup()
        assert runner.server is not None
        server = runner.server
        accepting = await self._loop.create_server(lambda: self._accept(server), sock=listening)
        working = [asyncio.create_task(viewers.run()), asyncio.create_task(self._drop_silent())]
        stopping = asyncio.create_task(self._stop.wait())
        self._ready.set()
        try:
            await asyncio.wait({*working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()  # raises what ended it
        finally:
            accepting.close()
            for task in working:
                task.cancel()
            stopping.cancel()
            await viewers.close()
            await runner.cleanup()

    def _accept(self, server: web.Server) -> asyncio.Protocol:
        most = self._config.max_clients * CONNECTIONS_A_CLIENT + SPARE_CONNECTIONS
        if len(server.connections) >= most:
            return _Refusal()
        handler: RequestHandler = server()
        self._silent[handler] = time.monotonic() + FIRST_REQUEST_SECONDS
        return handler

    def _heard(self, request: web.BaseRequest) -> None:
        self._silent.pop(request.protocol, None)

    async def _drop_silent(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for handler, until in list(self._silent.items()):
                transport = handler.transport
                if transport is None or now > until:
                    del self._silent[handler]
                if isinstance(transport, asyncio.Transport) and now > until:
                    transport.abort()


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def listening_socket(config: PreviewConfig) -> socket.socket:
    """A socket that listens where the configuration says.

    Raises:
        OutputFailedError: the name is unknown, or the address is taken or not ours.
        OptionError: ``localhost`` is not this machine, and there is no token.
    """
    try:
        found = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except OSError as error:
        raise OutputFailedError(
            f"the preview cannot listen on {config.host}: {error.strerror}",
            "write an address of this machine (ip address) as --preview HOST:PORT",
        ) from error
    # A name may stand for both families; IPv4 is what a browser on the other end of a cable can reach.
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    if config.token is None and not is_loopback(str(address[0])):
        raise OptionError(f"{config.host} is {address[0]}, which others can reach", GIVE_A_TOKEN)
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if family == socket.AF_INET6 and address[0] == "::":
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(64)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        next_step = "write an address of this machine (ip address) as --preview HOST:PORT"
        if error.errno == errno.EADDRINUSE:
            next_step = (
                f"end what listens there (ss -ltnp 'sport = :{config.port}'), or choose another port; "
                "0 takes a free one"
            )
        elif error.errno == errno.EACCES:
            next_step = "choose a port of 1024 or more: lower ones need rights that this process lacks"
        raise OutputFailedError(
            f"the preview cannot listen on {config.host}, port {config.port}: {error.strerror}", next_step
        ) from error
    return listening
