"""From a URI to its source. Only the module of the source that is asked for is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from edge_irdet.errors import SourceMissingError
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.uri import (
    check_parameters,
    parse_uri,
    path_of_file_uri,
    redact_uri,
    unknown_source,
)

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".ts", ".mpg", ".mpeg", ".y4m"})
_CAMERA_DEVICE = re.compile(r"/dev/(video\d+|v4l/by-[a-z]+/[^?]+)(\?.*)?", re.DOTALL)


def open_source(uri: str | Path) -> Source:
    """The source that a URI names; entering it in a ``with`` statement opens it.

    Raises:
        UnknownSourceError: nobody answers to the URI.
        SourceMissingError: a plain path that is not there.
        OptionError: a parameter is unknown or out of range.
    """
    uri = str(uri)
    scheme, colon, _ = uri.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        return _SCHEMES[scheme.lower()](uri)
    if parse_uri(uri).scheme and not Path(uri).exists():
        raise unknown_source(uri, source_usages())
    return _camera(uri) if _CAMERA_DEVICE.fullmatch(uri) else _from_path(uri, uri)


def source_usages() -> dict[str, str]:
    """Scheme -> how its URIs look, one line each; imports every source."""
    from edge_irdet.stream.sources.gstreamer import CSI_USAGE, GStreamerSource
    from edge_irdet.stream.sources.image_folder import ImageFolderSource
    from edge_irdet.stream.sources.network import NetworkSource
    from edge_irdet.stream.sources.synthetic import SyntheticSource
    from edge_irdet.stream.sources.unix_socket import UnixSocketSource
    from edge_irdet.stream.sources.v4l2 import V4L2Source
    from edge_irdet.stream.sources.video_file import VideoFileSource

    return {
        "file": VideoFileSource.usage,
        "": ImageFolderSource.usage,
        "synthetic": SyntheticSource.usage,
        "v4l2": V4L2Source.usage,
        "rtsp": NetworkSource.usage,
        "csi": CSI_USAGE,
        "gst": GStreamerSource.usage,
        "unix": UnixSocketSource.usage,
    }


def _network(uri: str) -> Source:
    from edge_irdet.stream.sources.network import NetworkSource, network_address

    # A server's query may hold anything, so our grammar does not apply to it.
    return NetworkSource(uri, network_address(uri))


def _pipeline(uri: str) -> Source:
    from edge_irdet.stream.sources.gstreamer import pipeline_source

    return pipeline_source(uri)


def _csi(uri: str) -> Source:
    from edge_irdet.stream.sources.gstreamer import csi_source

    return csi_source(uri, parse_uri(uri))


def _host(uri: str) -> Source:
    from edge_irdet.stream.sources.unix_socket import unix_socket_source

    return unix_socket_source(uri, parse_uri(uri))


def _scene(uri: str) -> Source:
    from edge_irdet.stream.sources.synthetic import SyntheticSource, scene_config

    return SyntheticSource(uri, scene_config(uri, parse_uri(uri)))


def _camera(uri: str) -> Source:
    from edge_irdet.stream.sources.v4l2 import V4L2Source, camera_device, camera_request

    parsed = parse_uri(f"v4l2://{uri}" if uri.startswith("/") else uri)
    return V4L2Source(uri, camera_device(uri, parsed), camera_request(uri, parsed))


def _file(uri: str) -> Source:
    check_parameters(uri, parse_uri(uri).parameters, ())
    return _from_path(uri, path_of_file_uri(uri))


def _from_path(uri: str, path: str) -> Source:
    place = Path(path)
    if not path:
        raise SourceMissingError("the source is an empty string", "name a file, a folder or synthetic:")
    if place.suffix.lower() in VIDEO_SUFFIXES and not place.is_dir():
        from edge_irdet.stream.sources.video_file import VideoFileSource

        return VideoFileSource(uri, place)
    if place.exists() or any(character in path for character in "*?["):
        from edge_irdet.stream.sources.image_folder import ImageFolderSource

        return ImageFolderSource(uri, path)
    shown = redact_uri(path)  # it may be a URI with a typing error
    raise SourceMissingError(
        f"there is no file or folder {shown}", f"check the path: ls {Path(shown).parent}"
    )


_SCHEMES: Mapping[str, Callable[[str], Source]] = {
    **dict.fromkeys(("rtsp", "rtsps", "http", "https", "tcp", "udp"), _network),
    "gst": _pipeline,
    "csi": _csi,
    "unix": _host,
    "synthetic": _scene,
    "v4l2": _camera,
    "file": _file,
}
"""Scheme -> what makes its source."""
