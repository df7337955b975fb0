from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="needs the extra [preview]")
pytest.importorskip("prometheus_client", reason="needs the extra [preview]")

from doubles.stream_status import FakeStatus
from edge_irdet.detection.detections import Detections
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.preview import PreviewConfig, PreviewSink
from edge_irdet.stream.record import FrameCounts, Record, make_record

CAMERA = "rtsp://***@10.0.0.4/ir"
OTHER = "/dev/video1"

MakePreview = Callable[..., PreviewSink]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name == "preview"]
    for thread in left:
        thread.join(2)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def status() -> FakeStatus:
    return FakeStatus(CAMERA, OTHER)


@pytest.fixture
def preview(status: FakeStatus) -> Iterator[MakePreview]:
    """Makes previews that listen on free ports and are closed at the end."""
    made: list[PreviewSink] = []

    def make(**settings: object) -> PreviewSink:
        sink = PreviewSink(PreviewConfig(port=0, **settings), status)  # type: ignore[arg-type]
        made.append(sink)
        sink.start()
        return sink

    yield make
    for sink in made:
        started = time.monotonic()
        sink.close()
        assert time.monotonic() - started < 2.0


def frame_of(
    sequence: int, source: str = CAMERA, shape: tuple[int, int] = (48, 64), dtype: type = np.uint8
) -> Frame:
    image = np.full(shape, 30, dtype)
    image[10:13, 20:24] = 200
    return Frame(image, sequence, time.monotonic_ns(), source, pixel_format_of(image))


def record_of(frame: Frame) -> Record:
    box = np.array([[20, 10, 24, 13]], np.float32)
    found = Detections(box, np.array([0.875], np.float32), np.zeros(1, np.int64))
    return make_record(frame, found, ("drone",), time.monotonic_ns(), FrameCounts())


def feed(sink: PreviewSink, status: FakeStatus, sequence: int, source: str = CAMERA, **kind: object) -> Record:
    frame = frame_of(sequence, source, **kind)  # type: ignore[arg-type]
    record = record_of(frame)
    sink.write(frame, record)
    status.see(record)
    return record
