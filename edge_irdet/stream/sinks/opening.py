"""From an output's name to its sink. Only the module of the sink that is asked for is imported."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote

from edge_irdet.errors import OptionError, UnknownOutputError
from edge_irdet.images import IMAGE_SUFFIXES
from edge_irdet.stream.sinks.sink import Output, Sink
from edge_irdet.stream.uri import parse_uri, redact_uri

INDEX = "{n}"
"""In an output's name: the number of the source, from 0."""


def open_sink(uri: str | Path) -> Sink:
    """The sink that an output names; nothing is made before the pipeline opens it.

    Raises:
        UnknownOutputError: nobody answers to it.
        OptionError: its address or a parameter is wrong.
        ExtraMissingError: it needs a library that is not installed.
    """
    uri = str(uri)
    scheme = _scheme(uri)
    if "\0" in uri or (scheme in _PEERS and not unquote(uri).isprintable()):
        # Not shown: where its credentials end cannot be told.
        raise OptionError(
            "an output has control characters or bytes that are not UTF-8 in its name",
            "write its name in plain text",
        )
    if uri == "-":
        return _json_lines(None)
    if uri.startswith("mot:") and len(uri) > 4:
        return _mot(Path(uri[4:]))
    if scheme in _PEERS:
        return _PEERS[scheme](uri)
    path = Path(uri.removeprefix("file://"))
    if path.suffix.lower() in _FILES and (not scheme or scheme == "file"):
        return _FILES[path.suffix.lower()](path)
    near = difflib.get_close_matches(scheme, _PEERS, 1)
    hint = f"; did you mean {near[0]}:?" if near else ""
    forms = "\n".join(f"    {usage}" for usage in sink_usages())
    raise UnknownOutputError(
        f"no output answers to {redact_uri(uri)!r}{hint}", f"use one of these forms:\n{forms}"
    )


def sink_usages() -> tuple[str, ...]:
    """How outputs are written, one line each; imports every sink."""
    from edge_irdet.stream.sinks.contact_sheet import ContactSheetSink
    from edge_irdet.stream.sinks.csv_table import CsvSink
    from edge_irdet.stream.sinks.jsonl import JsonLinesSink
    from edge_irdet.stream.sinks.mot import MotSink
    from edge_irdet.stream.sinks.mqtt import MqttSink
    from edge_irdet.stream.sinks.overlay_video import OverlayVideoSink
    from edge_irdet.stream.sinks.udp import UdpSink
    from edge_irdet.stream.sinks.unix_socket import UnixSocketSink
    from edge_irdet.stream.sinks.zeromq import ZeroMqSink

    return (
        JsonLinesSink.usage,
        CsvSink.usage,
        MotSink.usage,
        OverlayVideoSink.usage,
        ContactSheetSink.usage,
        UdpSink.usage,
        UnixSocketSink.usage,
        ZeroMqSink.usage,
        MqttSink.usage,
    )


def open_sinks(outputs: Sequence[str], sources: Sequence[str], reserved: Sequence[Path] = ()) -> list[Output]:
    """The sinks of all outputs; one with ``{n}`` in its name becomes one sink per source.

    Args:
        outputs: as the user wrote them.
        sources: as the user wrote them, in their order.
        reserved: files that something else writes while the stream runs, such as the health file.

    Raises:
        OptionError: an output is named twice, is a source itself or a reserved file, takes one source
            only and has no ``{n}`` where there are several, or has a wrong address or parameter.
        UnknownOutputError: nobody answers to one.
        ExtraMissingError: one needs a library that is not installed.
    """
    named = [
        (output.replace(INDEX, str(index)), index) if INDEX in output else (output, None)
        for output in outputs
        for index in (range(len(sources)) if INDEX in output else (0,))
    ]
    opened = [Output(open_sink(output), index) for output, index in named]
    places = [_place(output) for output, _ in named]
    for (output, _), place in zip(named, places, strict=True):
        if places.count(place) > 1:
            raise OptionError(f"the output {redact_uri(output)!r} is named twice", "name each output once")
        if any(place == _place(str(path)) for path in reserved):
            raise OptionError(
                f"the output {redact_uri(output)!r} is a file of the stream itself, such as the health file",
                "name another path for one of them",
            )
        if any(_is_read(place, _place(source)) for source in sources):
            raise OptionError(
                f"the output {redact_uri(output)!r} is the source itself or one of its images",
                "name another file or folder with --output",
            )
    for (output, index), (sink, _) in zip(named, opened, strict=True):
        if index is None and not sink.shared and len(sources) > 1:
            stem, suffix = os.path.splitext(output)
            raise OptionError(
                f"the output {redact_uri(output)!r} takes one source, and there are {len(sources)}",
                f"write one per source: --output '{stem}-{INDEX}{suffix}'",
            )
    return opened


