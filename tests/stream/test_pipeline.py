from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from doubles.streaming import BrightSpotDetector, ListSource, spot_image
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OutputFailedError, SixteenBitUnmappedError, SourceTruncatedError
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.record import Record, decode_record
from edge_irdet.stream.sinks import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo


class KeepingSink(Sink):
    usage = "keeping"

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__("keeping")
        self.fail_at = fail_at
        self.events: list[str] = []
        self.records: list[Record] = []
        self.first_pixels: list[int] = []

    def open(self, info: StreamInfo) -> None:
        self.events.append("open")

    def write(self, frame: Frame, record: Record) -> None:
        if record.sequence == self.fail_at:
            raise OutputFailedError("full", "free space")
        self.records.append(record)
        self.first_pixels.append(int(frame.image[0, 0]))

    def close(self) -> None:
        self.events.append("close")


class SlowDetector(BrightSpotDetector):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def detect(self, image: np.ndarray) -> Detections:
        time.sleep(self.seconds)
        return super().detect(image)


def images(count: int) -> list[np.ndarray]:
    return [spot_image(index) for index in range(count)]


def test_lossless_every_frame_once_in_order(detector: BrightSpotDetector) -> None:
    sink = KeepingSink()
    summary = Pipeline(ListSource(images(50)), detector, [sink]).run()
    assert [record.sequence for record in sink.records] == list(range(50))
    assert sink.first_pixels == list(range(50))
    assert sink.events == ["open", "close"]
    assert (summary.frames, summary.dropped, summary.skipped, summary.detections) == (50, 0, 0, 50)
    assert summary.latency_ms.p50 is not None
    assert all(
        record.detections[0].centroid == (5.5 + index % 54, 7.5) for index, record in enumerate(sink.records)
    )


def test_latest_drops_counts_and_marks(detector: BrightSpotDetector) -> None:
    source = ListSource(images(200), live=True)
    read = source.read

    def paced() -> Frame | None:
        time.sleep(0.0005)
        return read()

    source.read = paced
    sink = KeepingSink()
    pipeline = Pipeline(source, SlowDetector(0.01), [sink])
    assert pipeline.policies == [FramePolicy.LATEST]
    summary = pipeline.run()
    sequences = [record.sequence for record in sink.records]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == 199, "the newest is never lost"
    assert summary.frames + summary.dropped == 200
    assert summary.dropped > 0
    assert sink.records[-1].dropped == summary.dropped
    for before, after in zip(sink.records, sink.records[1:], strict=False):
        assert after.discontinuity == (after.sequence != before.sequence + 1)


def test_a_failing_source_gives_its_good_frames_first(detector: BrightSpotDetector) -> None:
    error = SourceTruncatedError("ends early", "copy again")
    sink = KeepingSink()
    source = ListSource([*images(7), error])
    pipeline = Pipeline(source, detector, [sink])
    with pytest.raises(SourceTruncatedError):
        pipeline.run()
    assert len(sink.records) == 7
    assert sink.events == ["open", "close"]
    assert pipeline.summary().frames == 7
    assert source.closed == 1


def test_a_source_without_a_single_frame_opens_no_sink(detector: BrightSpotDetector, tmp_path: Path) -> None:
    error = SourceTruncatedError("nothing", "copy again")
    for items in ([], [error]):
        sink = KeepingSink()
        pipeline = Pipeline(ListSource(items), detector, [sink, open_sink(str(tmp_path / "out.jsonl"))])
        if items:
            with pytest.raises(SourceTruncatedError):
                pipeline.run()
        else:
            pipeline.run()
        assert sink.events == []
        assert list(tmp_path.iterdir()) == []


def test_a_failing_sink_ends_the_stream_and_closes_the_others(detector: BrightSpotDetector) -> None:
    before, failing = KeepingSink(), KeepingSink(fail_at=3)
    source = ListSource(images(1000))
    with pytest.raises(OutputFailedError):
        Pipeline(source, detector, [before, failing]).run()
    assert len(before.records) == 4
    assert before.events == failing.events == ["open", "close"]
    assert source.closed == 1


def test_a_failing_detector_is_no_empty_result() -> None:
    class Refusing(BrightSpotDetector):
        def detect(self, image: np.ndarray) -> Detections:
            raise SixteenBitUnmappedError("16 bits", "--map16")

    sink = KeepingSink()
    with pytest.raises(SixteenBitUnmappedError):
        Pipeline(ListSource(images(3)), Refusing(), [sink]).run()
    assert sink.records == []
    assert sink.events == [], "no output was opened"


def test_stop_from_another_thread_writes_what_was_captured(
    detector: BrightSpotDetector, tmp_path: Path
) -> None:
    class Endless(ListSource):
        def read(self) -> Frame | None:
            self.next = 0
            return super().read()

    place = tmp_path / "out.jsonl"
    pipeline = Pipeline(Endless(images(1)), SlowDetector(0.001), [open_sink(str(place))])
    threading.Timer(0.2, pipeline.stop).start()
    summary = pipeline.run()
    lines = place.read_bytes().splitlines()
    assert len(lines) == summary.frames > 0
    assert all(decode_record(line) for line in lines)


def test_a_source_stuck_in_its_read_does_not_keep_a_stopped_stream(
    detector: BrightSpotDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_irdet.stream.pipeline.CAPTURE_JOIN_SECONDS", 0.1)
    release = threading.Event()

    class Stuck(ListSource):
        def read(self) -> Frame | None:
            if self.next == 1:
                release.wait(30)
            return super().read()

    pipeline = Pipeline(Stuck(images(2)), detector, [])
    pipeline.on_frame = lambda record: pipeline.stop()
    assert pipeline.run().frames == 1
    release.set()


def test_max_frames_ends_it(detector: BrightSpotDetector) -> None:
    sink = KeepingSink()
    summary = Pipeline(ListSource(images(50)), detector, [sink], PipelineConfig(max_frames=5)).run()
    assert summary.frames == len(sink.records) == 5
