"""The one URI grammar of sources and outputs, and keeping credentials out of everything that is printed."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

from edge_irdet.errors import OptionError, UnknownSourceError

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$", re.DOTALL)

LOCAL_SCHEMES = frozenset({"file", "synthetic", "v4l2", "csi", "unix", "mot"})
"""Schemes that reach nobody else and take no secret."""

SHOWN_PARAMETERS = frozenset(
    (
        # Ours.
        *("transport", "silence", "threads", "ttl", "interface", "topic", "mode", "queue", "qos", "retain"),
        *("client_id", "password_file", "ca", "format", "size", "rate", "crop", "telemetry", "fps", "frames"),
        *("seed", "targets", "bits"),
        # Of cameras and of FFmpeg, where they choose a picture.
        *("channel", "subtype", "stream", "camera", "profile", "resolution", "width", "height", "quality"),
        *("compression", "codec", "video", "audio", "unicast", "proto", "overrun_nonfatal", "fifo_size"),
        *("pkt_size", "timeout"),
    )
)
"""Parameters of network URIs whose values are shown; every other value may be a secret of some camera."""

_LOCAL_HOST = re.compile(r"(?i)^localhost(?=/)")
_NETWORK_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/{0,3}")
_LOCAL_CREDENTIALS = re.compile(r"^(\w+:/{0,2})[^/@\s]+:[^@\s]*@")
_SECRET_NAME = re.compile(r"(?i)user|usr|login|pass|pwd|pw|token|key|secret|auth|sig|cred|session|access")
_SEPARATORS = re.compile(r"([?&;#])")
_URI_IN_TEXT = re.compile(r"""[^\s'"<>|]*(?:[a-zA-Z][\w+.-]*:/|@|[?&][\w.-]+=)[^\s'"<>|]*""")


@dataclass(frozen=True)
class SourceURI:
    """A parsed source URI."""

    scheme: str
    """Lower case; empty for a plain path."""

    path: str
    """What stands between the scheme and the parameters."""

    parameters: Mapping[str, str]
    """``?name=value&...``; always empty for a plain path, in which ``?`` is a wildcard."""


def parse_uri(uri: str) -> SourceURI:
    """Split a source URI.

    Raises:
        OptionError: a parameter is given twice or has no value.
    """
    match = _SCHEME.match(uri)
    if match is None:
        return SourceURI("", uri, {})
    scheme, rest = match.group(1).lower(), match.group(2)
    # A password may hold a ?, of which nothing may be taken for a parameter and named in an error.
    at = rest.rfind("@") + 1
    path, _, query = rest[at:].partition("?")
    path = rest[:at] + path
    if path.startswith("//"):
        path = path[2:]
    parameters: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise OptionError(
            f"the parameters of {redact_uri(uri)!r} cannot be read", "write ?name=value&name=value"
        ) from error
    for name, value in pairs:
        if name in parameters or not value:
            raise OptionError(
                f"a parameter of {redact_uri(uri)!r} is given twice or has no value",
                "write each parameter once, as name=value",
            )
        parameters[name] = value
    return SourceURI(scheme, path, parameters)


def path_of_file_uri(uri: str) -> str:
    """The path that a ``file:`` URI names (RFC 8089); what follows a ``?`` is no part of it.

    ``file:///PATH``, ``file://localhost/PATH`` and ``file:/PATH`` are absolute; ``file://PATH`` and
    ``file:PATH`` begin in the folder of the process. Percent-encoded bytes are decoded.

    Raises:
        OptionError: it names no path, or one that no file can have.
    """
    path = parse_uri(uri).path
    if uri[len("file:") :].startswith("//"):
        path = _LOCAL_HOST.sub("", path)
    # As bytes: a name of another encoding is the name of a file all the same.
    path = re.sub("^//+", "/", os.fsdecode(unquote_to_bytes(os.fsencode(path))))
    if not path or "\0" in path:
        raise OptionError(
            f"{redact_uri(uri)!r} names no file of this machine",
            "write file:///FOLDER/NAME, with %20 for a blank, or the path alone",
        )
    return path


def redact_uri(uri: str) -> str:
    """A URI as it may be shown, logged and recorded: what may be a secret is replaced by ``***``.

    Hiding too much is the smaller fault. Of a network URI, and of whatever may be a misspelt one, everything
    before the last ``@`` is hidden, and so is every value of a parameter but those of
    :data:`SHOWN_PARAMETERS`. Files, scenes and devices are shown as they are.
    """
    scheme = uri.partition(":")[0].lower()
    if scheme == "gst":
        return redact_text(uri)
    if scheme in LOCAL_SCHEMES:
        return _hide_values(_LOCAL_CREDENTIALS.sub(r"\1***@", uri), only_secret_names=True)
    before, at, after = uri.rpartition("@")
    # A plain path may hold an @; a user has a colon behind, or a scheme before.
    if at and (":" in before or "//" in before):
        start = _NETWORK_SCHEME.match(before)
        uri = f"{start[0] if start else ''}***@{after}"
    network = "//" in uri or _NETWORK_SCHEME.match(uri) is not None
    return _hide_values(uri, only_secret_names=not network)


def redact_text(text: str) -> str:
    """A message with every URI in it as :func:`redact_uri` shows it."""
    return _URI_IN_TEXT.sub(lambda match: redact_uri(match[0]), text)


def _hide_values(uri: str, only_secret_names: bool) -> str:
    first, *parts = _SEPARATORS.split(uri)
    shown = [first]
    if not only_secret_names:
        # Some cameras take user and password as parts of the path.
        scheme = _NETWORK_SCHEME.match(first)
        start = scheme.end() if scheme else 0
        shown = [first[:start] + re.sub(r"=[^/]*", "=***", first[start:])]
    for separator, part in zip(parts[::2], parts[1::2], strict=True):
        name, equals, _ = part.partition("=")
        if only_secret_names:
            hidden = bool(equals) and _SECRET_NAME.search(name) is not None and name not in SHOWN_PARAMETERS
        else:
            hidden = name.lower() not in SHOWN_PARAMETERS
        if hidden:
            # A part without a value may be a value that lost its name.
            part = f"{name}=***" if equals else "***" if part else ""
        shown.append(separator + part)
    return "".join(shown)


def check_parameters(uri: str, given: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Refuse parameters that a source or output does not have.

    Raises:
        OptionError: names the unknown one and those there are.
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            shown = repr(name) if near or parse_uri(uri).scheme in LOCAL_SCHEMES else "a parameter"
            raise OptionError(
                f"{redact_uri(uri)!r} has {shown}, which it does not know{hint}",
                f"use: {', '.join(known) or 'no parameters'}",
            )


def unknown_source(uri: str, usages: Mapping[str, str]) -> UnknownSourceError:
    """The error for a scheme that nobody answers to, with every source's usage and the nearest scheme."""
    scheme = parse_uri(uri).scheme
    near = difflib.get_close_matches(scheme, [name for name in usages if name], 1)
    hint = f"; did you mean {near[0]}:?" if near else ""
    forms = "\n".join(f"    {usage}" for usage in usages.values())
    return UnknownSourceError(
        f"no source answers to {redact_uri(uri)!r}{hint}", f"use one of these forms:\n{forms}"
    )
