"""What strangers and broken clients send: an answer of 400 or so, no traceback, and the page goes on."""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Iterator

import pytest

from doubles.http import fetch, send_raw
from doubles.previewed import CAMERA, MakePreview, feed
from edge_irdet.preview import attempts
from edge_irdet.preview.attempts import UNKNOWN_ADDRESS, Allowance, WrongTokens, address_of
from edge_irdet.preview.forms import FORM_BYTES
from edge_irdet.stream.board import StreamBoard

TOKEN = "s3cret-token-of-the-device"
FORM = "application/x-www-form-urlencoded"
GOOD_BODY = f"token={TOKEN}".encode()
SHORT = 0.3
"""Seconds to wait for what may never come."""

ROUTES = ["/", "/main.js", "/socket", "/stream.mjpg", "/snapshot.jpg", "/status.json", "/metrics", "/healthz"]
ROUTES += ["/sign-in", "/nothing"]


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_failure(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert "could not be answered" not in caplog.text
    assert "Traceback" not in caplog.text
    assert TOKEN not in caplog.text


def statuses(answer: bytes) -> list[int]:
    """Status codes of all answers on a connection."""
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", answer)]


def post(url: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    head = ["POST /sign-in HTTP/1.1", "Host: 127.0.0.1", *headers]
    if not any(header.startswith("Transfer-Encoding") for header in headers):
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return send_raw(url, "\r\n".join([*head, "", ""]).encode("latin-1") + body, 8)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([f"Content-Type: {FORM}; charset=zz"], GOOD_BODY),
        ([f"Content-Type: {FORM}; charset=utf-16"], GOOD_BODY),
        ([f"Content-Type: {FORM}; charset=\xff"], GOOD_BODY),
        ([f"Content-Type: {FORM}", "Content-Encoding: gzip"], GOOD_BODY),
        ([f"Content-Type: {FORM}", "Content-Encoding: gzip"], gzip.compress(GOOD_BODY)),
        ([f"Content-Type: {FORM}", "Content-Encoding: deflate"], GOOD_BODY),
        ([f"Content-Type: {FORM}", "Content-Encoding: br"], GOOD_BODY),
        ([f"Content-Type: {FORM}", "Content-Encoding: nonsense"], GOOD_BODY),
        ([], GOOD_BODY),
        (["Content-Type: "], GOOD_BODY),
        (["Content-Type: ;;;=/"], GOOD_BODY),
        (["Content-Type: text/plain"], GOOD_BODY),
        (["Content-Type: application/json"], b'{"token": 1}'),
        (["Content-Type: multipart/form-data"], GOOD_BODY),
        (["Content-Type: multipart/form-data; boundary=x"], b"--x\r\n\r\n--x--"),
        (["Content-Type: multipart/form-data; boundary=x"], b"--x\r\nContent-Disposition: a"),
        (["Content-Type: multipart/form-data; boundary=" + "x" * 500], GOOD_BODY),
        ([f"Content-Type: {FORM}"], b""),
        ([f"Content-Type: {FORM}"], b"other=1"),
        ([f"Content-Type: {FORM}"], b"token=%00"),
        ([f"Content-Type: {FORM}"], b"token=\0"),
        ([f"Content-Type: {FORM}"], b"token=%ff%fe"),
        ([f"Content-Type: {FORM}"], "token=é".encode()),
        ([f"Content-Type: {FORM}"], b"\xff\xfe" + GOOD_BODY),
        ([f"Content-Type: {FORM}"], GOOD_BODY + b"&" + GOOD_BODY),
        ([f"Content-Type: {FORM}"], b"&".join(b"a=1" for _ in range(500))),
        ([f"Content-Type: {FORM}"], b"token=" + b"x" * FORM_BYTES),
        ([f"Content-Type: {FORM}", "Transfer-Encoding: chunked"], b"zz\r\ntoken\r\n0\r\n\r\n"),
        ([f"Content-Type: {FORM}", "Transfer-Encoding: chunked"], b"-5\r\n"),
        ([f"Content-Type: {FORM}", "Transfer-Encoding: nonsense"], GOOD_BODY),
        ([f"Content-Type: {FORM}", "Transfer-Encoding: chunked", "Content-Length: 5"], GOOD_BODY),
    ],
)
def test_a_form_that_is_none_is_refused(preview: MakePreview, headers: list[str], body: bytes) -> None:
    url = preview(token=TOKEN).url
    answer = post(url, body, *headers)
    assert statuses(answer) == [400], answer[:300]
    assert b"Set-Cookie" not in answer
    assert fetch(url + "sign-in", {}, "POST", {"token": TOKEN}).status == 303


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=UTF-8", FORM.upper()])
def test_a_form_is_taken(preview: MakePreview, kind: str) -> None:
    url = preview(token=TOKEN).url
    assert statuses(post(url, b"a=%ff&" + GOOD_BODY, f"Content-Type: {kind}")) == [400]
    body = b"other=&" + GOOD_BODY.replace(b"-", b"%2D") + b"+"
    assert statuses(post(url, body, f"Content-Type: {kind}", "Connection: close")) == [303]


