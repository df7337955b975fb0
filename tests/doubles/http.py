"""Plain requests for tests, over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

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
