"""What a server says, where FFmpeg through OpenCV only says that it did not work."""

from __future__ import annotations

import http.client
import os
import socket
from urllib.parse import SplitResult

from edge_irdet.errors import SourceLostError

CONNECT_SECONDS = 2.0
"""Time for one TCP connection; it holds nobody up but the source that is retried."""

ANSWER_SECONDS = 1.0
"""Time for the one answer that explains a refusal."""

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
"""The ports that FFmpeg takes where a URL names none (RFC 2326, RFC 7826, RFC 9110)."""


def require_reachable(url: SplitResult, redacted: str) -> None:
    """Connect to the server of an RTSP or HTTP URL once.

    FFmpeg would find out as well, but not say why, and hold OpenCV's process-wide lock meanwhile, in which
    no other camera could be opened.

    Raises:
        SourceLostError: names the host, the port and the system's reason.
    """
    if url.scheme.startswith("http") and os.environ.get("http_proxy"):
        return  # FFmpeg goes through the proxy; a direct connection may be impossible and is not needed
    host, port = _address(url)
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise SourceLostError(
            f"{redacted} is not reachable: {host} port {port}: {_reason(error)}",
            f"is the camera on, and the server running on that port? try: ping {host}",
        ) from error


def explain_refusal(url: SplitResult) -> str:
    """What the server answers to one request without credentials; one line, without anything of the URL.

    A server that asks for credentials answers 401 to this: whether those of the URL were wrong or none were
    given is seen from the URL.
    """
    try:
        if url.scheme == "rtsp":
            status = _rtsp_status(url)
        elif url.scheme == "http":
            status = _http_status(url)
        elif url.scheme in ("rtsps", "https"):
            return (
                "the server accepts connections; FFmpeg failed in TLS, in the login or in the stream itself"
            )
        else:
            return "FFmpeg finds no video there"
    except (OSError, http.client.HTTPException) as error:
        return f"the server accepts connections but does not answer: {_reason(error)}"
    if " 401 " in f" {status} ":
        if url.username is None:
            return f"the server asks for a user and password ({status})"
        return f"the server refused the user and password ({status})"
    if " 200 " in f" {status} ":
        return f"the server answers ({status}), but FFmpeg finds no video in what it sends"
    return f"the server answers {status}"


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _rtsp_status(url: SplitResult) -> str:
    host, port = _address(url)
    shown = f"[{host}]" if ":" in host else host
    request = (
        f"DESCRIBE rtsp://{shown}:{port}{_target(url)} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
    )
    with socket.create_connection((host, port), ANSWER_SECONDS) as connection:
        connection.sendall(request.encode("utf-8"))
        line = connection.makefile("rb").readline(256).decode("ascii", "replace").strip()
    return _printable(line) or "nothing"


def _http_status(url: SplitResult) -> str:
    host, port = _address(url)
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", _target(url))
        answer = connection.getresponse()
        return _printable(f"HTTP {answer.status} {answer.reason}")
    finally:
        connection.close()


def _printable(line: str) -> str:
    return "".join(character for character in line[:80] if character.isprintable())
