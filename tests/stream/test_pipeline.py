from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from doubles.streaming import BrightSpotDetector, KeepingSink, ListSource, spot_image
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import (
    OptionError,
    OutputFailedError,
    OutputGoneError,
    SixteenBitUnmappedError,
    SourceTruncatedError,
)
from edge_irdet.record import Record, TrackUpdate, decode_record
from edge_irdet.stream.capture import Capture
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Output


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


def test_a_failing_output_is_counted_and_the_stream_goes_on(detector: BrightSpotDetector) -> None:
    before, failing, after = KeepingSink(), KeepingSink(fail_at=3), KeepingSink()
    summary = Pipeline(ListSource(images(10)), detector, [before, failing, after]).run()
    assert [record.sequence for record in failing.records] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert len(before.records) == len(after.records) == 10
    assert [(sink.written, sink.lost, sink.failing) for sink in summary.sinks] == [
        (10, 0, False),
        (9, 1, False),
        (10, 0, False),
    ]
    assert summary.sinks[1].last_error == "full"


def test_a_fault_in_an_output_does_not_cost_the_others_their_records(detector: BrightSpotDetector) -> None:
    class Broken(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            raise ZeroDivisionError("a bug")

    good = KeepingSink()
    summary = Pipeline(ListSource(images(5)), detector, [Broken(), good]).run()
    assert len(good.records) == 5
    assert (summary.sinks[0].lost, summary.sinks[0].last_error) == (5, "ZeroDivisionError: a bug")


def test_an_output_whose_reader_has_gone_for_good_ends_the_stream(detector: BrightSpotDetector) -> None:
    class Gone(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            raise OutputGoneError("nobody reads", "start the reader again")

    with pytest.raises(OutputGoneError):
        Pipeline(ListSource(images(1000)), detector, [Gone()]).run()


def test_an_output_that_hangs_does_not_keep_a_stopped_stream(
    detector: BrightSpotDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_irdet.stream.emission.FINISH_SECONDS", 0.2)
    release = threading.Event()

    class Hanging(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            release.wait(30)

    pipeline = Pipeline(ListSource(images(1000)), detector, [Hanging()])
    threading.Timer(0.1, pipeline.stop).start()
    with pytest.raises(OutputFailedError, match="not come to their end"):
        pipeline.run()
    release.set()


def test_several_sources_keep_their_order_and_take_turns(detector: BrightSpotDetector) -> None:
    class Named(ListSource):
        def __init__(self, name: str, count: int) -> None:
            super().__init__(images(count))
            self.uri = name

    counts = {"a": 40, "b": 25, "c": 40, "d": 1}
    everything, only_b = KeepingSink(), KeepingSink()
    sources = [Named(name, count) for name, count in counts.items()]
    pipeline = Pipeline(sources, detector, [everything, Output(only_b, 1)])
    summary = pipeline.run()
    assert summary.frames == sum(counts.values())
    for name, count in counts.items():
        own = [record.sequence for record in everything.records if record.source == name]
        assert own == list(range(count))
    assert {record.source for record in only_b.records} == {"b"}
    assert len(only_b.records) == 25
    status = pipeline.status()
    assert [source.frames for source in status.sources] == list(counts.values())


def test_a_file_that_ends_early_does_not_take_the_other_sources_with_it(
    detector: BrightSpotDetector,
) -> None:
    sink = KeepingSink()
    broken = ListSource([*images(3), SourceTruncatedError("ends early", "copy again")])
    with pytest.raises(SourceTruncatedError):
        Pipeline([broken, ListSource(images(30))], detector, [sink]).run()
    assert len(sink.records) == 33


def test_a_failing_output_ends_the_stream_where_it_was_said_so(detector: BrightSpotDetector) -> None:
    before, failing = KeepingSink(), KeepingSink(fail_at=3)
    source = ListSource(images(1000))
    with pytest.raises(OutputFailedError):
        Pipeline(source, detector, [before, failing], PipelineConfig(stop_on_output_failure=True)).run()
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

    class Ending(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            pipeline.stop()

    pipeline = Pipeline(Stuck(images(2)), detector, [Ending()])
    assert pipeline.run().frames == 1
    release.set()


def test_a_pipeline_runs_once_and_needs_a_source(detector: BrightSpotDetector) -> None:
    sink = KeepingSink()
    pipeline = Pipeline(ListSource(images(3)), detector, [sink])
    pipeline.run()
    with pytest.raises(OptionError, match="run already"):
        pipeline.run()
    assert sink.events == ["open", "close"]
    with pytest.raises(OptionError, match="needs a source"):
        Pipeline([], detector, [sink])


def test_one_sink_needs_no_list_and_none_is_needed(detector: BrightSpotDetector) -> None:
    alone, indexed = KeepingSink(), KeepingSink()
    Pipeline(ListSource(images(3)), detector, alone).run()
    Pipeline(ListSource(images(3)), detector, Output(indexed, 0)).run()
    assert len(alone.records) == len(indexed.records) == 3
    assert Pipeline(ListSource(images(3)), detector).run().frames == 3


@pytest.mark.parametrize("index", [1, -1])
def test_an_output_of_a_source_that_is_not_there(detector: BrightSpotDetector, index: int) -> None:
    with pytest.raises(OptionError, match=f"for source {index}, and there are 1"):
        Pipeline(ListSource(images(3)), detector, Output(KeepingSink(), index))


def test_a_second_signal_while_the_first_one_stops_the_stream(
    detector: BrightSpotDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler runs in the middle of whatever its thread does: here in the middle of stop() itself."""
    stop = Capture.stop

    def stop_and_get_a_signal(capture: Capture) -> None:
        pipeline.stop()
        stop(capture)

    monkeypatch.setattr(Capture, "stop", stop_and_get_a_signal)
    pipeline = Pipeline(ListSource(images(3), live=True), detector)
    pipeline.stop()
    assert pipeline.run().frames == 0


def test_max_frames_ends_it(detector: BrightSpotDetector) -> None:
    sink = KeepingSink()
    summary = Pipeline(ListSource(images(50)), detector, [sink], PipelineConfig(max_frames=5)).run()
    assert summary.frames == len(sink.records) == 5


@pytest.mark.parametrize("frames", [0, -1, "5", 2.0, True])
def test_a_count_of_frames_that_is_none_is_refused(frames: Any) -> None:
    with pytest.raises(OptionError, match="max_frames is"):
        PipelineConfig(max_frames=frames)


def test_an_output_that_fails_at_its_end_ends_the_stream_at_once(detector: BrightSpotDetector) -> None:
    class Failing(KeepingSink):
        def close(self) -> None:
            raise RuntimeError("closing failed")

    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="closing failed"):
        Pipeline(ListSource(images(3)), detector, [Failing()]).run()
    assert time.monotonic() - begin < 5


def test_one_object_given_twice_is_refused(detector: BrightSpotDetector) -> None:
    source, sink = ListSource(images(3)), KeepingSink()
    with pytest.raises(OptionError, match="one source was given twice"):
        Pipeline([source, source], detector)
    with pytest.raises(OptionError, match="one output was given twice"):
        Pipeline(source, detector, [sink, sink])


def test_trackers_get_the_time_that_a_file_shows_and_not_the_time_of_reading(
    detector: BrightSpotDetector,
) -> None:
    class Clock:
        def __init__(self) -> None:
            self.times: list[int] = []
            clocks.append(self)

        def update(self, capture_ns: int, boxes: object, *more: object, **flags: object) -> TrackUpdate:
            self.times.append(capture_ns)
            return TrackUpdate([None] * len(boxes), [])  # type: ignore[arg-type]

    class Rated(ListSource):
        rate = 50.0

    clocks: list[Clock] = []
    sources = [Rated(images(3)), ListSource(images(3)), ListSource(images(3), live=True)]
    config = PipelineConfig(FramePolicy.LOSSLESS, tracker=Clock)
    Pipeline(sources, detector, [], config).run()
    assert clocks[0].times == [0, 20_000_000, 40_000_000]
    assert clocks[1].times == [0, 33_333_333, 66_666_667]
    assert clocks[2].times == [1_000_000, 2_000_000, 3_000_000], "the camera's own stamps"


def test_a_live_source_never_writes_into_a_frame_that_an_output_is_still_at(
    detector: BrightSpotDetector,
) -> None:
    class Camera(ListSource):
        def __init__(self) -> None:
            super().__init__([], live=True)
            self.pool = ImagePool()

        def read(self) -> Frame | None:
            time.sleep(0.0002)
            image = self.pool.take((48, 64), np.uint16)
            image[...] = self.next
            self.next += 1
            return Frame(image, self.next - 1, time.monotonic_ns(), self.uri, PixelFormat.Y16)

    class Slow(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            time.sleep(0.02)  # a hundred further frames
            self.first_pixels.append(int(frame.image[0, 0]))
            self.records.append(record)

    sink = Slow()
    summary = Pipeline(Camera(), detector, [sink], PipelineConfig(max_frames=20)).run()
    assert summary.dropped > 100
    assert sink.first_pixels == [record.sequence for record in sink.records]
