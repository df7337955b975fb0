"""A stand-in for a running stream's status, labelled as what it is."""

from __future__ import annotations

import threading
import time
from collections import deque

import msgspec

from edge_irdet.record import Record
from edge_irdet.stream.latency_histogram import Percentiles
from edge_irdet.stream.status import SinkStatus, SourceState, SourceStatus, StreamStatus

RATE_RECORDS = 30


class FakeStatus:
    """A FAKE provider of :class:`StreamStatus`: counts the records it is shown, the rest is set on demand.

    Call it as the preview does; give :meth:`see` to a pipeline as ``on_frame``; set a state with
    :meth:`turn`.
    """

    def __init__(self, *sources: str, sinks: list[SinkStatus] | None = None) -> None:
        now = time.monotonic_ns()
        self._lock = threading.Lock()
        self._started_ns = now
        self._last_record_ns: int | None = None
        self._sinks = sinks if sinks is not None else [sink_status("out.jsonl")]
        self._recent: dict[str, deque[int]] = {name: deque(maxlen=RATE_RECORDS) for name in sources}
        self._latencies: deque[float] = deque(maxlen=200)
        self._sources = {name: source_status(name, since_ns=now) for name in sources}
        self.failure: BaseException | None = None

    def __call__(self) -> StreamStatus:
        if self.failure is not None:
            raise self.failure
        with self._lock:
            return StreamStatus(
                package="light-sgmtlm-reduced fp32",
                runner="ONNX Runtime on the CPU, 1 thread",
                started_ns=self._started_ns,
                now_ns=time.monotonic_ns(),
                last_record_ns=self._last_record_ns,
                sources=list(self._sources.values()),
                sinks=list(self._sinks),
                latency_ms=self._percentiles(1.0),
                detector_ms=self._percentiles(0.8),
                sinks_ms=self._percentiles(0.1),
            )

    def see(self, record: Record) -> None:
        """Count a record."""
        with self._lock:
            self._last_record_ns = record.emit_ns
            recent = self._recent[record.source]
            recent.append(record.emit_ns)
            self._latencies.append((record.emit_ns - record.capture_ns) / 1e6)
            before = self._sources[record.source]
            spent = recent[-1] - recent[0]
            self._sources[record.source] = msgspec.structs.replace(
                before,
                frames=before.frames + 1,
                dropped=max(before.dropped, record.dropped),
                fps=(len(recent) - 1) * 1e9 / spent if spent else None,
                width=record.width,
                height=record.height,
                pixel_format=record.pixel_format,
                last_capture_ns=record.capture_ns,
            )
            self._sinks = [msgspec.structs.replace(sink, written=sink.written + 1) for sink in self._sinks]

    def turn(self, source: str, state: SourceState, error: str | None = None, seconds_ago: float = 0) -> None:
        """Bring a source into a state."""
        with self._lock:
            self._sources[source] = msgspec.structs.replace(
                self._sources[source],
                state=state,
                since_ns=time.monotonic_ns() - round(seconds_ago * 1e9),
                last_error=error,
            )

    def _percentiles(self, share: float) -> Percentiles:
        ordered = sorted(self._latencies)
        if not ordered:
            return Percentiles(None, None, None)
        return Percentiles(*(ordered[int(part * (len(ordered) - 1))] * share for part in (0.5, 0.9, 0.99)))


def source_status(name: str, since_ns: int | None = None) -> SourceStatus:
    """A source that runs and has given nothing yet."""
    return SourceStatus(
        source=name,
        state=SourceState.RUNNING,
        since_ns=time.monotonic_ns() if since_ns is None else since_ns,
        frames=0,
        dropped=0,
        missed=0,
        skipped=0,
        interruptions=0,
        fps=None,
        width=0,
        height=0,
        pixel_format="",
        last_capture_ns=None,
        last_error=None,
    )


def sink_status(name: str) -> SinkStatus:
    """A sink that has taken nothing yet."""
    return SinkStatus(sink=name, written=0, lost=0, failing=False, last_error=None)
