"""Sources of frames: files, synthetic scenes, V4L2 and CSI cameras, network streams, host processes."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from edge_irdet.errors import SourceMissingError
from edge_irdet.stream.sources.gstreamer import CSI_USAGE, GStreamerSource, csi_source, pipeline_source
from edge_irdet.stream.sources.image_folder import ImageFolderSource
from edge_irdet.stream.sources.network import NETWORK_SCHEMES, NetworkSource, network_address
from edge_irdet.stream.sources.source import Skips, Source
from edge_irdet.stream.sources.synthetic import SyntheticSource, scene_config
from edge_irdet.stream.sources.unix_socket import UnixSocketSource, unix_socket_source
from edge_irdet.stream.sources.v4l2 import V4L2Source, camera_device, camera_request
from edge_irdet.stream.sources.video_file import VideoFileSource
from edge_irdet.stream.uri import check_parameters, parse_uri, unknown_source

__all__ = ["SOURCE_USAGES", "Skips", "Source", "open_source"]

SOURCE_USAGES = {
    "file": VideoFileSource.usage,
    "": ImageFolderSource.usage,
    "synthetic": SyntheticSource.usage,
    "v4l2": V4L2Source.usage,
    "rtsp": NetworkSource.usage,
    "csi": CSI_USAGE,
    "gst": GStreamerSource.usage,
    "unix": UnixSocketSource.usage,
}
"""Scheme -> how its URIs look."""

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".ts", ".mpg", ".mpeg", ".y4m"})
_CAMERA_DEVICE = re.compile(r"/dev/(video\d+|v4l/by-[a-z]+/[^?]+)(\?.*)?", re.DOTALL)


def open_source(uri: str) -> Source:
    """The source that a URI names; entering it in a ``with`` statement opens it.

    Raises:
        UnknownSourceError: nobody answers to the URI.
        SourceMissingError: a plain path that is not there.
        OptionError: a parameter is unknown or out of range.
    """
    scheme = uri.partition(":")[0].lower()
    # A server's query and a pipeline may hold anything, so our grammar does not apply to them.
    if scheme in NETWORK_SCHEMES:
        return NetworkSource(uri, network_address(uri))
    if scheme == "gst":
        return pipeline_source(uri)
    parsed = parse_uri(uri)
    if parsed.scheme == "csi":
        return csi_source(uri, parsed)
    if parsed.scheme == "unix":
        return unix_socket_source(uri, parsed)
    if parsed.scheme == "synthetic":
        return SyntheticSource(uri, scene_config(uri, parsed))
    if parsed.scheme == "v4l2":
        return V4L2Source(uri, camera_device(uri, parsed), camera_request(uri, parsed))
    if parsed.scheme == "file":
        check_parameters(uri, parsed.parameters, ())
        return _from_path(uri, unquote(parsed.path))
    if parsed.scheme and not Path(uri).exists():
        raise unknown_source(uri, SOURCE_USAGES)
    if _CAMERA_DEVICE.fullmatch(uri):
        camera = parse_uri(f"v4l2://{uri}")
        return V4L2Source(uri, camera_device(uri, camera), camera_request(uri, camera))
    return _from_path(uri, uri)


def _from_path(uri: str, path: str) -> Source:
    place = Path(path)
    if not path:
        raise SourceMissingError("the source is an empty string", "name a file, a folder or synthetic:")
    if place.suffix.lower() in VIDEO_SUFFIXES and not place.is_dir():
        return VideoFileSource(uri, place)
    if place.exists() or any(character in path for character in "*?["):
        return ImageFolderSource(uri, path)
    raise SourceMissingError(f"there is no file or folder {path}", f"check the path: ls {place.parent}")
