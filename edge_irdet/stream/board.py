"""The board of a running stream: captures, queues and the emit thread write on it, everybody else reads it.

The page, the metrics, the health file, the summary and the progress bar all read here, so they cannot
disagree, and none of them has to know the pipeline.

Thread safety: one lock guards the whole board. Every method takes it for microseconds, so any thread may call
any method at any time, and a reader gets all counters of one moment. A single attribute (``entry.state``,
``entry.losses``) may be read without a method; only the methods write. Signal handlers must not call a
method: they would wait for the thread they interrupted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

import msgspec

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.record import LossCounts, Record
from edge_irdet.stream.delivery import Detected
from edge_irdet.stream.health import HealthLimits
from edge_irdet.stream.latency_histogram import LatencyHistogram
from edge_irdet.stream.loss_window import LossWindow
from edge_irdet.stream.status import Percentiles, SinkStatus, SourceState, SourceStatus, StreamStatus
from edge_irdet.stream.summary import StreamSummary
from edge_irdet.stream.uri import redact_text, redact_uri

RATE_RECORDS = 64
"""Records over which a source's rate is taken."""

RATE_SECONDS = 3.0
"""A source without a record for this long has the rate 0."""


class SourceEntry:
    """One source on the board; :meth:`StreamBoard.add_source` makes it.

    Written by the source's capture thread (state, losses), its queue (drops) and the emit thread (records).
    """

    def __init__(self, lock: threading.Lock, index: int, uri: str, live: bool, limits: HealthLimits) -> None:
        self.index = index
        """Its place among the stream's sources, from 0."""
        self.uri = uri
        """URI without credentials; the second source of the same one has `` #2`` behind it, and so on."""
        self.live = live
        """Whether frames come in real time."""
        self.rate: float | None = None
        """Frames per second that the source states, None where it does not."""
        self.frame_count: int | None = None
        """Frames that the source says it has, None where it cannot know."""
        self.state = SourceState.CONNECTING
        """Where it is between its start and its end."""
        self.since_ns = time.monotonic_ns()
        """When it came to this state, monotonic clock."""
        self.last_error: str | None = None
        """Why it was lost the last time."""
        self.frames = 0
        """Frames that became records."""
        self.losses = LossCounts()
        """What it has lost; another object after each loss, so it may be kept."""
        self.skip_reasons: tuple[str, ...] = ()
        """The first skipped frames, each with its name and reason."""
        self._lock = lock
        self._last: Record | None = None
        self._times: deque[int] = deque(maxlen=RATE_RECORDS)
        self._window = LossWindow(limits.degraded_seconds)

    def describe(self, rate: float | None, frame_count: int | None) -> None:
        """Say what the source states about itself; known once it is open."""
        with self._lock:
            self.rate, self.frame_count = rate, frame_count

    def enter(self, state: SourceState, error: str | None = None) -> None:
        """Come to a state; one that it is in already keeps its time.

        Args:
            state: the state.
            error: why it was lost; None keeps the last reason.
        """
        with self._lock:
            if error is not None:
                self.last_error = redact_text(error)
            if state is not self.state:
                self.state, self.since_ns = state, time.monotonic_ns()

    def set_losses(self, skipped: int, missed: int) -> None:
        """Say what its capture has lost so far, all sessions together."""
        with self._lock:
            if (skipped, missed) != (self.losses.skipped, self.losses.missed):
                self._window.note(time.monotonic_ns(), *self._given_and_lost())
                self.losses = msgspec.structs.replace(self.losses, skipped=skipped, missed=missed)

    def name_skips(self, reasons: Sequence[str]) -> None:
        """Say which frames were skipped first, each with its reason."""
        with self._lock:
            self.skip_reasons = tuple(reasons)

    def count_interruption(self) -> None:
        """Count a return after a loss."""
        with self._lock:
            interruptions = self.losses.interruptions + 1
            self.losses = msgspec.structs.replace(self.losses, interruptions=interruptions)

    def count_dropped(self) -> None:
        """Count a frame that gave way to a newer one."""
        with self._lock:
            self.losses = msgspec.structs.replace(self.losses, dropped=self.losses.dropped + 1)

    def count_record(self, record: Record) -> None:
        """Count a frame that became a record."""
        with self._lock:
            self._window.note(time.monotonic_ns(), *self._given_and_lost())
            self.frames += 1
            self._last = record
            self._times.append(record.emit_ns)

    def status(self, now_ns: int) -> SourceStatus:
        """The source now."""
        with self._lock:
            return self._status(now_ns)

    def _status(self, now_ns: int) -> SourceStatus:
        last = self._last
        return SourceStatus(
            source=self.uri,
            state=self.state,
            since_ns=self.since_ns,
            frames=self.frames,
            fps=self._fps(now_ns),
            width=0 if last is None else last.width,
            height=0 if last is None else last.height,
            pixel_format="" if last is None else last.pixel_format,
            last_capture_ns=None if last is None else last.capture_ns,
            last_error=self.last_error,
            degraded=self._window.mostly_lost(now_ns, *self._given_and_lost()),
            **msgspec.structs.asdict(self.losses),
        )

    def _given_and_lost(self) -> tuple[int, int]:
        # A dropped frame was given; that it gave way to a newer one is the policy that was asked for.
        return self.frames + self.losses.dropped, self.losses.skipped + self.losses.missed

    def _fps(self, now_ns: int) -> float | None:
        times = self._times
        if len(times) < 2:
            return None
        if now_ns - times[-1] > RATE_SECONDS * 1e9:
            return 0.0
        return (len(times) - 1) * 1e9 / max(1, times[-1] - times[0])

    def _last_record_ns(self) -> int | None:
        return None if self._last is None else self._last.emit_ns


