"""Infrared small-target detection on NVIDIA Jetson: Light-SGMTLM from weights to a stream of detections.

    from edge_irdet import Detector, Pipeline, PipelineConfig, Tracker, open_sink, open_source

    with Detector() as detector:
        source, sink = open_source("/dev/video0"), open_sink("detections.jsonl")
        Pipeline(source, detector, [sink], PipelineConfig(tracker=Tracker)).run()

The names in ``__all__`` are imported when they are first used: ``import edge_irdet`` loads neither NumPy nor
OpenCV nor ONNX Runtime, and whoever only reads records needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edge_irdet.detection.detections import Detections
    from edge_irdet.detection.detector import Detector, DetectorConfig
    from edge_irdet.errors import EdgeIrdetError
    from edge_irdet.images import read_grey_image
    from edge_irdet.package import Package, Precision, open_package
    from edge_irdet.preview.config import PreviewConfig
    from edge_irdet.preview.sink import PreviewSink
    from edge_irdet.record import Record, decode_record, encode_record
    from edge_irdet.scoring import ScoringSink
    from edge_irdet.stream.frame import Frame, PixelFormat
    from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
    from edge_irdet.stream.policy import FramePolicy
    from edge_irdet.stream.process import stopped_by_signals
    from edge_irdet.stream.sinks.opening import open_sink, open_sinks
    from edge_irdet.stream.sinks.sink import Sink, StreamInfo
    from edge_irdet.stream.sources.opening import open_source
    from edge_irdet.stream.sources.source import Source
    from edge_irdet.stream.summary import StreamSummary
    from edge_irdet.stream.watchdog import HealthFile
    from edge_irdet.tracking.config import TrackerConfig
    from edge_irdet.tracking.tracker import Tracker

_MODULES = {
    "ScoringSink": "scoring",
    "PreviewSink": "preview.sink",
    "PreviewConfig": "preview.config",
    "HealthFile": "stream.watchdog",
    "Detections": "detection.detections",
    "Detector": "detection.detector",
    "DetectorConfig": "detection.detector",
    "EdgeIrdetError": "errors",
    "Frame": "stream.frame",
    "FramePolicy": "stream.policy",
    "Package": "package",
    "Pipeline": "stream.pipeline",
    "PipelineConfig": "stream.pipeline",
    "PixelFormat": "stream.frame",
    "Precision": "package",
    "Record": "record",
    "Sink": "stream.sinks.sink",
    "Source": "stream.sources.source",
    "StreamInfo": "stream.sinks.sink",
    "StreamSummary": "stream.summary",
    "Tracker": "tracking.tracker",
    "TrackerConfig": "tracking.config",
    "decode_record": "record",
    "encode_record": "record",
    "open_package": "package",
    "open_sink": "stream.sinks.opening",
    "open_sinks": "stream.sinks.opening",
    "open_source": "stream.sources.opening",
    "read_grey_image": "images",
    "stopped_by_signals": "stream.process",
}
"""Name -> its module in this package; a test compares it with the imports above, which type checkers read."""

__all__ = [
    "Detections",
    "Detector",
    "DetectorConfig",
    "EdgeIrdetError",
    "Frame",
    "FramePolicy",
    "HealthFile",
    "Package",
    "Pipeline",
    "PipelineConfig",
    "PixelFormat",
    "Precision",
    "PreviewConfig",
    "PreviewSink",
    "Record",
    "ScoringSink",
    "Sink",
    "Source",
    "StreamInfo",
    "StreamSummary",
    "Tracker",
    "TrackerConfig",
    "__version__",
    "decode_record",
    "encode_record",
    "open_package",
    "open_sink",
    "open_sinks",
    "open_source",
    "read_grey_image",
    "stopped_by_signals",
]

if not TYPE_CHECKING:  # a type checker would take any name for granted

    def __getattr__(name: str) -> object:
        """Import a name of the face when it is first used (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
