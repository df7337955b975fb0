"""What a browser sends from a form, read without trusting its headers.

The body is read and taken apart here and not by the web server's own reader, which goes by what the sender
says about it: a character set that there is not, a compression that it does not have, parts without an end.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

FORM_BYTES = 4096
FORM_TYPE = "application/x-www-form-urlencoded"
CHARACTER_SETS = ("utf-8", "us-ascii")
"""Of the form itself, which is ASCII; what is percent-encoded in it is UTF-8."""

MOST_FIELDS = 8


async def posted_field(request: web.Request, name: str) -> str:
    """A field of a posted form.

    Args:
        request: whose body has been neither read nor decompressed.
        name: of the field.

    Raises:
        HTTPBadRequest: the body is not a plain form with that field once, or is longer than
            :data:`FORM_BYTES`.
    """
    if request.content_type.lower() != FORM_TYPE:
        raise _refusal(f"send {FORM_TYPE}")
    if (request.charset or CHARACTER_SETS[0]).lower() not in CHARACTER_SETS:
        raise _refusal("send UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _refusal("send it without compression")
    try:
        body = await request.read()
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except web.HTTPRequestEntityTooLarge:
        raise _refusal(f"send {FORM_BYTES} bytes at most") from None
    except (web.RequestPayloadError, ValueError):
        raise _refusal("its body is torn, or not ASCII with UTF-8 behind percent signs") from None
    values = [value for key, value in fields if key == name]
    if len(values) != 1 or not values[0].isprintable():
        raise _refusal(f"send the field {name} once, in printable characters")
    return values[0]


def _refusal(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"This form is not understood: {reason}.\n")