class SinkEntry:
    """One sink on the board; :meth:`StreamBoard.add_sink` makes it. Written by the emit thread."""

    def __init__(self, lock: threading.Lock, name: str, limits: HealthLimits) -> None:
        self.name = name
        """Its name, without credentials; the second sink of the same one has `` #2`` behind it."""
        self.written = 0
        """Records it took."""
        self.refused = 0
        """Records it could not take."""
        self.lost_later = 0
        """Records it took and lost on their way."""
        self.failing = False
        """Whether it failed to take the last record."""
        self.last_loss_ns: int | None = None
        """When it last lost a record, monotonic clock."""
        self.last_error: str | None = None
        """Why it failed the last time."""
        self.file: str | None = None
        """The file it writes, where that has a name of its own."""
        self._lock = lock
        self._degraded_ns = round(limits.degraded_seconds * 1e9)

    @property
    def offered(self) -> int:
        """Records it was given."""
        return self.written + self.refused

    @property
    def lost(self) -> int:
        """Records it could not take, or took and lost on their way."""
        return self.refused + self.lost_later

    def count_written(self) -> None:
        """Count a record that it took."""
        with self._lock:
            self.written += 1
            self.failing = False

    def count_refused(self, error: str) -> None:
        """Count a record that it could not take.

        Args:
            error: why.
        """
        with self._lock:
            self.refused += 1
            self.failing = True
            self.last_loss_ns = time.monotonic_ns()
            self.last_error = redact_text(error)

    def set_lost_later(self, count: int) -> None:
        """Say how many records it took and lost on their way, so far."""
        with self._lock:
            if count > self.lost_later:
                self.last_loss_ns = time.monotonic_ns()
            self.lost_later = count

    def set_file(self, file: str | None) -> None:
        """Say which file it writes now."""
        with self._lock:
            self.file = file

    def status(self, now_ns: int) -> SinkStatus:
        """The sink now."""
        with self._lock:
            return self._status(now_ns)

    def _status(self, now_ns: int) -> SinkStatus:
        return SinkStatus(
            sink=self.name,
            offered=self.offered,
            written=self.written,
            lost=self.lost,
            failing=self.failing,
            last_loss_ns=self.last_loss_ns,
            degraded=self._is_degraded(now_ns),
            last_error=self.last_error,
            file=self.file,
        )

    def _is_degraded(self, now_ns: int) -> bool:
        last = self.last_loss_ns
        return self.failing or (last is not None and now_ns - last <= self._degraded_ns)