def _is_read(output: str, source: str) -> bool:
    """Whether writing ``output`` would change what ``source`` reads, now or when it is read again."""
    if output == "-" or _scheme(output) in _PEERS:
        return False
    place = Path(output)
    if output == source or fnmatch(output, source):
        return True
    if place.exists() and Path(source).exists() and place.samefile(source):
        return True
    return place.suffix.lower() in IMAGE_SUFFIXES and str(place.parent) == source


def _place(uri: str) -> str:
    plain = uri.removeprefix("mot:").removeprefix("file://")
    return plain if plain == "-" or _scheme(plain) in _PEERS else str(Path(plain).resolve())


def _scheme(uri: str) -> str:
    """What stands before ``://``, or before the colon of an output that goes to a peer; else nothing."""
    before, colon, after = uri.partition(":")
    return before.lower() if colon and (after.startswith("//") or before.lower() in _PEERS) else ""


def _json_lines(path: Path | None) -> Sink:
    from edge_irdet.stream.sinks.jsonl import JsonLinesSink

    return JsonLinesSink(path)


def _csv_table(path: Path) -> Sink:
    from edge_irdet.stream.sinks.csv_table import CsvSink

    return CsvSink(path)


def _mot(path: Path) -> Sink:
    from edge_irdet.stream.sinks.mot import MotSink

    return MotSink(path)


def _contact_sheet(path: Path) -> Sink:
    from edge_irdet.stream.sinks.contact_sheet import ContactSheetSink

    return ContactSheetSink(path)


def _overlay_video(path: Path) -> Sink:
    from edge_irdet.stream.sinks.overlay_video import OverlayVideoSink

    return OverlayVideoSink(path)


def _udp(uri: str) -> Sink:
    from edge_irdet.stream.sinks.udp import UdpSink, udp_target

    return UdpSink(uri, udp_target(uri, parse_uri(uri)))


def _unix_socket(uri: str) -> Sink:
    from edge_irdet.stream.sinks.unix_socket import UnixSocketSink, socket_path

    return UnixSocketSink(uri, socket_path(uri, parse_uri(uri)))


def _zeromq(uri: str) -> Sink:
    from edge_irdet.stream.sinks.zeromq import ZeroMqSink, publisher_config

    return ZeroMqSink(uri, publisher_config(uri, parse_uri(uri)))


def _mqtt(uri: str) -> Sink:
    from edge_irdet.stream.sinks.mqtt import MqttSink, broker_config

    return MqttSink(uri, broker_config(uri))


_PEERS: Mapping[str, Callable[[str], Sink]] = {
    "udp": _udp,
    "unix": _unix_socket,
    "zmq": _zeromq,
    "mqtt": _mqtt,
    "mqtts": _mqtt,
}
"""Scheme -> what makes its sink."""

_FILES: Mapping[str, Callable[[Path], Sink]] = {
    ".jsonl": _json_lines,
    ".csv": _csv_table,
    ".txt": _mot,
    ".png": _contact_sheet,
    ".mp4": _overlay_video,
    ".avi": _overlay_video,
    ".mkv": _overlay_video,
}
"""Suffix -> what makes its sink."""
