"""Where the preview listens, and who may look."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_irdet.errors import OptionError
from edge_irdet.intake import ContentRefusedError, read_utf8_file

DEFAULT_HOST = "127.0.0.1"
TOKEN_VARIABLE = "EDGE_IRDET_PREVIEW_TOKEN"
SHORTEST_TOKEN = 16
"""Characters: what cannot be guessed over a network, whatever it is made of."""

MAX_TOKEN_BYTES = 65536
"""Largest token file that is read."""

GIVE_A_TOKEN = (
    "make one that nobody can guess: python3 -c 'import secrets; print(secrets.token_urlsafe())' > FILE && "
    f"chmod 600 FILE, then add --preview-token-file FILE or set {TOKEN_VARIABLE} (never on the command line, "
    "which ps shows to everybody)"
)

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?")
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class PreviewConfig:
    """How a stream can be watched.

    Raises:
        OptionError: a value is out of its range, or strangers could look: an address other than this
            machine's own needs a token.
    """

    host: str = DEFAULT_HOST
    """Address or name to listen on; the default can be reached from this machine only."""

    port: int = 8080
    """TCP port; 0 lets the system choose a free one."""

    token: str | None = field(default=None, repr=False)
    """What viewers must show, 16 characters or more; None where only this machine can look."""

    max_fps: float = 15.0
    """Pictures per second and source that are encoded at most, and only while somebody watches."""

    max_clients: int = 16
    """Pages and plain streams that are served at once; one more is refused."""

    jpeg_quality: int = 92
    """1..100. Below about 80 a target of two pixels is blurred into its surroundings."""

    record_age_seconds: float = 5.0
    """``/healthz`` fails when the newest record of the stream or of one of its sources is older than this."""

    def __post_init__(self) -> None:
        _require(_is_host(self.host), "address", self.host, "a host name, an IPv4 or an IPv6 address")
        _require(0 <= self.port <= 65535, "port", self.port, "0 to 65535")
        _require(1 <= self.max_fps <= 60, "rate", self.max_fps, "1 to 60 pictures per second")
        _require(1 <= self.max_clients <= 256, "number of viewers", self.max_clients, "1 to 256")
        _require(1 <= self.jpeg_quality <= 100, "JPEG quality", self.jpeg_quality, "1 to 100")
        _require(0 < self.record_age_seconds < 1e6, "age", self.record_age_seconds, "seconds, more than 0")
        if self.token is None:
            if not is_loopback(self.host):
                raise OptionError(
                    f"the preview on {self.host} could be watched by anybody who reaches this machine",
                    GIVE_A_TOKEN,
                )
        elif len(self.token) < SHORTEST_TOKEN or not _TOKEN.fullmatch(self.token):
            # Its text stays out of the message.
            raise OptionError(
                f"the preview's token has {len(self.token)} characters; it takes {SHORTEST_TOKEN} or more of "
                "printable ASCII without blanks",
                GIVE_A_TOKEN,
            )


def preview_address(text: str) -> tuple[str, int]:
    """Read ``[HOST:]PORT``; IPv6 addresses stand in brackets, without a host it is 127.0.0.1.

    Raises:
        OptionError: it is not of this form.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        host = DEFAULT_HOST
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if not _is_address(host, 6):
            raise _not_an_address(text)
    elif ":" in host or not _is_host(host):
        raise _not_an_address(text)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise _not_an_address(text)
    return host, int(port)


def preview_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The token from a file, else from the environment, else None; white space around it is dropped.

    Raises:
        OptionError: the file cannot be read or is empty.
    """
    if file is None:
        return environment.get(TOKEN_VARIABLE, "").strip() or None
    try:
        token = read_utf8_file(file, MAX_TOKEN_BYTES).strip()
    except ContentRefusedError as error:
        raise OptionError(f"the preview's token file {file} {error.reason}", GIVE_A_TOKEN) from error
    if not token:
        raise OptionError(f"the preview's token file {file} is empty", GIVE_A_TOKEN)
    return token


def is_loopback(host: str) -> bool:
    """Whether an address, or the name ``localhost``, can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _is_host(host: str) -> bool:
    return _is_address(host) or bool(_HOST_NAME.fullmatch(host) and not host.replace(".", "").isdigit())


def _is_address(host: str, version: int | None = None) -> bool:
    try:
        return version in (None, ipaddress.ip_address(host).version)
    except ValueError:
        return False


def _require(good: bool, name: str, value: object, allowed: str) -> None:
    if not good:
        raise OptionError(f"the preview cannot have the {name} {value!r}", f"choose: {allowed}")


def _not_an_address(text: str) -> OptionError:
    return OptionError(
        f"{text!r} is no address for the preview",
        "write --preview PORT, HOST:PORT or [IPV6]:PORT, for example 8080, 0.0.0.0:8080 or [::]:8080",
    )
