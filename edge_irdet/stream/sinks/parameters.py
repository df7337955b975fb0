"""What stands in an output's URI, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edge_irdet.errors import OptionError
from edge_irdet.stream.uri import redact_uri

_HOST_AND_PORT = re.compile(r"^(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^\[\]:/]+))(?::(?P<port>\d+))?$")
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def host_and_port(uri: str, text: str, default: int | None = None) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPV6]:PORT``; the brackets are taken off.

    Args:
        uri: the whole output, for messages.
        text: the part that holds them.
        default: port where none is given; None demands one.

    Raises:
        OptionError: it has another form, or the port is out of range.
    """
    match = _HOST_AND_PORT.match(text)
    port = int(match["port"]) if match and match["port"] else default
    if match is None or port is None:
        wanted = "HOST:PORT" if default is None else f"HOST or HOST:PORT (default {default})"
        raise OptionError(
            f"the output {redact_uri(uri)!r} does not name {wanted}",
            "write for example 192.168.1.20:5005, tracker.local:5005 or, for IPv6, [fd00::1]:5005",
        )
    if not 1 <= port <= 65535:
        raise OptionError(f"the output {redact_uri(uri)!r} has the port {port}", "choose a port of 1..65535")
    host = (match["six"] or match["host"]).replace("%25", "%")
    try:
        host.encode("idna" if match["host"] else "ascii")
    except UnicodeError as error:
        raise OptionError(
            f"the output {redact_uri(uri)!r} names {host!r}, which is not a host name: {error}",
            "write a host name or an address",
        ) from error
    return host, port


def whole_number(uri: str, given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A parameter that is a whole number.

    Raises:
        OptionError: it is not, or is out of range.
    """
    text = given.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
        raise OptionError(
            f"the parameter {name}={text} of {redact_uri(uri)!r} is not a whole number of {low}..{high}",
            f"write {name}={default}, for example",
        )
    return int(text)


def truth(uri: str, given: Mapping[str, str], name: str, default: bool) -> bool:
    """A parameter that is true or false.

    Raises:
        OptionError: it is neither.
    """
    text = given.get(name)
    if text is None:
        return default
    if text.lower() not in _TRUTHS:
        raise OptionError(
            f"the parameter {name}={text} of {redact_uri(uri)!r} is neither true nor false",
            f"write {name}=true or {name}=false",
        )
    return _TRUTHS[text.lower()]
