from __future__ import annotations

import threading
import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.boards import DESCRIPTION, board_of
from doubles.streaming import BrightSpotDetector, KeepingSink, ListSource, spot_image
from edge_irdet.detection.detections import Detections
from edge_irdet.record import FrameCounts
from edge_irdet.stream.board import RATE_SECONDS, StreamBoard
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.health import HealthLimits
from edge_irdet.stream.loss_window import FEWEST_LOST, LossWindow
from edge_irdet.stream.pipeline import Pipeline
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.sinks.sink import Output, StreamInfo
from edge_irdet.stream.status import SourceState, StreamStatus

SECOND = 1_000_000_000


def count_frame(board: StreamBoard, place: int, emit_ns: int, shape: tuple[int, int] = (48, 64)) -> None:
    frame = Frame(np.zeros(shape, np.uint8), 0, emit_ns - 1000, "camera", PixelFormat.GREY)
    record = make_record(frame, Detections.none(), ("target",), emit_ns, FrameCounts())
    board.sources[place].count_record(record)


def test_a_board_is_empty_before_its_stream_runs() -> None:
    board = StreamBoard(DESCRIPTION)
    status, summary = board.status(), board.summary()
    assert (status.sources, status.sinks, status.last_record_ns) == ([], [], None)
    assert status.detector == DESCRIPTION
    assert (summary.frames, summary.fps, summary.latency_ms.p50) == (0, None, None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["record", "dropped", "interruption", "skipped", "missed", "written", "refused"]),
            st.integers(0, 2),
        ),
        max_size=60,
    )
)
def test_status_and_summary_are_what_was_written(events: list[tuple[str, int]]) -> None:
    board = board_of("a", "b", "c", sinks=["x", "y", "z"])
    expected = {name: [0, 0, 0] for name in ("frames", "dropped", "interruptions", "skipped", "missed")}
    written, lost = [0, 0, 0], [0, 0, 0]
    for event, place in events:
        source, sink = board.sources[place], board.sinks[place]
        if event == "record":
            count_frame(board, place, SECOND)
            expected["frames"][place] += 1
        elif event == "dropped":
            source.count_dropped()
            expected["dropped"][place] += 1
        elif event == "interruption":
            source.count_interruption()
            expected["interruptions"][place] += 1
        elif event in ("skipped", "missed"):
            expected[event][place] += 1
            source.set_losses(expected["skipped"][place], expected["missed"][place])
        elif event == "written":
            sink.count_written()
            written[place] += 1
        else:
            sink.count_refused("full")
            lost[place] += 1
    status, summary = board.status(), board.summary()
    for name, values in expected.items():
        assert [getattr(source, name) for source in status.sources] == values
        assert getattr(summary, name) == sum(values)
    for sinks in (status.sinks, list(summary.sinks)):
        assert [sink.written for sink in sinks] == written
        assert [sink.lost for sink in sinks] == lost
    decoded = msgspec.json.decode(msgspec.json.encode(status), type=StreamStatus)
    assert decoded == status


def test_a_state_that_is_entered_again_keeps_its_time_and_the_last_error() -> None:
    entry = board_of().add_source("camera")
    entry.enter(SourceState.LOST, "gone")
    since = entry.since_ns
    entry.enter(SourceState.LOST)
    assert (entry.since_ns, entry.last_error) == (since, "gone")
    entry.enter(SourceState.RUNNING)
    assert (entry.state, entry.last_error) == (SourceState.RUNNING, "gone")
    assert entry.since_ns >= since


