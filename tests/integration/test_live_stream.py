"""Live network streams through the whole pipeline, against real servers on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from doubles.network_servers import MjpegCamera, RtspServer, has_rtsp_server
from doubles.numbered_pictures import number_of
from doubles.streaming import BrightSpotDetector, KeepingSink
from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.status import SourceState

RESUME_SECONDS = 2.0


class NumberSink(KeepingSink):
    """Keeps the number that each picture carries, by source."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, list[int]] = {}

    def write(self, frame: Frame, record: Record) -> None:
        self.records.append(record)
        self.numbers.setdefault(record.source, []).append(number_of(frame.image))


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.skipif(not has_rtsp_server(), reason="Debian's gst-rtsp-server for Python is not installed")
def test_an_rtsp_server_that_is_killed_and_restarted_resumes_within_two_seconds() -> None:
    sink = NumberSink()
    server = RtspServer()
    pipeline = Pipeline(open_source(server.url), BrightSpotDetector(), [sink])
    running = threading.Thread(target=pipeline.run)
    running.start()
    try:
        wait_until(lambda: len(sink.records) >= 20)
        server.kill()
        wait_until(
            lambda: (
                pipeline.status().sources[0].state
                in (SourceState.LOST, SourceState.WAITING, SourceState.CONNECTING)
            )
        )
        # Long enough for the pauses to have grown to their limit.
        time.sleep(2.5)
        before = len(sink.records)
        server = RtspServer("--port", str(server.port))
        restarted = time.monotonic_ns()
        wait_until(lambda: len(sink.records) >= before + 10)
    finally:
        pipeline.stop()
        running.join(20)
        server.kill()
    first = sink.records[before]
    assert (first.emit_ns - restarted) / 1e9 < RESUME_SECONDS
    assert first.discontinuity
    assert first.interruptions == 1
    assert [record.sequence for record in sink.records] == sorted(
        {record.sequence for record in sink.records}
    )
    assert pipeline.summary().interruptions == 1


def test_four_cameras_keep_their_own_order() -> None:
    sink = NumberSink()
    cameras = [MjpegCamera(rate=rate) for rate in (40.0, 15.0, 30.0, 5.0)]
    pipeline = Pipeline(
        [open_source(camera.url) for camera in cameras],
        BrightSpotDetector(),
        [sink],
        PipelineConfig(FramePolicy.LATEST),
    )
    running = threading.Thread(target=pipeline.run)
    running.start()
    try:
        wait_until(lambda: len(sink.numbers) == 4 and min(map(len, sink.numbers.values())) >= 8)
    finally:
        pipeline.stop()
        running.join(20)
        for camera in cameras:
            camera.__exit__(None, None, None)
    for status in pipeline.status().sources:
        numbers = sink.numbers[status.source]
        assert numbers == sorted(set(numbers)), "each picture once, in order"
        sequences = [record.sequence for record in sink.records if record.source == status.source]
        assert sequences == sorted(set(sequences))
