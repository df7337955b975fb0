"""The one URI grammar of the sources, and keeping credentials out of everything that is printed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from edge_irdet.errors import OptionError, UnknownSourceError

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$", re.DOTALL)
# Up to the last @: a password may hold / and @ itself, and hiding too much is the smaller fault.
_CREDENTIALS = re.compile(r"(?<=://)\S*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&](?:user|username|login|pass|password|passwd|pwd|token|key|apikey|secret|auth)=)[^&\s]*"
)


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
                f"the parameter {name!r} of {redact_uri(uri)!r} is given twice or has no value",
                "write each parameter once, as name=value",
            )
        parameters[name] = value
    return SourceURI(scheme, path, parameters)


def redact_uri(uri: str) -> str:
    """The URI with user, password and secret parameters replaced by ``***``."""
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", uri))


def check_parameters(uri: str, given: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Refuse parameters that a source or output does not have.

    Raises:
        OptionError: names the unknown one and those there are.
    """
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise OptionError(
                f"{redact_uri(uri)!r} has the parameter {name!r}, which it does not know{hint}",
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