def test_the_rate_is_that_of_the_last_records_and_0_once_they_stay_away() -> None:
    board = board_of("camera")
    entry = board.sources[0]
    assert entry.status(SECOND).fps is None
    for index in range(100):
        count_frame(board, 0, SECOND + index * SECOND // 25)
    last = SECOND + 99 * SECOND // 25
    assert entry.status(last).fps == pytest.approx(25)
    assert entry.status(last + round(RATE_SECONDS * SECOND) + 1).fps == 0.0


def test_the_size_is_that_of_the_last_frame() -> None:
    board = board_of("camera")
    for shape in ((48, 64), (512, 640)):
        count_frame(board, 0, SECOND, shape)
    status = board.status().sources[0]
    assert (status.width, status.height, status.pixel_format) == (640, 512, "GREY")


def test_sinks_get_the_board_before_the_stream_runs() -> None:
    class Watching(KeepingSink):
        def attach(self, board: StreamBoard) -> None:
            boards.append(board)

    boards: list[StreamBoard] = []
    pipeline = Pipeline(ListSource([]), BrightSpotDetector(), [Watching(), Output(Watching(), 0)])
    assert boards == [pipeline.board, pipeline.board]
    assert pipeline.summary().frames == 0


def test_a_pipeline_describes_what_it_runs() -> None:
    pipeline = Pipeline(ListSource([]), BrightSpotDetector(), [KeepingSink()])
    status = pipeline.status()
    assert status.detector == BrightSpotDetector.description
    assert [source.source for source in status.sources] == ["list:"]
    assert [sink.sink for sink in status.sinks] == ["keeping"]


def test_names_on_a_board_are_unique_and_free_of_credentials() -> None:
    board = board_of(
        *("rtsp://a:1@cam/x", "rtsp://b:2@cam/x", "list:", "rtsp://cam/x"),
        sinks=["http://h/?token=1", "http://h/?token=2", "http://h/?token=3"],
    )
    board.sources[0].enter(SourceState.LOST, "cannot open rtsp://a:1@cam/x")
    board.sinks[0].count_refused("http://h/?token=1 is full")
    status = board.status()
    assert [source.source for source in status.sources] == [
        *("rtsp://***@cam/x", "rtsp://***@cam/x #2", "list:", "rtsp://cam/x")
    ]
    assert [sink.sink for sink in status.sinks] == [
        *("http://h/?token=***", "http://h/?token=*** #2", "http://h/?token=*** #3")
    ]
    assert status.sources[0].last_error == "cannot open rtsp://***@cam/x"
    assert status.sinks[0].last_error == "http://h/?token=*** is full"


def test_records_of_two_sources_of_one_name_are_not_mixed_up() -> None:
    sink = KeepingSink()
    sources = [ListSource([spot_image(index) for index in range(count)]) for count in (5, 9)]
    Pipeline(sources, BrightSpotDetector(), sink).run()
    for name, count in (("list:", 5), ("list: #2", 9)):
        own = [record.sequence for record in sink.records if record.source == name]
        assert own == list(range(count))


def test_any_thread_may_read_while_the_stream_runs() -> None:
    """Each reading is of one moment: nothing runs backwards, and no sink is ahead of the records by two."""
    ended = threading.Event()
    faults: list[object] = []

    def read() -> None:
        frames = 0
        while not ended.is_set():
            status = pipeline.board.status()
            for source, sink in zip(status.sources, status.sinks, strict=False):
                if source.frames < frames or not 0 <= sink.written - source.frames <= 1:
                    faults.append((frames, source, sink))
                frames = source.frames

    readers = [threading.Thread(target=read) for _ in range(3)]
    pipeline = Pipeline(
        ListSource([spot_image(index) for index in range(400)]),
        BrightSpotDetector(),
        [KeepingSink()],
    )
    for reader in readers:
        reader.start()
    try:
        pipeline.run()
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert pipeline.summary().frames == 400


def test_degraded_outputs_are_those_that_fail_or_have_lost_a_record_of_late() -> None:
    board = StreamBoard(DESCRIPTION, HealthLimits(degraded_seconds=30))
    first, second, third = [board.add_sink(name) for name in ("a", "b", "c")]
    assert board.degraded_outputs() == ()
    third.set_lost_later(2)
    first.count_refused("full")
    assert board.degraded_outputs() == ("a", "c")
    assert board.degraded_outputs() is board.degraded_outputs(), "nothing is made while nothing changes"
    first.count_written()
    assert board.degraded_outputs() == ("a", "c"), "it works again, and a record is gone"
    second.count_refused("full")
    assert board.degraded_outputs() == ("a", "b", "c")
    third.set_lost_later(2)
    for entry in (first, second, third):
        assert entry.last_loss_ns is not None
        entry.last_loss_ns -= 31 * SECOND
    assert board.degraded_outputs() == ("b",), "it still fails, however long ago its last record was lost"
    assert [sink.degraded for sink in board.status().sinks] == [False, True, False]
    second.count_written()
    assert board.degraded_outputs() == ()


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_degraded_outputs_say_what_the_status_says(events: list[tuple[int, bool]]) -> None:
    board = board_of("camera", sinks=["a", "b", "c", "d"])
    for place, refused in events:
        if refused:
            board.sinks[place].count_refused("full")
        else:
            board.sinks[place].count_written()
        status = board.status()
        assert board.degraded_outputs() == tuple(sink.sink for sink in status.sinks if sink.degraded)


def test_records_that_are_lost_later_were_offered_once() -> None:
    sink = board_of("camera").sinks[0]
    for _ in range(5):
        sink.count_written()
    sink.count_refused("gone")
    sink.set_lost_later(3)
    status = sink.status(0)
    assert (status.offered, status.written, status.lost) == (6, 5, 4)


def test_a_source_that_loses_most_of_its_frames_is_degraded() -> None:
    board = board_of("camera", "other")
    entry, other = board.sources
    for index in range(FEWEST_LOST):
        count_frame(board, 0, SECOND)
        assert not entry.status(time.monotonic_ns()).degraded
        entry.set_losses(index, 0)
    entry.set_losses(FEWEST_LOST, 1)
    assert entry.status(time.monotonic_ns()).degraded
    assert not other.status(time.monotonic_ns()).degraded
    for _ in range(2 * FEWEST_LOST):
        entry.count_dropped()
    assert not entry.status(time.monotonic_ns()).degraded, "it gave them; the policy dropped them"


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=80)
)
def test_a_loss_window_judges_the_last_minute_alone(steps: list[tuple[int, int, int]]) -> None:
    """Against all counts, kept: where samples are whole seconds apart, the window begins at one of them."""
    window, history, now, given_so_far, lost_so_far = LossWindow(60), [], 0, 0, 0
    for seconds, more_given, more_lost in steps:
        now += seconds * SECOND
        if not history or history[-1][0] < now:
            history.append((now, given_so_far, lost_so_far))
            window.note(now, given_so_far, lost_so_far)
        given_so_far, lost_so_far = given_so_far + more_given, lost_so_far + more_lost
        start = next((one for one in reversed(history) if now - one[0] >= 60 * SECOND), history[0])
        lost, came = lost_so_far - start[2], given_so_far - start[1]
        assert window.mostly_lost(now, given_so_far, lost_so_far) == (lost >= FEWEST_LOST and lost > came)


def test_records_that_a_sink_loses_while_it_closes_are_counted() -> None:
    class Forgetful(KeepingSink):
        def open(self, info: StreamInfo) -> None:
            self.lost_later = 2

        def close(self) -> None:
            self.lost_later += 1

    images = [spot_image(index) for index in range(5)]
    summary = Pipeline(ListSource(images), BrightSpotDetector(), [Forgetful()]).run()
    assert (summary.sinks[0].offered, summary.sinks[0].written, summary.sinks[0].lost) == (5, 5, 3)