HOSTILE_LINES = [
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=9999999999999999999-\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: lines=a-b\r\nIf-Range: \xff\r\n",
    b'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: \xff=\xfe; =; a="\\\r\n',
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: edge_irdet_preview=\x01\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b"a=b; " * 1500 + b"\r\n",
    b"GET {path} HTTP/1.1\r\nHost: [\r\n",
    b"GET {path} HTTP/1.1\r\nHost: [::1%25eth0]:99999\r\n",
    b"GET {path} HTTP/1.1\r\nHost: \xff\r\n",
    b"GET {path} HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n",
    b"GET {path} HTTP/1.1\r\n",
    b"GET {path} HTTP/1.0\r\n",
    b"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://[\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: \xff\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: \xff/;q=a,,;=\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/openmetrics-text;version=x\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip;q=zz\r\nIf-None-Match: \xff\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-Modified-Since: yesterday\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: \r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + b"x" * 8000 + b"\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: miracles\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999999999999999999\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: \xff\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Extensions: permessage-deflate; "
    b"client_max_window_bits=99\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n",
    b"GET {path}?source=%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}?source=\xc2\xb2 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}?source=99999999999999999999 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}?source=-1&source=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}?%zz%&&&=;=%00%u1234 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}?\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path}%00%2f..%2f%ff HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET http://[{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET http://127.0.0.1:99999{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET //{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"TRACE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nab",
    b"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nab",
    b"N\xffT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    b"GET {path} HTTP/3.7\r\nHost: 127.0.0.1\r\n",
    b"GET {path}\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nA" + b"a" * 9000 + b": b\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"A: b\r\n" * 500,
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nA\x00: b\r\n",
    b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n continued\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "owner"])
@pytest.mark.parametrize("lines", HOSTILE_LINES, ids=range(len(HOSTILE_LINES)))
def test_malformed_requests_of_every_route(
    preview: MakePreview, board: StreamBoard, monkeypatch: pytest.MonkeyPatch, lines: bytes, known: bool
) -> None:
    monkeypatch.setattr(attempts, "BURST_PER_ADDRESS", 1000)
    sink = preview(token=TOKEN)
    feed(sink, board, 0, CAMERA)
    for path in ROUTES:
        request = lines.replace(b"{path}", path.encode())
        if known and request.startswith((b"GET", b"HEAD", b"P", b"O", b"T")) and b"\r\n" in request:
            first, rest = request.split(b"\r\n", 1)
            request = first + b"\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n" + rest
        answer = send_raw(sink.url, request + b"\r\n", SHORT)
        assert not [code for code in statuses(answer) if code >= 500 and code != 503], (request, answer[:200])
        if not known:
            assert not [code for code in statuses(answer) if code < 400 and code != 100], (
                request,
                answer[:200],
            )
    assert fetch(sink.url + "status.json", {"Authorization": f"Bearer {TOKEN}"}).status == 200