class StreamBoard:
    """What a stream is doing, in one place: ``pipeline.board``.

    Names on it are unique and, like its texts, free of credentials, whoever wrote them.

    A pipeline makes its board first and shows it to each of its sinks
    (:meth:`edge_irdet.stream.sinks.sink.Sink.attach`), so a sink can tell how the stream is, as the preview
    does.

    Args:
        detector: what detects.
        limits: what counts as alive, healthy and degraded; None takes the defaults.
    """

    def __init__(self, detector: DetectorDescription, limits: HealthLimits | None = None) -> None:
        self.detector = detector
        """What detects."""
        self.limits = limits or HealthLimits()
        """What counts as alive, healthy and degraded; whoever judges the stream goes by them."""
        self.sources: list[SourceEntry] = []
        """In the order in which they were added."""
        self.sinks: list[SinkEntry] = []
        """In the order in which they were added."""
        self._lock = threading.Lock()
        self._started_ns = time.monotonic_ns()
        self._first_received_ns = 0
        self._last_emitted_ns = 0
        self._detections = 0
        self._latency = LatencyHistogram()
        self._detector_time = LatencyHistogram()
        self._sinks_time = LatencyHistogram()
        self._degraded: tuple[str, ...] = ()

    def add_source(self, uri: str, live: bool = False) -> SourceEntry:
        """Put a source on the board.

        Args:
            uri: of the source.
            live: whether its frames come in real time.
        """
        with self._lock:
            name = _unique(redact_uri(uri), [entry.uri for entry in self.sources])
            entry = SourceEntry(self._lock, len(self.sources), name, live, self.limits)
            self.sources.append(entry)
            return entry

    def add_sink(self, name: str) -> SinkEntry:
        """Put a sink on the board.

        Args:
            name: of the sink.
        """
        with self._lock:
            unique = _unique(redact_uri(name), [entry.name for entry in self.sinks])
            entry = SinkEntry(self._lock, unique, self.limits)
            self.sinks.append(entry)
            return entry

    def start(self) -> None:
        """The stream starts now."""
        with self._lock:
            self._started_ns = time.monotonic_ns()

    def count_times(self, detected: Detected, made_ns: int, ended_ns: int) -> None:
        """Count one frame's way through the stream; all times are of the monotonic clock.

        Args:
            detected: the frame with its own times.
            made_ns: when its record was made.
            ended_ns: when every sink had it.
        """
        with self._lock:
            self._first_received_ns = self._first_received_ns or detected.received_ns
            self._last_emitted_ns = ended_ns
            self._detections += len(detected.detections)
            self._latency.add(ended_ns - detected.delivery.frame.capture_ns)
            self._detector_time.add(detected.detected_ns - detected.received_ns)
            self._sinks_time.add(ended_ns - made_ns)

    def degraded_outputs(self) -> tuple[str, ...]:
        """Names of the outputs that fail or have lost a record of late, in the order of :attr:`sinks`.

        For every frame: the same tuple comes back while nothing changes.
        """
        now_ns = time.monotonic_ns()
        with self._lock:
            place = 0
            for entry in self.sinks:
                if entry._is_degraded(now_ns):
                    if place >= len(self._degraded) or self._degraded[place] != entry.name:
                        break
                    place += 1
            else:
                if place == len(self._degraded):
                    return self._degraded
            self._degraded = tuple(entry.name for entry in self.sinks if entry._is_degraded(now_ns))
            return self._degraded

    def status(self) -> StreamStatus:
        """The stream now."""
        latency_ms, detector_ms, sinks_ms = self._percentiles()
        now = time.monotonic_ns()
        with self._lock:
            emitted = [entry._last_record_ns() for entry in self.sources]
            return StreamStatus(
                detector=self.detector,
                started_ns=self._started_ns,
                now_ns=now,
                last_record_ns=max((one for one in emitted if one is not None), default=None),
                sources=[entry._status(now) for entry in self.sources],
                sinks=[entry._status(now) for entry in self.sinks],
                latency_ms=latency_ms,
                detector_ms=detector_ms,
                sinks_ms=sinks_ms,
            )

    def summary(self) -> StreamSummary:
        """The stream's figures from its start to now."""
        latency_ms, detector_ms, sinks_ms = self._percentiles()
        now = time.monotonic_ns()
        with self._lock:
            losses = {
                name: sum(getattr(entry.losses, name) for entry in self.sources)
                for name in LossCounts.__struct_fields__
            }
            return StreamSummary(
                frames=sum(entry.frames for entry in self.sources),
                skip_reasons=tuple(reason for entry in self.sources for reason in entry.skip_reasons),
                live=any(entry.live for entry in self.sources),
                detections=self._detections,
                seconds=(self._last_emitted_ns - self._first_received_ns) / 1e9,
                sinks=tuple(entry._status(now) for entry in self.sinks),
                latency_ms=latency_ms,
                detector_ms=detector_ms,
                sinks_ms=sinks_ms,
                **losses,
            )

    def _percentiles(self) -> tuple[Percentiles, Percentiles, Percentiles]:
        # Without the lock: it takes a tenth of a millisecond, and one frame more or less changes nothing.
        return (
            self._latency.percentiles(),
            self._detector_time.percentiles(),
            self._sinks_time.percentiles(),
        )


def _unique(name: str, taken: Sequence[str]) -> str:
    """The name, numbered where it is taken: records and series of two sources must not be mixed up."""
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} #{number}"
    return unique
