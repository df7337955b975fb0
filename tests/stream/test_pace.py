"""Files at their own rate, by a clock that only moves when somebody waits or reads."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.boards import board_of
from doubles.streaming import BrightSpotDetector, KeepingSink, ListSource, ScriptedSource, spot_image
from edge_irdet.errors import SourceLostError
from edge_irdet.record import LossCounts, Record
from edge_irdet.stream.board import SourceEntry
from edge_irdet.stream.capture import Capture
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.pace import ASSUMED_RATE, LONGEST_WAIT_S, Clock, Pace, Pacer
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy, FrameQueues
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.reentrant_event import ReentrantEvent

RATE = 25.0
PERIOD_NS = 40_000_000
START_NS = 5_000_000_000_000


class FakeClock(Clock):
    """Time that goes on by waiting, a given time too long each."""

    def __init__(self, oversleep_ns: int = 0) -> None:
        self.now = START_NS
        self.oversleep_ns = oversleep_ns
        self.waits: list[float] = []

    def now_ns(self) -> int:
        return self.now

    def wait(self, stopped: ReentrantEvent, seconds: float) -> bool:
        assert seconds > 0.0
        self.waits.append(seconds)
        if not stopped.is_set():
            self.now += max(1, round(seconds * 1e9)) + self.oversleep_ns
        return stopped.is_set()


def played(pacer: Pacer, clock: FakeClock, reads_ns: Iterable[int], first: int = 0) -> dict[int, int]:
    """Sequence -> ns since the start at which it was let go; each frame takes its time to read."""
    moments = {}
    for sequence, read_ns in enumerate(reads_ns, first):
        clock.now += read_ns
        moment = pacer.admit(sequence)
        if moment is not None:
            assert moment == clock.now
            moments[sequence] = moment - START_NS
    return moments


def pacer_of(clock: FakeClock, passes_over: bool = False, rate: float = RATE) -> Pacer:
    return Pacer(rate, passes_over, ReentrantEvent(), clock)


def test_frames_go_at_the_rate_from_the_first_one_on() -> None:
    clock = FakeClock()
    moments = played(pacer_of(clock), clock, [3_000_000, 1_000_000, 39_000_000, 0], first=7)
    assert moments == {7: 3_000_000, 8: 43_000_000, 9: 83_000_000, 10: 123_000_000}


def test_waits_that_are_too_long_do_not_add_up() -> None:
    clock = FakeClock(oversleep_ns=5_000_000)
    moments = played(pacer_of(clock), clock, [0] * 1000)
    assert moments[999] == 999 * PERIOD_NS + 5_000_000


def test_missing_numbers_leave_their_time_out() -> None:
    clock = FakeClock()
    pacer = pacer_of(clock)
    assert pacer.admit(0) == START_NS
    assert pacer.admit(4) == START_NS + 4 * PERIOD_NS


def test_lossless_makes_up_for_a_slow_frame_with_every_frame() -> None:
    clock = FakeClock()
    reads = [0, 0, 6 * PERIOD_NS, *[1_000_000] * 7]
    moments = played(pacer_of(clock), clock, reads)
    late = 7 * PERIOD_NS
    assert list(moments) == list(range(10))
    assert list(moments.values())[:2] == [0, PERIOD_NS]
    assert [moments[n] for n in range(2, 8)] == [late + 1_000_000 * n for n in range(6)]
    assert (moments[8], moments[9]) == (8 * PERIOD_NS, 9 * PERIOD_NS), "on time again"


def test_latest_passes_over_what_a_slow_frame_made_late() -> None:
    clock = FakeClock()
    moments = played(pacer_of(clock, passes_over=True), clock, [0, 0, 6 * PERIOD_NS, *[1_000_000] * 7])
    assert list(moments) == [0, 1, 2, 7, 8, 9], "frames 3 to 6 would have come in a burst"
    assert moments[2] == 7 * PERIOD_NS
    assert (moments[8], moments[9]) == (8 * PERIOD_NS, 9 * PERIOD_NS)


def test_a_source_slower_than_its_rate_gives_every_frame() -> None:
    clock = FakeClock()
    moments = played(pacer_of(clock, passes_over=True), clock, [3 * PERIOD_NS] * 50)
    assert list(moments.values()) == [3 * PERIOD_NS * (n + 1) for n in range(50)]


READS = st.lists(st.integers(0, 5 * PERIOD_NS) | st.integers(0, PERIOD_NS // 10), min_size=1, max_size=80)


@given(READS, st.integers(0, PERIOD_NS), st.integers(0, 1000))
def test_lossless_lets_every_frame_go_when_it_is_due_or_as_soon_as_it_is_read(
    reads: list[int], oversleep: int, first: int
) -> None:
    clock = FakeClock(oversleep)
    moments = list(played(pacer_of(clock), clock, reads, first).values())
    assert len(moments) == len(reads)
    before = moments[0]
    for number, (moment, read) in enumerate(zip(moments, reads, strict=True)):
        if number:
            due, ready = moments[0] + number * PERIOD_NS, before + read
            assert max(due, ready) <= moment <= max(due + oversleep, ready) + 1
        before = moment


@given(READS, st.integers(0, PERIOD_NS // 2))
def test_latest_never_lets_a_frame_go_early_nor_in_bursts_nor_none_at_all(
    reads: list[int], oversleep: int
) -> None:
    clock = FakeClock(oversleep)
    pacer = pacer_of(clock, passes_over=True)
    moments: list[int] = []
    for sequence, read in enumerate(reads):
        clock.now += read
        given_out = pacer.admit(sequence)
        if given_out is None:
            assert clock.now - moments[-1] < PERIOD_NS, "a frame went less than a period ago"
            assert clock.now - moments[0] >= (sequence + 1) * PERIOD_NS, "and a newer one is due"
        else:
            moments.append(given_out)
            assert given_out - moments[0] >= sequence * PERIOD_NS - 1
    for begin in range(len(moments)):
        for end in range(begin + 3, len(moments)):
            assert moments[end] - moments[begin] > (end - begin - 2) * PERIOD_NS - 1 - oversleep


def test_a_wait_is_as_long_as_it_takes() -> None:
    clock = FakeClock()
    pacer = pacer_of(clock, rate=1e-5)
    assert pacer.admit(0) == START_NS
    assert pacer.admit(1) == START_NS + 10**14
    assert max(clock.waits) == LONGEST_WAIT_S


def test_a_stopped_stream_waits_no_longer() -> None:
    clock, stopped = FakeClock(), ReentrantEvent()
    pacer = Pacer(1e-300, False, stopped, clock)
    pacer.admit(0)
    stopped.set()
    assert pacer.admit(1) == START_NS
    assert len(clock.waits) == 1


class Gathered(FrameQueues):
    """Queues whose frames are kept instead of being waited for."""

    def __init__(self, policy: FramePolicy, entry: SourceEntry) -> None:
        super().__init__([policy], [entry])
        self.entry = entry
        self.frames: list[Frame] = []

    def put(self, source_index: int, frame: Frame, counts: LossCounts) -> bool:
        self.frames.append(frame)
        return True


class Recording(ListSource):
    """Images that each take some of the fake clock's time to read."""

    def __init__(self, clock: FakeClock, reads_ns: list[int], rate: float | None) -> None:
        super().__init__([spot_image(index) for index in range(len(reads_ns))])
        self.clock = clock
        self.reads_ns = reads_ns
        self.stated = rate

    @property
    def rate(self) -> float | None:
        return self.stated

    def read(self) -> Frame | None:
        if self.next < len(self.reads_ns):
            self.clock.now += self.reads_ns[self.next]
        return super().read()


