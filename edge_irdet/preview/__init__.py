"""Watching a device without a screen: a web page, plain streams, metrics and health over HTTP."""

from edge_irdet.preview.config import PreviewConfig, preview_address, preview_token
from edge_irdet.preview.sink import PreviewSink

__all__ = ["PreviewConfig", "PreviewSink", "preview_address", "preview_token"]
