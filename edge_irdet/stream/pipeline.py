"""Source -> frame policy -> detector -> sinks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.stream.latency import LatencyHistogram
from edge_irdet.stream.policy import Delivery, FramePolicy, FrameQueue
from edge_irdet.stream.record import FrameCounts, Record, make_record
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.summary import Percentiles, StreamSummary

CAPTURE_JOIN_SECONDS = 2.0
"""How long a stopped stream waits for a source that sits in a read."""


class FrameDetector(Protocol):
    """What the pipeline needs of :class:`edge_irdet.detection.detector.Detector`."""

    classes: tuple[str, ...]

    def detect(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Detections:
        """Detections of one frame, in its pixels."""


@dataclass(frozen=True)
class PipelineConfig:
    """How frames flow."""

    policy: FramePolicy | None = None
    """Frame policy; None takes ``latest`` for live sources and ``lossless`` for others."""

    max_frames: int | None = None
    """End after this many frames; None goes on to the end of the source."""


class Pipeline:
    """Runs a stream: one thread captures, the caller's thread detects and feeds the sinks.

    Args:
        source: not yet open; the pipeline opens and closes it, before and after the sinks.
        detector: active.
        sinks: not yet open.
        config: policy and length.
        on_frame: called after each frame with its record, for a progress bar.
    """

    def __init__(
        self,
        source: Source,
        detector: FrameDetector,
        sinks: Sequence[Sink],
        config: PipelineConfig | None = None,
        on_frame: Callable[[Record], None] = lambda record: None,
    ) -> None:
        config = config or PipelineConfig()
        self.source = source
        self.detector = detector
        self.sinks = sinks
        self.on_frame = on_frame
        self.max_frames = config.max_frames
        self.policy = config.policy or (FramePolicy.LATEST if source.live else FramePolicy.LOSSLESS)
        self._queue = FrameQueue(self.policy)
        # A plain flag: an Event's lock is not re-entrant, and signal handlers come at any moment.
        self._stopping = False
        self._capture_error: BaseException | None = None
        self._latency = LatencyHistogram()
        self._detector_time = LatencyHistogram()
        self._sinks_time = LatencyHistogram()
        self._probability: DetectionProbability | None = None
        self._frames = 0
        self._detections = 0
        self._started_ns = 0
        self._ended_ns = 0

    def stop(self) -> None:
        """End the stream after the frames that wait; signal handlers and other threads may call it."""
        self._stopping = True
        self._queue.cancel()

    def run(self) -> StreamSummary:
        """Run to the end of the source, to ``max_frames`` or to :meth:`stop`.

        Whatever ends it, the frames captured before it are worked on and the sinks are closed, so that every
        record is written. Sinks are opened when the first frame has been detected in: a source that gives
        none, or a detector that refuses it, leaves no file.

        Raises:
            EdgeIrdetError: of the source, after the frames before it went all the way; of the detector or of
                a sink, at once. :meth:`summary` holds the figures up to there.
        """
        self.source.open()
        capture = threading.Thread(target=self._capture, name="capture", daemon=True)
        capture.start()
        try:
            self._work()
        finally:
            self.stop()
            capture.join(CAPTURE_JOIN_SECONDS)
        if self._capture_error is not None:
            raise self._capture_error
        return self.summary()

    def summary(self) -> StreamSummary:
        """The figures so far."""
        counts = self._probability.counts if self._probability is not None else None
        return StreamSummary(
            frames=self._frames,
            dropped=self._queue.dropped,
            skipped=self.source.skips.count,
            skip_reasons=tuple(self.source.skips.reasons),
            detections=self._detections,
            seconds=(self._ended_ns - self._started_ns) / 1e9,
            latency_ms=_percentiles(self._latency),
            detector_ms=_percentiles(self._detector_time),
            sinks_ms=_percentiles(self._sinks_time),
            pd=counts.pd if counts else None,
            fa=counts.fa if counts else None,
            false_alarms_per_frame=counts.false_alarms_per_image if counts else None,
        )

    def _capture(self) -> None:
        try:
            while not self._stopping:
                frame = self.source.read()
                if frame is None or not self._queue.put(frame, self.source.skips.count):
                    break
        except BaseException as error:
            self._capture_error = error
        finally:
            # Closed by the thread that reads it: closing under a read that is stuck would crash the process.
            self.source.close()
            self._queue.finish()

    def _work(self) -> None:
        with ExitStack() as stack:
            opened = False
            while self._frames != self.max_frames and (got := self._queue.get()) is not None:
                received = time.monotonic_ns()
                self._started_ns = self._started_ns or received
                detections = self.detector.detect(got.frame.image)
                detected = time.monotonic_ns()
                if not opened:
                    # Only now: a source or detector that fails on its first frame leaves no file behind.
                    self._open_sinks(stack)
                    opened = True
                self._emit(got, detections, detected)
                self._detector_time.add(detected - received)

    def _open_sinks(self, stack: ExitStack) -> None:
        info = StreamInfo(self.source.uri, self.detector.classes, self.source.rate, self.source.frame_count)
        for sink in self.sinks:
            sink.open(info)
            stack.push(sink.exit)

    def _emit(self, got: Delivery, detections: Detections, detected: int) -> None:
        frame = got.frame
        record = make_record(
            frame,
            detections,
            self.detector.classes,
            emit_ns=detected,
            counts=FrameCounts(dropped=got.dropped, skipped=got.skipped),
        )
        for sink in self.sinks:
            sink.write(frame, record)
        self._ended_ns = time.monotonic_ns()
        self._sinks_time.add(self._ended_ns - detected)
        self._latency.add(self._ended_ns - frame.capture_ns)
        self._frames += 1
        self._detections += len(detections)
        if frame.truth is not None:
            self._probability = self._probability or DetectionProbability()
            height, width = frame.image.shape
            self._probability.add(detections.boxes, frame.truth.centroids, width, height)
        self.on_frame(record)


def _percentiles(histogram: LatencyHistogram) -> Percentiles:
    return Percentiles(*(histogram.percentile_ms(percent) for percent in (50, 90, 99)))