def captured(
    policy: FramePolicy, reads_ns: list[int], rate: float | None = RATE, pace: Pace = Pace.REALTIME
) -> Gathered:
    clock = FakeClock()
    source = Recording(clock, reads_ns, rate)
    entry = board_of().add_source(source.uri, source.live)
    queues = Gathered(policy, entry)
    capture = Capture(source, entry, queues, ReconnectionConfig(), lambda: None, pace, clock)
    capture.start()
    capture.join(20)
    assert capture.error is None
    return queues


@pytest.mark.parametrize("policy", FramePolicy)
def test_frames_carry_the_moment_at_which_they_were_handed_out(policy: FramePolicy) -> None:
    queues = captured(policy, [1_000_000] * 4)
    first = START_NS + 1_000_000
    assert [frame.capture_ns for frame in queues.frames] == [first + n * PERIOD_NS for n in range(4)]
    assert queues.entry.losses.dropped == 0


def test_what_is_passed_over_is_dropped_counted_and_marked() -> None:
    queues = captured(FramePolicy.LATEST, [0, 6 * PERIOD_NS, *[1_000_000] * 7])
    assert [frame.sequence for frame in queues.frames] == [0, 1, 6, 7, 8]
    assert queues.entry.losses.dropped == 4
    FrameQueues.put(queues, 0, queues.frames[-1], LossCounts())
    delivery = queues.get()
    assert delivery is not None
    assert delivery.counts.dropped == 4
    assert delivery.frame.discontinuity


def test_a_source_without_a_rate_is_played_at_the_assumed_one_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    for stated in (None, 0.0):
        caplog.clear()
        queues = captured(FramePolicy.LOSSLESS, [0] * 31, stated)
        assert queues.frames[30].capture_ns - START_NS == pytest.approx(30e9 / ASSUMED_RATE)
        said = [entry for entry in caplog.records if entry.message == "source states no rate"]
        assert [entry.__dict__["frames_per_second"] for entry in said] == [ASSUMED_RATE]


def test_by_default_nothing_waits() -> None:
    queues = captured(FramePolicy.LOSSLESS, [0] * 100, rate=1e-3, pace=Pace.FREE)
    assert len(queues.frames) == 100


def test_a_live_source_keeps_its_own_pace() -> None:
    class Slow(ScriptedSource):
        rate = 1e-3

    lost = SourceLostError("the cable was pulled", "plug it in")
    source, sink = Slow([[spot_image(0), spot_image(1), spot_image(2), lost], None]), KeepingSink()
    config = PipelineConfig(FramePolicy.LOSSLESS, pace=Pace.REALTIME)
    Pipeline(source, BrightSpotDetector(), [sink], config).run()
    assert [record.sequence for record in sink.records] == [0, 1, 2]


@pytest.mark.parametrize("policy", FramePolicy)
def test_stop_ends_a_wait_at_once_and_no_frame_goes_early(policy: FramePolicy) -> None:
    class Slow(ListSource):
        rate = 1e-3

    class Stopping(KeepingSink):
        def write(self, frame: Frame, record: Record) -> None:
            super().write(frame, record)
            pipeline.stop()

    sink = Stopping()
    config = PipelineConfig(policy, pace=Pace.REALTIME)
    pipeline = Pipeline(Slow([spot_image(0), spot_image(1)]), BrightSpotDetector(), [sink], config)
    running = threading.Thread(target=pipeline.run, daemon=True)
    running.start()
    running.join(20)
    assert not running.is_alive(), "the next frame is due in a thousand seconds"
    assert [record.sequence for record in sink.records] == [0]
