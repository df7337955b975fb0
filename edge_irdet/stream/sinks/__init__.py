"""Sinks of records: JSON lines, MOT text, overlay video, contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from edge_irdet.dataset.decoding import IMAGE_SUFFIXES
from edge_irdet.errors import OptionError, UnknownOutputError
from edge_irdet.stream.sinks.contact_sheet import ContactSheetSink
from edge_irdet.stream.sinks.jsonl import JsonLinesSink
from edge_irdet.stream.sinks.mot import MotSink
from edge_irdet.stream.sinks.overlay_video import CODECS, OverlayVideoSink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

__all__ = ["SINK_USAGES", "Sink", "StreamInfo", "open_sink", "open_sinks"]

SINK_USAGES = tuple(kind.usage for kind in (JsonLinesSink, MotSink, OverlayVideoSink, ContactSheetSink))
"""How outputs are written, one line each."""


def open_sink(uri: str) -> Sink:
    """The sink that an output names; nothing is made before the pipeline opens it.

    Raises:
        UnknownOutputError: nobody answers to it.
    """
    if uri == "-":
        return JsonLinesSink(None)
    if uri.startswith("mot:") and len(uri) > 4:
        return MotSink(Path(uri[4:]))
    path = Path(uri)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return JsonLinesSink(path)
    if suffix == ".txt":
        return MotSink(path)
    if suffix in CODECS:
        return OverlayVideoSink(path)
    if suffix == ".png":
        return ContactSheetSink(path)
    forms = "\n".join(f"    {usage}" for usage in SINK_USAGES)
    raise UnknownOutputError(f"no output answers to {uri!r}", f"use one of these forms:\n{forms}")


def open_sinks(outputs: Sequence[str], source: str) -> list[Sink]:
    """One sink an output.

    Raises:
        OptionError: an output is named twice, or is the source itself.
        UnknownOutputError: nobody answers to one.
    """
    places = [_place(output) for output in outputs]
    for output, place in zip(outputs, places, strict=True):
        if places.count(place) > 1:
            raise OptionError(f"the output {output!r} is named twice", "name each output once")
        if _is_read(place, _place(source)):
            raise OptionError(
                f"the output {output!r} is the source itself or one of its images",
                "name another file or folder with --output",
            )
    return [open_sink(output) for output in outputs]


def _is_read(output: str, source: str) -> bool:
    """Whether writing ``output`` would change what ``source`` reads, now or when it is read again."""
    if output == "-":
        return False
    place = Path(output)
    if output == source or fnmatch(output, source):
        return True
    if place.exists() and Path(source).exists() and place.samefile(source):
        return True
    return place.suffix.lower() in IMAGE_SUFFIXES and str(place.parent) == source


def _place(uri: str) -> str:
    plain = uri.removeprefix("mot:").removeprefix("file://")
    return "-" if plain == "-" else str(Path(plain).resolve())
