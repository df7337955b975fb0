"""Whether a stream is well, from what it says about itself: two levels, and a third word beside them.

**Alive**: the process does its work as far as the outside lets it. A camera that is lost and waited for
leaves a stream alive: starting the process again would not bring the camera back, and would end the streams
of all others. What does not leave it alive is a source that gives frames while no records come out, because
then the detector or an output is stuck. A service manager's watchdog goes by this.

**Healthy**: alive, every source runs, and the newest records are young. People, dashboards and load balancers
go by this; the watchdog does not.

**Degraded**: records are made, and part of the result is lost all the same: an output fails or has lost
records of late, or a source gives fewer frames than it loses. A degraded stream may be healthy: it still
detects, and other outputs get everything. People and alarms go by this; a restart would not help.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from edge_irdet.errors import OptionError
from edge_irdet.stream.status import SourceState, SourceStatus, StreamStatus


@dataclass(frozen=True)
class HealthLimits:
    """How old is too old.

    Raises:
        OptionError: a limit is not a positive number.
    """

    record_age_seconds: float = 5.0
    """A stream, or a source, whose newest record is older is not healthy."""

    stuck_seconds: float = 30.0
    """A stream in which a source has been running for this long without any record coming out is not alive.
    Longer than a source may be silent before it counts as stalled, and than one inference takes."""

    degraded_seconds: float = 60.0
    """An output that has lost a record within this time is degraded, and so is a source that has lost more
    frames within it than it gave."""

    def __post_init__(self) -> None:
        for name in ("record_age_seconds", "stuck_seconds", "degraded_seconds"):
            if not 0 < getattr(self, name) < 1e6:
                raise OptionError(
                    f"a health limit cannot be {name}={getattr(self, name)}", "choose seconds, more than 0"
                )


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement of one moment."""

    alive: bool
    """Whether the process does its work, cameras that are waited for set aside."""

    healthy: bool
    """Whether every source runs and gives young records."""

    degraded: bool
    """Whether an output or a source loses part of the result; a healthy stream may be degraded."""

    reasons: list[str]
    """Why it is not healthy, or is degraded, one line each; empty where it is healthy and not degraded."""

    record_age_seconds: float | None
    """Age of the stream's newest record; None before the first."""


def judge_health(status: StreamStatus, now_ns: int, limits: HealthLimits) -> Health:
    """Judge a stream.

    Args:
        status: what it says about itself.
        now_ns: now, monotonic clock; not the status's own time, so that a status that is no longer renewed
            grows old.
        limits: what is too old.
    """
    age = None if status.last_record_ns is None else max(0.0, (now_ns - status.last_record_ns) / 1e9)
    reasons = [] if status.sources else ["the stream has no source"]
    stuck = _stuck_seconds(status, now_ns)
    alive = stuck is None or stuck <= limits.stuck_seconds
    if not alive:
        reasons.append(
            f"sources give frames, but no record was made for {stuck:.0f} s: detector or output stuck"
        )
    for source in status.sources:
        reasons.extend(_source_reasons(source, now_ns, limits))
    if age is None:
        reasons.append("no record was made yet")
    elif age > limits.record_age_seconds:
        reasons.append(
            f"the last record was made {age:.1f} s ago, allowed are {limits.record_age_seconds:g} s"
        )
    losses = _losses(status, now_ns)
    return Health(
        alive=alive,
        healthy=not reasons,
        degraded=bool(losses),
        reasons=[*reasons, *losses],
        record_age_seconds=age,
    )


def _losses(status: StreamStatus, now_ns: int) -> list[str]:
    losses = [
        f"{source.source} loses most of its frames: so far {source.skipped} were skipped and "
        f"{source.missed} missed, {source.frames} became records"
        for source in status.sources
        if source.degraded
    ]
    for sink in status.sinks:
        if sink.degraded:
            ago = (now_ns - (sink.last_loss_ns or now_ns)) / 1e9
            error = f": {sink.last_error.splitlines()[0]}" if sink.last_error else ""
            losses.append(
                f"the output {sink.sink} has lost {sink.lost} of {sink.offered} records, "
                f"the last {max(0.0, ago):.0f} s ago{error}"
            )
    return losses


def _stuck_seconds(status: StreamStatus, now_ns: int) -> float | None:
    """How long a source has been giving frames with no record coming out; None where none gives frames."""
    running = [source.since_ns for source in status.sources if source.state is SourceState.RUNNING]
    if not running:
        return None
    return (now_ns - max(min(running), status.last_record_ns or status.started_ns)) / 1e9


def _source_reasons(source: SourceStatus, now_ns: int, limits: HealthLimits) -> list[str]:
    if source.state is not SourceState.RUNNING:
        error = f": {source.last_error.splitlines()[0]}" if source.last_error else ""
        lasting = max(0.0, (now_ns - source.since_ns) / 1e9)
        return [f"{source.source} is {source.state.value} for {lasting:.0f} s{error}"]
    if source.last_capture_ns is None:
        return [f"{source.source} has given no record yet"]
    age = (now_ns - source.last_capture_ns) / 1e9
    if age > limits.record_age_seconds:
        allowed = f"allowed are {limits.record_age_seconds:g} s"
        return [f"the newest record of {source.source} shows what was {age:.1f} s ago, {allowed}"]
    return []
