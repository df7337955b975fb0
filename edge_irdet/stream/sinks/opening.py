"""From an output's name to its sink. Only the module of the sink that is asked for is imported."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from edge_irdet.errors import OptionError, UnknownOutputError
from edge_irdet.stream.places import STANDARD_OUTPUT, is_read_by, is_within, same_place
from edge_irdet.stream.sinks.sink import Output, Sink
from edge_irdet.stream.uri import check_parameters, parse_uri, path_of_file_uri, redact_uri

INDEX = "{n}"
"""In an output's name: the number of the source, from 0."""


def open_sink(uri: str | Path, overwrite: bool = False) -> Sink:
    """The sink that an output names; nothing is made before the pipeline opens it.

    Args:
        uri: the output.
        overwrite: whether a file that is there is replaced; else records are appended, and what cannot be
            appended to takes a new name.

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
        return _json_lines(None, False)
    if scheme in _PEERS:
        return _PEERS[scheme](uri)
    path = _file_path(uri)
    if path is not None and scheme == "mot":
        return _mot(path, overwrite)
    if path is not None and path.suffix.lower() in _FILES:
        return _FILES[path.suffix.lower()](path, overwrite)
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


def open_sinks(
    outputs: Sequence[str],
    sources: Sequence[str],
    reserved: Sequence[Path] = (),
    inputs: Sequence[Path] = (),
    overwrite: bool = False,
) -> list[Output]:
    """The sinks of all outputs; one with ``{n}`` in its name becomes one sink per source.

    Two names are of one file if its inode says so: links, ``..`` and the form of a URI make no difference.

    Args:
        outputs: as the user wrote them.
        sources: as the user wrote them, in their order.
        reserved: files that something else writes while the stream runs, such as the health file.
        inputs: files and folders that are read besides the sources, such as the package.
        overwrite: as for :func:`open_sink`.

    Raises:
        OptionError: an output is named twice, is a source itself, a reserved file or an input, or below one,
            takes one source only and has no ``{n}`` where there are several, or has a wrong address or
            parameter; or a reserved file is a source or an input.
        UnknownOutputError: nobody answers to one.
        ExtraMissingError: one needs a library that is not installed.
    """
    named = [
        (output.replace(INDEX, str(index)), index) if INDEX in output else (output, None)
        for output in outputs
        for index in (range(len(sources)) if INDEX in output else (0,))
    ]
    opened = [Output(open_sink(output, overwrite), index) for output, index in named]
    _require_apart([output for output, _ in named], sources, reserved, inputs)
    for (output, index), (sink, _) in zip(named, opened, strict=True):
        if index is None and not sink.shared and len(sources) > 1:
            stem, suffix = os.path.splitext(output)
            raise OptionError(
                f"the output {redact_uri(output)!r} takes one source, and there are {len(sources)}",
                f"write one per source: --output '{stem}-{INDEX}{suffix}'",
            )
    return opened


def _require_apart(
    outputs: Sequence[str], sources: Sequence[str], reserved: Sequence[Path], inputs: Sequence[Path]
) -> None:
    read = [*inputs, *(path for output in outputs for path in _files_read(output))]
    places: list[Path] = []
    for number, output in enumerate(outputs):
        shown = f"the output {redact_uri(output)!r}"
        place = _place(output)
        if output in outputs[:number] or (place and any(same_place(place, other) for other in places)):
            raise OptionError(f"{shown} is named twice", "name each output once")
        if place is None:
            continue
        places.append(place)
        if any(same_place(place, path) for path in reserved):
            raise OptionError(
                f"{shown} is a file of the stream itself, such as the health file",
                "name another path for one of them",
            )
        _require_not_read(shown, place, sources, read)
    for path in reserved:
        _require_not_read(f"the file {str(path)!r}, which the stream writes,", path, sources, read)


def _require_not_read(shown: str, place: Path, sources: Sequence[str], read: Sequence[Path]) -> None:
    if any(is_read_by(source, place) for source in sources):
        raise OptionError(
            f"{shown} is the source itself or one of its images",
            "name another file or folder with --output",
        )
    for path in read:
        if is_within(place, path):
            raise OptionError(
                f"{shown} is {path} or below it, which the stream reads", "name another file or folder"
            )


def _place(output: str) -> Path | None:
    """The file that an output writes, or its socket; None where it has none."""
    scheme = _scheme(output)
    if output == "-":
        return STANDARD_OUTPUT
    if scheme == "unix":
        return Path(unquote(parse_uri(output).path))
    if scheme == "zmq":
        kind, _, place = parse_uri(output).path.partition("://")
        return Path(place) if kind == "ipc" else None
    return None if scheme in _PEERS else _file_path(output)


def _files_read(output: str) -> list[Path]:
    """Files that an output reads, such as one with a password."""
    given = parse_uri(output).parameters if _scheme(output) in _PEERS else {}
    return [Path(given[name]) for name in ("password_file", "ca") if name in given]


def _file_path(output: str) -> Path | None:
    """The path of an output that is a file; None where it names none.

    Raises:
        OptionError: a ``file:`` URI that names no path, or has a parameter.
    """
    scheme = _scheme(output)
    path = output[len("mot:") :] if scheme == "mot" else output
    if _scheme(path) == "file":
        check_parameters(path, parse_uri(path).parameters, ())
        path = path_of_file_uri(path)
    elif scheme not in ("", "mot"):
        return None
    return Path(path) if path else None


def _scheme(uri: str) -> str:
    """What stands before ``://``, or before the colon of an output that is not named by a plain path."""
    before, colon, after = uri.partition(":")
    scheme = before.lower()
    return scheme if colon and (after.startswith("//") or scheme in ("file", "mot", *_PEERS)) else ""


def _json_lines(path: Path | None, overwrite: bool) -> Sink:
    from edge_irdet.stream.sinks.jsonl import JsonLinesSink

    return JsonLinesSink(path, overwrite)


def _csv_table(path: Path, overwrite: bool) -> Sink:
    from edge_irdet.stream.sinks.csv_table import CsvSink

    return CsvSink(path, overwrite)


def _mot(path: Path, overwrite: bool) -> Sink:
    from edge_irdet.stream.sinks.mot import MotSink

    return MotSink(path, overwrite)


def _contact_sheet(path: Path, overwrite: bool) -> Sink:
    from edge_irdet.stream.sinks.contact_sheet import ContactSheetSink

    return ContactSheetSink(path, overwrite)


def _overlay_video(path: Path, overwrite: bool) -> Sink:
    from edge_irdet.stream.sinks.overlay_video import OverlayVideoSink

    return OverlayVideoSink(path, overwrite)


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

_FILES: Mapping[str, Callable[[Path, bool], Sink]] = {
    ".jsonl": _json_lines,
    ".csv": _csv_table,
    ".txt": _mot,
    ".png": _contact_sheet,
    ".mp4": _overlay_video,
    ".avi": _overlay_video,
    ".mkv": _overlay_video,
}
"""Suffix -> what makes its sink."""
