"""The emit thread: measures, tracks, makes records and feeds the sinks."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.measurement import measure
from edge_irdet.errors import OutputFailedError
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.record import Record, TrackUpdate
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.latency_histogram import LatencyHistogram
from edge_irdet.stream.outputs import CountedSink
from edge_irdet.stream.policy import EMIT_CAPACITY, Delivery
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.sinks.sink import StreamInfo

PUT_SECONDS = 0.2
"""Time between two looks at whether a stream that waits for its sinks has been told to end."""

FINISH_SECONDS = 10.0
"""How long a stream that has ended waits for its sinks."""

RATE_RECORDS = 64
"""Records over which a source's rate is taken."""

RATE_SECONDS = 3.0
"""A source without a record for this long has the rate 0."""


class FrameTracker(Protocol):
    """What the pipeline needs of :class:`edge_irdet.tracking.tracker.Tracker`, one a source."""

    def update(
        self,
        capture_ns: int,
        boxes: NDArray[np.float32],
        centroids: NDArray[np.float64],
        scores: NDArray[np.float32],
        classes: NDArray[np.int64],
        *,
        discontinuity: bool = False,
        shutter: bool = False,
        size: tuple[int, int] | None = None,
    ) -> TrackUpdate:
        """Take one frame's detections."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A frame that comes out of the detector."""

    delivery: Delivery
    detections: Detections
    received_ns: int
    """When the detector got it, monotonic clock."""
    detected_ns: int
    """When the detector had finished with it."""


class SourceFigures:
    """What became of one source's frames; written by the emit thread, read by others."""

    def __init__(self) -> None:
        self.frames = 0
        self.last: Record | None = None
        self._times: deque[int] = deque(maxlen=RATE_RECORDS)

    def add(self, record: Record) -> None:
        """Count a record."""
        self.frames += 1
        self.last = record
        self._times.append(record.emit_ns)

    def rate(self, now_ns: int) -> float | None:
        """Records a second over the last ones; None before there are two."""
        times = list(self._times)
        if len(times) < 2:
            return None
        if now_ns - times[-1] > RATE_SECONDS * 1e9:
            return 0.0
        return (len(times) - 1) * 1e9 / max(1, times[-1] - times[0])


class Emitter:
    """Takes detected frames in order and hands their records to the sinks, in a thread of its own.

    The sinks are opened when the first frame comes: a stream that gives none leaves no file.

    Args:
        sinks: not yet open.
        classes: names, by class index.
        infos: what is known of each source; called when the first frame is there.
        trackers: one a source, or none at all.
        time_ns: the moment that a source's frame shows, for the trackers.
        sources: how many there are.
        on_frame: called after each frame with its record.
        on_failure: called when the stream has to end; :attr:`error` says why.
    """

    def __init__(
        self,
        sinks: Sequence[CountedSink],
        classes: tuple[str, ...],
        infos: Callable[[], Sequence[StreamInfo]],
        trackers: Sequence[FrameTracker],
        time_ns: Callable[[int, Frame], int],
        sources: int,
        on_frame: Callable[[Record], None],
        on_failure: Callable[[], None],
    ) -> None:
        self.sinks = sinks
        self.sources = [SourceFigures() for _ in range(sources)]
        self.error: BaseException | None = None
        self.latency = LatencyHistogram()
        self.detector_time = LatencyHistogram()
        self.sinks_time = LatencyHistogram()
        self.detections = 0
        self.probability: DetectionProbability | None = None
        self.started_ns = 0
        self.ended_ns = 0
        self._classes = classes
        self._infos = infos
        self._trackers = trackers
        self._time_ns = time_ns
        self._on_frame = on_frame
        self._on_failure = on_failure
        self._queue: queue.Queue[Detected | None] = queue.Queue(EMIT_CAPACITY)
        self._thread = threading.Thread(target=self._run, name="emit", daemon=True)

    @property
    def frames(self) -> int:
        """Frames that became records, of all sources."""
        return sum(figures.frames for figures in self.sources)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, detected: Detected, stopping: Callable[[], bool]) -> bool:
        """Hand a frame over; waits while the sinks are behind. After a failure it is left out.

        Args:
            detected: the frame.
            stopping: whether the stream has been told to end; then sinks that hang are not waited for.

        Returns:
            False where the sinks hang and the stream shall end.
        """
        waited = 0.0
        while True:
            try:
                self._queue.put(detected, timeout=PUT_SECONDS)
            except queue.Full:
                waited = waited + PUT_SECONDS if stopping() else 0.0
                if waited >= FINISH_SECONDS:
                    return False
            else:
                return True

    def finish(self) -> None:
        """Work off what waits, close the sinks and end; outputs that hang are left to themselves."""
        with suppress(queue.Full):
            self._queue.put(None, timeout=FINISH_SECONDS)
            self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive() and self.error is None:
            names = ", ".join(counted.sink.name for counted in self.sinks)
            self.error = OutputFailedError(
                f"the outputs ({names}) have not come to their end within {FINISH_SECONDS:.0f} s",
                "see which one waits: a pipe without a reader, a network disk that is gone",
            )

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
            self._on_failure()
            while self._queue.get() is not None:
                pass

    def _work(self) -> None:
        with ExitStack() as stack:
            opened = False
            while (item := self._queue.get()) is not None:
                if not opened:
                    self._open(stack)
                    opened = True
                    self.started_ns = item.received_ns
                self._emit(item)

    def _open(self, stack: ExitStack) -> None:
        infos = self._infos()
        for counted in self.sinks:
            counted.open(infos)
            stack.push(counted.sink.exit)

    def _emit(self, item: Detected) -> None:
        delivery, detections = item.delivery, item.detections
        frame = delivery.frame
        measured = measure(frame.image, detections.boxes)
        tracked = None
        if self._trackers:
            index = delivery.source_index
            tracked = self._trackers[index].update(
                self._time_ns(index, frame),
                detections.boxes,
                measured.centroids,
                detections.scores,
                detections.classes,
                discontinuity=frame.discontinuity,
                shutter=detections.shutter,
                size=(frame.image.shape[1], frame.image.shape[0]),
            )
        record = make_record(
            frame, detections, self._classes, time.monotonic_ns(), delivery.counts, measured, tracked
        )
        made = record.emit_ns
        for counted in self.sinks:
            counted.write(delivery.source_index, frame, record)
        self.ended_ns = time.monotonic_ns()
        self.sinks_time.add(self.ended_ns - made)
        self.latency.add(self.ended_ns - frame.capture_ns)
        self.detector_time.add(item.detected_ns - item.received_ns)
        self.sources[delivery.source_index].add(record)
        self.detections += len(detections)
        if frame.truth is not None:
            self.probability = self.probability or DetectionProbability()
            height, width = frame.image.shape
            self.probability.add(detections.boxes, frame.truth.centroids, width, height)
        self._on_frame(record)
