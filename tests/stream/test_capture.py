"""Loss and return of live sources, played by a fake camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.streaming import BrightSpotDetector, KeepingSink, ScriptedSource, spot_image
from edge_irdet.errors import CameraError, EdgeIrdetError, OptionError, SourceLostError
from edge_irdet.stream import capture
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.reconnection import BackOff, ReconnectionConfig
from edge_irdet.stream.sources.source import ReadTimeout
from edge_irdet.stream.status import SourceState

FAST = ReconnectionConfig(
    stalled_after_seconds=0.05,
    lost_after_seconds=0.3,
    first_pause_seconds=0.001,
    longest_pause_seconds=0.01,
)
LOST = SourceLostError("the cable was pulled", "plug it in")


def images(first: int, count: int) -> list[np.ndarray]:
    return [spot_image(index) for index in range(first, first + count)]


def pipeline_of(
    source: ScriptedSource, sink: KeepingSink, reconnection: ReconnectionConfig = FAST
) -> Pipeline:
    # Lossless, so that every frame that was captured can be accounted for.
    config = PipelineConfig(FramePolicy.LOSSLESS, reconnection=reconnection)
    return Pipeline(source, BrightSpotDetector(), [sink], config)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_lost_source_comes_back_marked_counted_and_with_rising_numbers() -> None:
    sink = KeepingSink()
    source = ScriptedSource(
        [[*images(0, 3), LOST], CameraError("busy", "wait"), [*images(10, 2), LOST], None]
    )
    summary = pipeline_of(source, sink).run()
    assert sink.first_pixels == [0, 1, 2, 10, 11], "no frame repeated, invented or lost"
    assert [record.sequence for record in sink.records] == [0, 1, 2, 3, 4]
    assert [record.discontinuity for record in sink.records] == [False, False, False, True, False]
    assert [record.interruptions for record in sink.records] == [0, 0, 0, 1, 1]
    assert source.opened == 4
    assert summary.interruptions == 1
    assert sink.events == ["open", "close"]


def test_another_size_after_the_return_goes_on() -> None:
    sink = KeepingSink()
    source = ScriptedSource([[*images(0, 2), LOST], [spot_image(0, 80, 60), LOST], None])
    pipeline_of(source, sink).run()
    assert [(record.width, record.height) for record in sink.records] == [(64, 48), (64, 48), (80, 60)]
    assert sink.records[2].discontinuity


def test_a_source_that_is_not_there_at_the_start_is_an_error() -> None:
    sink = KeepingSink()
    source = ScriptedSource([CameraError("there is no camera", "ls"), images(0, 1)])
    with pytest.raises(CameraError):
        pipeline_of(source, sink).run()
    assert sink.events == []
    assert source.opened == 1


def test_a_source_may_be_waited_for_at_the_start_but_a_mistake_is_not() -> None:
    sink = KeepingSink()
    patient = ReconnectionConfig(wait_for_source_seconds=20, first_pause_seconds=0.001)
    source = ScriptedSource([CameraError("not yet", "wait")] * 3 + [[*images(0, 2), LOST], None])
    assert pipeline_of(source, sink, patient).run().frames == 2
    assert not any(record.discontinuity or record.interruptions for record in sink.records)
    with pytest.raises(OptionError):
        pipeline_of(ScriptedSource([OptionError("bad", "good")]), KeepingSink(), patient).run()


def test_a_source_is_given_up_when_it_was_said_so() -> None:
    sink = KeepingSink()
    impatient = ReconnectionConfig(first_pause_seconds=0.01, give_up_after_seconds=0.05)
    source = ScriptedSource([images(0, 2)] + [CameraError("gone", "look")] * 1000)
    pipeline = pipeline_of(source, sink, impatient)
    with pytest.raises(CameraError):
        pipeline.run()
    assert [record.sequence for record in sink.records] == [0, 1]
    assert sink.events == ["open", "close"]
    assert pipeline.status().sources[0].state is SourceState.ENDED


def test_a_stall_is_seen_and_is_no_interruption() -> None:
    sink, states = KeepingSink(), []
    go_on = threading.Event()

    def silence() -> None:
        if not go_on.wait(0.01):
            steps.insert(0, silence)
            raise ReadTimeout

    source = ScriptedSource([[*images(0, 2), silence, *images(2, 2), LOST], None])
    relaxed = ReconnectionConfig(stalled_after_seconds=0.03, lost_after_seconds=60)
    pipeline = pipeline_of(source, sink, relaxed)
    running = threading.Thread(target=pipeline.run)
    running.start()
    steps = source._steps
    wait_until(lambda: source._steps is not None and len(sink.records) == 2)
    steps = source._steps
    wait_until(lambda: pipeline.status().sources[0].state is SourceState.STALLED)
    states.append(pipeline.status().sources[0].state)
    go_on.set()
    running.join(20)
    assert [record.discontinuity for record in sink.records] == [False] * 4
    assert sink.records[-1].interruptions == 0


def test_silence_for_too_long_is_a_loss() -> None:
    def silence() -> None:
        time.sleep(0.01)
        raise ReadTimeout

    sink = KeepingSink()
    pipeline = pipeline_of(ScriptedSource([[*images(0, 1), *[silence] * 500], images(5, 1), None]), sink)
    pipeline.run()
    assert sink.first_pixels == [0, 5]
    assert [record.interruptions for record in sink.records] == [0, 1]


def test_a_read_that_hangs_is_left_behind_and_what_it_gives_later_is_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()
    source = ScriptedSource(
        [[*images(0, 2), lambda: release.wait(30), *images(90, 5)], [*images(10, 2), LOST], None]
    )
    sink = KeepingSink()
    summary = pipeline_of(source, sink).run()
    assert sink.first_pixels == [0, 1, 10, 11]
    assert [record.discontinuity for record in sink.records] == [False, False, True, False]
    assert summary.interruptions == 1
    assert "has not come back" in caplog.records[0].__dict__["reason"]
    assert not source.closed.is_set(), "nobody may close under a read"
    release.set()
    assert source.closed.wait(20), "its own thread closes it"
    assert sink.first_pixels == [0, 1, 10, 11]


def test_opening_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "OPEN_SECONDS", 0.3)
    release = threading.Event()
    sink = KeepingSink()
    source = ScriptedSource([[*images(0, 1), LOST], lambda: release.wait(30), [*images(7, 1), LOST], None])
    pipeline_of(source, sink).run()
    release.set()
    assert sink.first_pixels == [0, 7]


def test_hung_threads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MAX_HUNG_READERS", 2)
    release = threading.Event()
    hanging = [[lambda: release.wait(30)] for _ in range(2)]
    source = ScriptedSource([[*images(0, 1), LOST], *hanging, [*images(5, 1), LOST], None])
    sink = KeepingSink()
    pipeline = pipeline_of(source, sink)
    running = threading.Thread(target=pipeline.run)
    running.start()
    wait_until(lambda: len([one for one in source.family if one.opened and not one.closed.is_set()]) == 1)
    wait_until(
        lambda: (
            sum(thread.name == "capture-0" for thread in threading.enumerate()) == 2
            and pipeline.status().sources[0].state is SourceState.LOST
        )
    )
    assert running.is_alive()
    release.set()
    running.join(20)
    assert sink.first_pixels == [0, 5]


def test_counts_go_on_over_a_loss() -> None:
    def miss_three() -> None:
        current = next(one for one in reversed(source.family) if one.opened)
        current.missed += 3
        current.skips.add("bad frame")

    source = ScriptedSource(
        [[miss_three, *images(0, 1), LOST], [*images(1, 1), miss_three, *images(2, 1), LOST], None]
    )
    sink = KeepingSink()
    summary = pipeline_of(source, sink).run()
    assert [(record.missed, record.skipped) for record in sink.records] == [(3, 1), (3, 1), (6, 2)]
    assert (summary.missed, summary.skipped) == (6, 2)


def test_skipped_frames_of_a_source_that_hung_stay_named() -> None:
    release = threading.Event()

    def tear(name: str) -> Callable[[], None]:
        def torn() -> None:
            next(one for one in reversed(source.family) if one.opened).skips.add(name)

        return torn

    source = ScriptedSource(
        [
            [tear("first"), *images(0, 1), tear("second"), LOST],
            [tear("third"), *images(1, 1), lambda: release.wait(30)],
            [tear("fourth"), *images(2, 1), LOST],
            None,
        ]
    )
    sink = KeepingSink()
    summary = pipeline_of(source, sink).run()
    release.set()
    assert (summary.skipped, summary.skip_reasons) == (4, ("first", "second", "third", "fourth"))


def test_a_stopped_stream_does_not_wait_for_a_lost_source() -> None:
    source = ScriptedSource([[*images(0, 1), LOST]] + [CameraError("gone", "look")] * 100_000)
    sink = KeepingSink()
    pipeline = pipeline_of(source, sink)
    running = threading.Thread(target=pipeline.run)
    running.start()
    wait_until(lambda: pipeline.status().sources[0].state is SourceState.WAITING)
    pipeline.stop()
    running.join(20)
    assert not running.is_alive()
    assert len(sink.records) == 1


def test_losses_are_logged_once_and_without_credentials(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    source = ScriptedSource([[*images(0, 1), LOST], *[CameraError("gone", "look")] * 5, images(1, 1), None])
    pipeline_of(source, KeepingSink()).run()
    lost = [entry for entry in caplog.records if entry.message == "source lost"]
    assert [entry.levelname for entry in lost] == ["WARNING", "WARNING"], "one a loss, not one an attempt"
    assert lost[0].__dict__["code"] == "E110"
    assert "source is back" in caplog.text


@given(
    st.floats(0.001, 10, allow_nan=False),
    st.floats(1, 100, allow_nan=False),
    st.integers(1, 60),
    st.integers(),
)
def test_pauses_grow_to_their_limit_and_never_past_it(
    first: float, factor: float, attempts: int, seed: int
) -> None:
    config = ReconnectionConfig(first_pause_seconds=first, longest_pause_seconds=first * factor)
    back_off = BackOff(config, seed)
    pauses = [back_off.next_pause() for _ in range(attempts)]
    for attempt, pause in enumerate(pauses):
        step = min(first * 2.0**attempt, config.longest_pause_seconds)
        assert step / 2 <= pause <= step
    back_off.reset()
    assert back_off.next_pause() <= first


@pytest.mark.parametrize(
    "wrong",
    [
        {"stalled_after_seconds": 0.0},
        {"stalled_after_seconds": 6.0},
        {"first_pause_seconds": 0.0},
        {"first_pause_seconds": 2.0},
    ],
)
def test_times_that_contradict_one_another(wrong: dict[str, float]) -> None:
    with pytest.raises(EdgeIrdetError, match="E701"):
        ReconnectionConfig(**wrong)
