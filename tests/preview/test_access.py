from __future__ import annotations

import logging
import socket
from urllib.parse import urlsplit

import pytest

from doubles.http import fetch
from doubles.previewed import MakePreview
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.status import StreamStatus

TOKEN = "s3cret-token-of-the-device"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ["", "page.css", "main.js", "favicon.svg", "socket", "stream.mjpg", "snapshot.jpg", "status.json"]
PATHS += ["metrics", "healthz", "sign_in.html", "nothing", "../etc/passwd", "%2e%2e/config.py"]


def cookie_of(url: str) -> str:
    return fetch(f"{url}?token={TOKEN}").headers["Set-Cookie"].split(";")[0]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_given_out_without_the_token(preview: MakePreview, path: str) -> None:
    url = preview(host="0.0.0.0", token=TOKEN).url
    url = f"http://127.0.0.1:{urlsplit(url).port}/"
    for headers in ({}, {"Authorization": "Bearer " + TOKEN[:-1]}, {"Authorization": f"Basic {TOKEN}"}):
        answer = fetch(url + path, headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN.encode() not in answer.body
    assert fetch(f"{url}{path}?token=wrong").status == 401


@pytest.mark.parametrize("path", ["", "status.json", "healthz", "metrics"])
def test_the_token_opens_as_header_and_as_cookie(preview: MakePreview, path: str) -> None:
    url = preview(token=TOKEN).url
    assert fetch(url + path, BEARER).status in (200, 503)
    assert fetch(url + path, {"Cookie": cookie_of(url)}).status in (200, 503)
    assert fetch(url + path, {"Cookie": cookie_of(url)[:-1]}).status == 401


def test_a_link_with_the_token_sets_a_cookie_and_leads_to_the_clean_address(preview: MakePreview) -> None:
    url = preview(token=TOKEN).url
    answer = fetch(f"{url}snapshot.jpg?source=1&token={TOKEN}")
    assert answer.status == 303
    assert answer.headers["Location"] == "/snapshot.jpg?source=1"
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    elsewhere = fetch(f"{url}?token={TOKEN}", {"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status == 200, "a redirect from a mail's link would not carry a Strict cookie"
    assert elsewhere.headers["Refresh"] == "0; url=/"
    assert fetch(f"{url}/evil.org?token={TOKEN}").headers.get("Location", "/") in ("/", "/evil.org")


def test_two_previews_on_one_device_do_not_sign_each_other_out(preview: MakePreview) -> None:
    names = {cookie_of(preview(token=TOKEN).url).split("=")[0] for _ in range(2)}
    assert len(names) == 2


def test_signing_in_with_the_form(preview: MakePreview) -> None:
    url = preview(token=TOKEN).url
    asked = fetch(url, {"Accept": "text/html"})
    assert asked.status == 401
    assert 'action="/sign-in"' in asked.text
    wrong = fetch(url + "sign-in", {"Accept": "text/html"}, "POST", {"token": "wrong"})
    assert wrong.status == 401
    assert "not the token" in wrong.text
    right = fetch(url + "sign-in", {"Accept": "text/html"}, "POST", {"token": f" {TOKEN} "})
    assert right.status == 303
    assert fetch(url, {"Cookie": right.headers["Set-Cookie"].split(";")[0]}).status == 200
    assert fetch(url + "sign-in", {}, "POST", {"other": "x" * 5000}).status == 400
    assert fetch(url + "sign-in", {"Origin": "http://evil.org"}, "POST", {"token": TOKEN}).status == 403


@pytest.mark.parametrize(
    "host", ["evil.org", "evil.org:8080", "127.0.0.1.evil.org", "10.0.0.4", "localhost.", "", "a b"]
)
def test_on_loopback_other_names_are_refused(preview: MakePreview, host: str) -> None:
    """A page of evil.org whose name points to 127.0.0.1 could otherwise read everything (DNS rebinding)."""
    url = preview().url
    assert fetch(url + "status.json", {"Host": host}).status == (200 if host == "localhost." else 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1", "127.8.8.8:80", "[::1]:8080"])
def test_on_loopback_any_port_may_lead_here(preview: MakePreview, host: str) -> None:
    """``ssh -L 9000:localhost:8080`` makes the browser say another port."""
    assert fetch(preview().url + "status.json", {"Host": host}).status == 200


def test_pages_of_other_sites_are_refused(preview: MakePreview) -> None:
    sink = preview()
    host = urlsplit(sink.url).netloc
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    for origin in ("http://evil.org", "null", f"http://{host}.evil.org", "http://127.0.0.1:1"):
        assert fetch(sink.url + "socket", {**upgrade, "Origin": origin}).status == 403
    assert fetch(sink.url + "status.json", {"Origin": f"http://{host}"}).status == 200


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_security_headers(preview: MakePreview, path: str) -> None:
    if path == "stream.mjpg":
        path = "stream.mjpg?source=99"
    for headers in ({}, BEARER, {"Host": "evil.org"}):
        answer = fetch(preview(token=TOKEN).url + path, headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Server"] == "edge-irdet"


def test_the_token_is_never_logged(
    preview: MakePreview,
    board: StreamBoard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    sink = preview(token=TOKEN)

    def broken() -> StreamStatus:
        raise RuntimeError("broken")

    monkeypatch.setattr(board, "status", broken)
    fetch(f"{sink.url}metrics?token={TOKEN}")
    fetch(sink.url + "metrics", BEARER)
    fetch(sink.url + "stream.mjpg?source=99&token=" + TOKEN)
    address = urlsplit(sink.url)
    for request in (
        f"GET /?token={TOKEN} HTTP/9.9\r\n\r\n",
        f"GET /\r\nAuthorization Bearer {TOKEN}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization\x00: Bearer {TOKEN}\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            raw.sendall(request.encode())
            raw.recv(4096)
    assert TOKEN not in caplog.text
    assert "could not be answered: RuntimeError" in caplog.text