@pytest.mark.parametrize(
    "tail", [b"", b"x=%ff", b"x=%zz&%00=%0d%0aSet-Cookie:a=b", b"\xff\xc3=\xed\xa0\x80", b"%ED%A0%80"]
)
@pytest.mark.parametrize(
    "path", [b"/", b"//evil.org/", b"/\\evil.org", b"/%5cevil.org", b"/%ff", b"/%0d%0aa:b"]
)
def test_signing_in_by_a_link_leads_to_nowhere_else(preview: MakePreview, path: bytes, tail: bytes) -> None:
    url = preview(token=TOKEN).url
    request = (
        b"GET " + path + b"?token=" + TOKEN.encode() + b"&" + tail + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )
    answer = send_raw(url, request, SHORT)
    assert statuses(answer)[0] in (303, 400)
    head = answer.split(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        assert not line.lower().startswith((b"location: //", b"location: /\\", b"location: http", b"a:"))


def test_a_refusal_ends_the_connection_and_what_was_sent_behind_it(preview: MakePreview) -> None:
    url = preview(token=TOKEN).url
    bare = b"GET /status.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    owner = bare + b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    assert statuses(send_raw(url, (bare + b"\r\n") * 50)) == [401]
    assert statuses(send_raw(url, bare + b"\r\n" + owner)) == [401]
    assert statuses(send_raw(url, owner * 50, SHORT)) == [200] * 50
    assert statuses(send_raw(url, owner + bare + b"\r\n" + owner)) == [200, 401]
    assert statuses(send_raw(url, bare.replace(b"127.0.0.1", b"evil.org") + b"\r\n" + owner)) == [403]


def test_wrong_tokens_are_throttled_logged_once_and_counted(
    preview: MakePreview, caplog: pytest.LogCaptureFixture
) -> None:
    url = preview(token=TOKEN).url
    wrong = "a-wrong-token-of-someone"
    ways = [
        lambda: fetch(url, {"Authorization": f"Bearer {wrong}"}),
        lambda: fetch(f"{url}healthz?token={wrong}"),
        lambda: fetch(url + "sign-in", {}, "POST", {"token": wrong}),
    ]
    found = [ways[index % 3]() for index in range(attempts.BURST_PER_ADDRESS + 6)]
    assert [answer.status for answer in found[: attempts.BURST_PER_ADDRESS]] == [
        401
    ] * attempts.BURST_PER_ADDRESS
    for answer in found[attempts.BURST_PER_ADDRESS :]:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0
    assert fetch(url).status == 401, "who shows no token has shown no wrong one"
    for answer in (
        fetch(url, {"Authorization": f"Bearer {TOKEN}"}),
        fetch(f"{url}?token={TOKEN}"),
        fetch(url + "sign-in", {}, "POST", {"token": TOKEN}),
    ):
        assert answer.status in (200, 303), "the owner sits behind the same address"
    metrics = fetch(url + "metrics", {"Authorization": f"Bearer {TOKEN}"}).text
    assert f"edge_irdet_preview_wrong_tokens_total {len(found)}.0" in metrics
    assert [record.getMessage() for record in caplog.records].count("wrong token") == 1
    assert wrong not in caplog.text
    (record,) = [record for record in caplog.records if record.getMessage() == "wrong token"]
    assert record.address == "127.0.0.1"


def test_an_allowance_comes_back_with_time() -> None:
    allowance = Allowance(3, 2.0, 100.0)
    assert [allowance.take(100.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [allowance.take(102.1) for _ in range(2)] == [True, False]
    assert [allowance.take(1000.0) for _ in range(5)] == [True] * 3 + [False] * 2


def test_addresses_are_remembered_in_bounded_memory_and_all_together_are_limited() -> None:
    wrong = WrongTokens()
    allowed = [wrong.note(f"10.{index >> 8 & 255}.{index & 255}.1") for index in range(5000)]
    assert len(wrong._addresses) == attempts.MOST_ADDRESSES
    assert wrong.count == 5000
    assert attempts.BURST_IN_TOTAL <= sum(allowed) <= attempts.BURST_IN_TOTAL + 20


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("10.0.0.4", 1234), "10.0.0.4"),
        (("::ffff:10.0.0.4", 1234, 0, 0), "10.0.0.4"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        (None, UNKNOWN_ADDRESS),
        ("", UNKNOWN_ADDRESS),
        ((), UNKNOWN_ADDRESS),
    ],
)
def test_an_ipv6_network_is_one_address(peer: object, address: str) -> None:
    assert address_of(peer) == address
