"""Plain requests for tests, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDictProxy


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def fetch(
    url: str, headers: dict[str, str] | None = None, method: str = "GET", data: dict[str, str] | None = None
) -> Answer:
    """One request, redirects not followed, no cookies kept."""

    async def run() -> Answer:
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(10)) as session,
            session.request(method, url, headers=headers, data=data, allow_redirects=False) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    return asyncio.run(run())


def send_raw(url: str, request: bytes, seconds: float = 5.0) -> bytes:
    """Bytes as they are, on a connection of their own; what comes back until the server closes or is silent.

    Args:
        url: of the server.
        request: sent whole.
        seconds: of silence that end it.
    """
    address = urlsplit(url)
    answer = b""
    with socket.create_connection((address.hostname, address.port), timeout=seconds) as raw:
        try:
            raw.sendall(request)
            while block := raw.recv(65536):
                answer += block
        except (TimeoutError, ConnectionError):
            pass
    return answer
