"""Sources -> frame policy -> detector -> tracker -> sinks, each stage in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.capture import Capture
from edge_irdet.stream.delivery import Detected
from edge_irdet.stream.emission import Emitter
from edge_irdet.stream.health import HealthLimits
from edge_irdet.stream.outputs import CountedSink
from edge_irdet.stream.pace import Pace
from edge_irdet.stream.policy import FramePolicy, FrameQueues
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.recording import FrameTracker, RecordMaker
from edge_irdet.stream.sinks.sink import Output, Sink
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.status import StreamStatus
from edge_irdet.stream.summary import StreamSummary

CAPTURE_JOIN_SECONDS = 2.0
"""How long a stopped stream waits for a source that sits in a read."""

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

    @property
    def description(self) -> DetectorDescription:
        """Package, precision and runtime, for status, page and metrics."""

    def session(self) -> FrameSession:
        """A session for one more source."""


@dataclass(frozen=True)
class PipelineConfig:
    """How frames flow."""

    policy: FramePolicy | None = None
    """Frame policy; None takes ``latest`` for live sources and ``lossless`` for others."""

    pace: Pace = Pace.FREE
    """How fast the frames of files, folders and scenes are handed out."""

    max_frames: int | None = None
    """End after this many frames of all sources together; None goes on to the end of the sources."""

    reconnection: ReconnectionConfig = field(default_factory=ReconnectionConfig)
    """How live sources that stall or fail are treated."""

    health: HealthLimits = field(default_factory=HealthLimits)
    """What counts as alive, healthy and degraded."""

    stop_on_output_failure: bool = False
    """End the stream with the first record that an output cannot take, instead of counting it as lost."""

    tracker: Callable[[], FrameTracker] | None = None
    """Makes a tracker for each source; None does not track. Time goes by ``capture_ns`` for live sources and
    by frame number and rate for files."""

    def __post_init__(self) -> None:
        try:
            # Text that names a value is that value: taken as another one, it would change what is dropped.
            object.__setattr__(self, "policy", None if self.policy is None else FramePolicy(self.policy))
            object.__setattr__(self, "pace", Pace(self.pace))
        except ValueError as error:
            choices = [", ".join(one.value for one in kind) for kind in (FramePolicy, Pace)]
            raise OptionError(
                f"a pipeline was configured with what there is not: {error}",
                f"choose the policy from {choices[0]} and the pace from {choices[1]}",
            ) from None
        tracker: object = self.tracker
        if tracker is not None and not callable(tracker):
            raise OptionError(
                f"the tracker is a {type(tracker).__name__}, and each source needs one of its own",
                "give what makes them: PipelineConfig(tracker=Tracker)",
            )
        frames: object = self.max_frames
        if frames is not None and (not isinstance(frames, int) or isinstance(frames, bool) or frames < 1):
            # No count of frames equals text or a negative number: the stream would not end.
            raise OptionError(
                f"max_frames is {frames!r}",
                "give a whole number from 1, or None for all frames",
            )


class Pipeline:
    """Runs a stream: one thread per source captures, the caller's thread detects, one thread feeds the sinks.

    The detector runs in the caller's thread: a TensorRT runner belongs to the thread that activated it.

    Args:
        sources: one or several, not yet open; the pipeline opens and closes them.
        detector: active.
        sinks: none, one or several, not yet open; as :class:`Output` where one is for one of several sources
            only.
        config: policy, length, reconnection, tracking.

    Raises:
        OptionError: there is no source, a source or sink was given twice, an output is for a source that is
            not there, or a sink belongs to another pipeline.
    """

    def __init__(
        self,
        sources: Source | Sequence[Source],
        detector: FrameDetector,
        sinks: Sink | Output | Sequence[Sink | Output] = (),
        config: PipelineConfig | None = None,
    ) -> None:
        self.config = config or PipelineConfig()
        self.sources = [sources] if isinstance(sources, Source) else list(sources)
        for source in self.sources:
            _require(source, Source, "a source", "open_source(URI)")
        _require_distinct(self.sources, "source")
        if not self.sources:
            raise OptionError("a stream needs a source", "give it one: open_source('synthetic:')")
        self.board = StreamBoard(detector.description, self.config.health)
        """How the stream is, for a health file or a program of one's own; sinks get it by themselves."""
        self._detector = detector
        self._sessions = [detector.session() for _ in self.sources]
        self.policies = [
            self.config.policy or (FramePolicy.LATEST if source.live else FramePolicy.LOSSLESS)
            for source in self.sources
        ]
        entries = [self.board.add_source(source.uri, source.live) for source in self.sources]
        self._queues = FrameQueues(self.policies, entries)
        self._captures = [
            Capture(source, entry, self._queues, self.config.reconnection, self.stop, self.config.pace)
            for source, entry in zip(self.sources, entries, strict=True)
        ]
        outputs = _outputs(sinks, len(self.sources))
        for output in outputs:
            output.sink.attach(self.board)
        counted = [
            CountedSink(output, self.board.add_sink(output.sink.name), self.config.stop_on_output_failure)
            for output in outputs
        ]
        records = RecordMaker(detector.classes, entries, self.config.tracker)
        self._emitter = Emitter(records, counted, self.board, self.stop)
        # A plain flag: an Event's lock is not re-entrant, and signal handlers come at any moment.
        self._stopping = False
        self._ran = False

    def stop(self) -> None:
        """End the stream after the frames that wait; signal handlers and other threads may call it."""
        if self._stopping:
            return  # a signal may come while stop() is at work for another one, in the same thread
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
            OptionError: it ran before; a pipeline runs once.
            EdgeIrdetError: of a source that cannot be opened at the start, or of a file, after the frames
                before it went all the way; of the detector; of an output that cannot be opened or, where the
                configuration says so, written. :meth:`summary` holds the figures up to there.
        """
        if self._ran:
            raise OptionError("this pipeline has run already", "make another Pipeline for another run")
        self._ran = True
        self.board.start()
        ended = threading.Event()
        checker = threading.Thread(
            target=self._check_captures, args=(ended,), name="capture-check", daemon=True
        )
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
        """The figures so far; any thread may ask."""
        return self.board.summary()

    def status(self) -> StreamStatus:
        """The stream now; any thread may ask."""
        return self.board.status()

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

    def _check_captures(self, ended: threading.Event) -> None:
        while not ended.wait(CHECK_SECONDS):
            for capture in self._captures:
                capture.check()


def _require(value: object, kind: type, what: str, made_by: str) -> None:
    if not isinstance(value, kind):
        # Its text stays out of the message: a URI may hold credentials.
        raise OptionError(f"a pipeline got a {type(value).__name__} for {what}", f"open it first: {made_by}")


def _outputs(sinks: Sink | Output | Sequence[Sink | Output], sources: int) -> list[Output]:
    given = [sinks] if isinstance(sinks, (Sink, Output)) else sinks
    outputs = [sink if isinstance(sink, Output) else Output(sink) for sink in given]
    for output in outputs:
        _require(output.sink, Sink, "an output", "open_sink(OUTPUT)")
        if output.source_index is not None and not 0 <= output.source_index < sources:
            raise OptionError(
                f"the output {output.sink.name} is for source {output.source_index}, and there are {sources}",
                "count sources from 0",
            )
    _require_distinct([output.sink for output in outputs], "output")
    return outputs


def _require_distinct(objects: Sequence[Source] | Sequence[Sink], what: str) -> None:
    """Refuse one object given twice: two threads would open, use and close it."""
    if len({id(one) for one in objects}) != len(objects):
        raise OptionError(f"one {what} was given twice", f"open one object for each {what}")
