"""Who may look: token, host and origin; and the headers that every answer carries.

On a loopback address the danger is not a stranger on the network but a web page of another site that is
open in a browser on the same machine: it may send requests to 127.0.0.1, and with a name of its own that it
points there (DNS rebinding) even read the answers. So the Host header must name this machine, and an Origin
header must be our own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from edge_irdet.preview.attempts import WrongTokens, address_of
from edge_irdet.preview.config import PreviewConfig, is_loopback

COOKIE_SECONDS = 180 * 24 * 3600
SIGN_IN_PATH = "/sign-in"
PAGE = Path(__file__).with_name("page")

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(?::\d{1,5})?")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then give the sign-in form the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Access:
    """Decides about requests.

    Args:
        config: address and token.
        wrong: where wrong tokens are counted.
    """

    def __init__(self, config: PreviewConfig, wrong: WrongTokens) -> None:
        self._wrong = wrong
        self._token = None if config.token is None else config.token.encode()
        self._local_only = is_loopback(config.host)
        self._cookie_value = ""
        if self._token is not None:
            # Not the token itself, yet the same after a restart, so that a page on the wall signs in again.
            self._cookie_value = hmac.new(
                self._token, b"edge-irdet preview cookie", hashlib.sha256
            ).hexdigest()
        self._sign_in = (PAGE / "sign_in.html").read_text(encoding="utf-8")
        style = _STYLE.search(self._sign_in)
        assert style is not None, "the sign-in page holds its own style"
        digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
        self._sign_in_policy = CONTENT_SECURITY_POLICY.replace(
            "style-src 'self'", f"style-src 'sha256-{digest}'"
        )

    def refuse_stranger(self, request: web.BaseRequest) -> web.Response | None:
        """The refusal of a request under a foreign name or from a foreign page; None where it is our own."""
        host = request.headers.get("Host", "")
        match = _HOST.fullmatch(host)
        name = match.group(1).strip("[]") if match else ""
        if match is None or (self._local_only and not is_loopback(name)):
            return web.Response(
                status=403,
                text="The preview listens on this machine alone and does not answer to the name "
                f"{host[:100]!r}.\n"
                "Open it as http://127.0.0.1:PORT/, through ssh -L PORT:127.0.0.1:PORT from elsewhere.\n",
            )
        origin = request.headers.get("Origin")
        if origin is not None and _host_of(origin) != host.lower():
            return web.Response(status=403, text="The preview does not answer to pages of other sites.\n")
        return None

    def refuse_unknown(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a request that has not shown the token; None where it has, or none is needed."""
        if self._token is None or self._has_shown_token(request):
            return None
        given = request.query.get("token")
        if given is not None and self._is_token(given):
            return self._signed_in(request) if request.method == "GET" else self._ask_for_token(request)
        if given is not None or "Authorization" in request.headers:
            return self._refuse_wrong(request)
        return self._ask_for_token(request)

    def sign_in(self, request: web.BaseRequest, given: str) -> web.Response:
        """The answer to the sign-in form."""
        if self._token is None or self._is_token(given):
            return self._signed_in(request, "/")
        return self._refuse_wrong(request)

    def _refuse_wrong(self, request: web.BaseRequest) -> web.Response:
        if self._wrong.note(address_of(request.transport and request.transport.get_extra_info("peername"))):
            return self._ask_for_token(request, wrong=True)
        text = "Too many wrong tokens. The right one is taken at any time.\n"
        return web.Response(status=429, text=text, headers={"Retry-After": "60"})

    def _ask_for_token(self, request: web.BaseRequest, wrong: bool = False) -> web.Response:
        """401, as a form where a person looks."""
        headers = {"WWW-Authenticate": 'Bearer realm="edge-irdet preview"'}
        if "text/html" not in request.headers.get("Accept", ""):
            text = "This preview needs its token: Authorization: Bearer TOKEN\n"
            return web.Response(status=401, text=text, headers=headers)
        message = escape("This is not the token of this device." if wrong else "")
        headers["Content-Security-Policy"] = self._sign_in_policy
        text = self._sign_in.replace("<!-- message -->", message)
        return web.Response(status=401, text=text, content_type="text/html", headers=headers)

    def _has_shown_token(self, request: web.BaseRequest) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(given.strip()):
            return True
        cookie = request.cookies.get(_cookie_name(request), "")
        return hmac.compare_digest(_bytes(cookie), self._cookie_value.encode())

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(_bytes(given), self._token)

    def _signed_in(self, request: web.BaseRequest, path: str | None = None) -> web.Response:
        """Set the cookie and send the browser to the same page without the token in its address."""
        if path is None:
            rest = [(name, value) for name, value in request.query.items() if name != "token"]
            path = str(request.rel_url.with_query(rest))
        if not path.startswith("/") or path.startswith("//") or "\\" in path:
            path = "/"  # a browser takes both for the name of another site
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            # From a link in a mail or a chat. A redirect would count as that site's request, and its Strict
            # cookie would not be sent; a page that goes on by itself is ours.
            response = web.Response(text="Signed in.\n", headers={"Refresh": f"0; url={path}"})
        else:
            response = web.Response(status=303, headers={"Location": path})
        response.set_cookie(
            _cookie_name(request),
            self._cookie_value,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Strict",
            path="/",
        )
        return response


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # [ without ], for example
        return None


def _bytes(text: str) -> bytes:
    # Header bytes that are no UTF-8 are compared like any others, not raised for.
    return text.encode(errors="surrogatepass")


def _cookie_name(request: web.BaseRequest) -> str:
    # Browsers keep one jar for all ports of a host; two previews on one device must not sign each other out.
    socket_name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return f"edge_irdet_preview_{socket_name[1]}" if socket_name else "edge_irdet_preview"
