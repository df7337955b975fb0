from __future__ import annotations

import time

import msgspec
import pytest

from doubles.boards import board_of
from edge_irdet.errors import OptionError
from edge_irdet.stream.health import Health, HealthLimits, judge_health
from edge_irdet.stream.status import SourceState, StreamStatus

SECOND = 1_000_000_000
NOW = 1_000 * SECOND
LIMITS = HealthLimits(record_age_seconds=5, stuck_seconds=30)


def stream(
    *states: SourceState, record_age: float | None = 0.1, since: float = 100.0, frame_age: float | None = 0.1
) -> StreamStatus:
    """A stream that started 500 s ago, whose sources came to their states ``since`` seconds ago."""
    names = [f"camera{index}" for index in range(len(states))]
    status = board_of(*names).status()
    sources = [
        msgspec.structs.replace(
            source,
            state=state,
            since_ns=NOW - round(since * SECOND),
            last_capture_ns=None if frame_age is None else NOW - round(frame_age * SECOND),
        )
        for source, state in zip(status.sources, states, strict=True)
    ]
    return msgspec.structs.replace(
        status,
        started_ns=NOW - 500 * SECOND,
        last_record_ns=None if record_age is None else NOW - round(record_age * SECOND),
        sources=sources,
    )


def judged(status: StreamStatus) -> Health:
    return judge_health(status, NOW, LIMITS)


def test_well() -> None:
    health = judged(stream(SourceState.RUNNING, SourceState.RUNNING))
    assert (health.alive, health.healthy, health.degraded, health.reasons) == (True, True, False, [])
    assert health.record_age_seconds == pytest.approx(0.1)


@pytest.mark.parametrize("state", [state for state in SourceState if state is not SourceState.RUNNING])
@pytest.mark.parametrize("record_age", [0.1, 400.0, None])
def test_a_source_that_is_not_there_leaves_the_process_alive(
    state: SourceState, record_age: float | None
) -> None:
    """However long it takes: a restart would not bring the camera back."""
    health = judged(stream(state, record_age=record_age, since=499))
    assert health.alive
    assert not health.healthy
    assert f"camera0 is {state.value} for 499 s" in health.reasons[0]


def test_one_of_two_is_lost() -> None:
    health = judged(stream(SourceState.RUNNING, SourceState.WAITING))
    assert (health.alive, health.healthy, len(health.reasons)) == (True, False, 1)


@pytest.mark.parametrize("others", [(), (SourceState.WAITING,), (SourceState.RUNNING,)])
@pytest.mark.parametrize("record_age", [31.0, None])
def test_frames_without_records_mean_stuck(others: tuple[SourceState, ...], record_age: float | None) -> None:
    health = judged(stream(SourceState.RUNNING, *others, record_age=record_age, frame_age=record_age))
    assert (health.alive, health.healthy) == (False, False)
    assert "detector or output stuck" in health.reasons[0]


def test_a_source_that_has_just_come_back_gets_its_time() -> None:
    assert judged(stream(SourceState.RUNNING, record_age=300, since=29, frame_age=300)).alive
    assert not judged(stream(SourceState.RUNNING, record_age=300, since=31, frame_age=300)).alive


def test_a_source_whose_records_stay_away_while_others_come() -> None:
    health = judged(stream(SourceState.RUNNING, frame_age=6.0))
    assert (health.alive, health.healthy) == (True, False)
    assert "6.0 s ago" in health.reasons[0]
    assert not judged(stream(SourceState.RUNNING, frame_age=None)).healthy


def test_a_status_that_is_no_longer_renewed_grows_old() -> None:
    kept = board_of("camera").status()
    assert judge_health(kept, kept.now_ns, LIMITS).alive
    assert not judge_health(kept, kept.now_ns + 31 * SECOND, LIMITS).alive


def test_an_output_that_loses_records_is_degraded_and_nothing_else() -> None:
    board = board_of("camera", sinks=["out.jsonl", "udp://host:1"])
    lossy = board.sinks[0]
    for _ in range(3):
        lossy.count_written()
    lossy.count_refused("no space left")
    status = board.status()
    status = msgspec.structs.replace(
        stream(SourceState.RUNNING),
        sinks=[msgspec.structs.replace(status.sinks[0], last_loss_ns=NOW - 7 * SECOND), status.sinks[1]],
    )
    health = judged(status)
    assert (health.alive, health.healthy, health.degraded) == (True, True, True)
    assert health.reasons == ["the output out.jsonl has lost 1 of 4 records, the last 7 s ago: no space left"]


def test_a_stream_may_be_unhealthy_and_degraded_at_once() -> None:
    board = board_of("camera")
    board.sinks[0].count_refused("gone")
    status = msgspec.structs.replace(stream(SourceState.WAITING), sinks=board.status().sinks)
    health = judged(status)
    assert (health.alive, health.healthy, health.degraded) == (True, False, True)
    assert len(health.reasons) == 2


def test_no_source_is_not_healthy() -> None:
    assert judge_health(board_of().status(), time.monotonic_ns(), LIMITS).healthy is False


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_are_positive(value: float) -> None:
    for name in ("record_age_seconds", "stuck_seconds", "degraded_seconds"):
        with pytest.raises(OptionError, match=name):
            HealthLimits(**{name: value})
