"""V4L2 cameras, read through the kernel's interface: nothing converted, its own times and numbers."""

from __future__ import annotations

from edge_irdet.stream.sources.v4l2.camera import V4L2Source
from edge_irdet.stream.sources.v4l2.description import CameraDescription, list_cameras
from edge_irdet.stream.sources.v4l2.request import CameraRequest, camera_device, camera_request

__all__ = [
    "CameraDescription",
    "CameraRequest",
    "V4L2Source",
    "camera_device",
    "camera_request",
    "list_cameras",
]
