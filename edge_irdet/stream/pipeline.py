"""Sources -> frame policy -> detector -> tracker -> sinks, each stage in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.record import Record
from edge_irdet.stream.capture import Capture
from edge_irdet.stream.emission import Detected, Emitter, FrameTracker
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.outputs import CountedSink
from edge_irdet.stream.policy import FramePolicy, FrameQueues
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.sinks.sink import Output, Sink, StreamInfo
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.status import SourceStatus, StreamStatus
from edge_irdet.stream.summary import StreamSummary

CAPTURE_JOIN_SECONDS = 2.0
"""How long a stopped stream waits for a source that sits in a read."""

ASSUMED_RATE = 30.0
"""Frames a second of files that do not state theirs, such as folders of images: for trackers."""

CHECK_SECONDS = 0.25
"""Time between two looks at whether a source hangs."""


class FrameSession(Protocol):
    """What detects in one source's frames."""

    def detect(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Detections:
        """Detections of one frame, in its pixels."""

    def reset(self) -> None:
        """Forget what was learned from earlier frames."""


class FrameDetector(Protocol):
    """What the pipeline needs of :class:`edge_irdet.detection.detector.Detector`."""

    classes: tuple[str, ...]

    def session(self) -> FrameSession:
        """A session for one more source."""


@dataclass(frozen=True)
class PipelineConfig:
    """How frames flow."""

    policy: FramePolicy | None = None
    """Frame policy; None takes ``latest`` for live sources and ``lossless`` for others."""

    max_frames: int | None = None
    """End after this many frames of all sources together; None goes on to the end of the sources."""

    reconnection: ReconnectionConfig = field(default_factory=ReconnectionConfig)
    """How live sources that stall or fail are treated."""

    stop_on_output_failure: bool = False
    """End the stream with the first record that an output cannot take, instead of counting it as lost."""

    tracker: Callable[[], FrameTracker] | None = None
    """Makes a tracker for each source; None does not track. Time goes by ``capture_ns`` for live sources and
    by frame number and rate for files."""

    package: str = ""
    """What :meth:`Pipeline.status` names as the model package and its precision."""

    runner: str = ""
    """What :meth:`Pipeline.status` names as the runner."""


class Pipeline:
    """Runs a stream: a thread a source captures, the caller's thread detects, one thread feeds the sinks.

    The detector runs in the caller's thread: a TensorRT runner belongs to the thread that activated it.

    Args:
        sources: one or several, not yet open; the pipeline opens and closes them.
        detector: active.
        sinks: not yet open; as :class:`Output` where one is for one of several sources only.
        config: policy, length, reconnection, tracking.
        on_frame: called after each frame with its record, in the emit thread; for a progress bar.
    """

    def __init__(
        self,
        sources: Source | Sequence[Source],
        detector: FrameDetector,
        sinks: Sequence[Sink | Output],
        config: PipelineConfig | None = None,
        on_frame: Callable[[Record], None] = lambda record: None,
    ) -> None:
        self.config = config or PipelineConfig()
        self.sources = [sources] if isinstance(sources, Source) else list(sources)
        self.on_frame = on_frame
        self._detector = detector
        self._sessions = [detector.session() for _ in self.sources]
        self.policies = [
            self.config.policy or (FramePolicy.LATEST if source.live else FramePolicy.LOSSLESS)
            for source in self.sources
        ]
        self._queues = FrameQueues(self.policies)
        self._captures = [
            Capture(index, source, self._queues, self.config.reconnection, self.stop)
            for index, source in enumerate(self.sources)
        ]
        make_tracker = self.config.tracker
        self._emitter = Emitter(
            [CountedSink(_output(sink), self.config.stop_on_output_failure) for sink in sinks],
            detector.classes,
            self._infos,
            [make_tracker() for _ in self.sources] if make_tracker is not None else [],
            self._time_ns,
            len(self.sources),
            lambda record: self.on_frame(record),
            self.stop,
        )
        # A plain flag: an Event's lock is not re-entrant, and signal handlers come at any moment.
        self._stopping = False
        self._started_ns = time.monotonic_ns()

    def stop(self) -> None:
        """End the stream after the frames that wait; signal handlers and other threads may call it."""
        self._stopping = True
        for capture in self._captures:
            capture.stop()
        self._queues.cancel()

    def run(self) -> StreamSummary:
        """Run to the end of all sources, to ``max_frames`` or to :meth:`stop`.

        Whatever ends it, the frames captured before it are worked on and the sinks are closed, so that every
        record is written. Sinks are opened when the first frame has been detected in: a source that gives
        none, or a detector that refuses it, leaves no file. A live source that fails is brought back
        (:class:`ReconnectionConfig`); a record that an output cannot take is counted.

        Raises:
            EdgeIrdetError: of a source that cannot be opened at the start, or of a file, after the frames
                before it went all the way; of the detector; of an output that cannot be opened or, where the
                configuration says so, written. :meth:`summary` holds the figures up to there.
        """
        self._started_ns = time.monotonic_ns()
        ended = threading.Event()
        checker = threading.Thread(target=self._watch, args=(ended,), name="capture-check", daemon=True)
        for capture in self._captures:
            capture.start()
        self._emitter.start()
        if any(source.live for source in self.sources):
            checker.start()
        try:
            self._detect()
        finally:
            ended.set()
            self.stop()
            self._emitter.finish()
            for capture in self._captures:
                capture.join(CAPTURE_JOIN_SECONDS)
        for error in [self._emitter.error, *(capture.error for capture in self._captures)]:
            if error is not None:
                raise error
        return self.summary()

    def summary(self) -> StreamSummary:
        """The figures so far."""
        emitter = self._emitter
        counts = emitter.probability.counts if emitter.probability is not None else None
        return StreamSummary(
            frames=emitter.frames,
            dropped=sum(self._queues.dropped(index) for index in range(len(self.sources))),
            missed=sum(capture.missed for capture in self._captures),
            skipped=sum(capture.skipped for capture in self._captures),
            skip_reasons=tuple(
                reason for capture in self._captures for reason in capture.source.skips.reasons
            ),
            interruptions=sum(capture.interruptions for capture in self._captures),
            detections=emitter.detections,
            seconds=(emitter.ended_ns - emitter.started_ns) / 1e9,
            sinks=tuple(sink.status() for sink in emitter.sinks),
            latency_ms=emitter.latency.percentiles(),
            detector_ms=emitter.detector_time.percentiles(),
            sinks_ms=emitter.sinks_time.percentiles(),
            pd=counts.pd if counts else None,
            fa=counts.fa if counts else None,
            false_alarms_per_frame=counts.false_alarms_per_image if counts else None,
        )

    def status(self) -> StreamStatus:
        """The stream now; any thread may ask."""
        now = time.monotonic_ns()
        emitter = self._emitter
        return StreamStatus(
            package=self.config.package,
            runner=self.config.runner,
            started_ns=self._started_ns,
            now_ns=now,
            last_record_ns=max(
                (figures.last.emit_ns for figures in emitter.sources if figures.last is not None),
                default=None,
            ),
            sources=[self._source_status(index, now) for index in range(len(self.sources))],
            sinks=[sink.status() for sink in emitter.sinks],
            latency_ms=emitter.latency.percentiles(),
            detector_ms=emitter.detector_time.percentiles(),
            sinks_ms=emitter.sinks_time.percentiles(),
        )

    def _source_status(self, index: int, now: int) -> SourceStatus:
        capture, figures = self._captures[index], self._emitter.sources[index]
        last = figures.last
        return SourceStatus(
            source=capture.uri,
            state=capture.state,
            since_ns=capture.since_ns,
            frames=figures.frames,
            dropped=self._queues.dropped(index),
            missed=capture.missed,
            skipped=capture.skipped,
            interruptions=capture.interruptions,
            fps=figures.rate(now),
            width=last.width if last is not None else 0,
            height=last.height if last is not None else 0,
            pixel_format=last.pixel_format if last is not None else "",
            last_capture_ns=last.capture_ns if last is not None else None,
            last_error=capture.last_error,
        )

    def _infos(self) -> list[StreamInfo]:
        return [
            StreamInfo(source.uri, self._detector.classes, source.rate, source.frame_count)
            for source in (capture.source for capture in self._captures)
        ]

    def _time_ns(self, index: int, frame: Frame) -> int:
        source = self._captures[index].source
        if source.live:
            return frame.capture_ns
        # A file is read faster or slower than it was recorded; its own rate says how its targets move.
        return round(frame.sequence * 1e9 / (source.rate or ASSUMED_RATE))

    def _detect(self) -> None:
        given = 0
        interruptions = [0] * len(self.sources)
        while given != self.config.max_frames and (delivery := self._queues.get()) is not None:
            received = time.monotonic_ns()
            index = delivery.source_index
            session = self._sessions[index]
            if delivery.counts.interruptions != interruptions[index]:
                interruptions[index] = delivery.counts.interruptions
                session.reset()
            detections = session.detect(delivery.frame.image)
            detected = Detected(delivery, detections, received, time.monotonic_ns())
            if not self._emitter.put(detected, lambda: self._stopping):
                break
            given += 1

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(CHECK_SECONDS):
            for capture in self._captures:
                capture.check()


def _output(sink: Sink | Output) -> Output:
    return sink if isinstance(sink, Output) else Output(sink)
