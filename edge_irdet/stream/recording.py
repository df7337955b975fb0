"""From a frame and its detections to the frame's record: measures, tracks, puts together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.measurement import TargetMeasurements, measure
from edge_irdet.record import DetectionRecord, FrameCounts, Record, TrackUpdate
from edge_irdet.stream.board import SourceEntry
from edge_irdet.stream.delivery import Detected
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.pace import ASSUMED_RATE


class FrameTracker(Protocol):
    """What a stream needs of :class:`edge_irdet.tracking.tracker.Tracker`, one per source."""

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


class RecordMaker:
    """Makes the records of all sources of a stream, in order.

    Args:
        classes: names, by class index.
        sources: what is known of each source.
        make_tracker: makes a tracker for each source; None does not track.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        sources: Sequence[SourceEntry],
        make_tracker: Callable[[], FrameTracker] | None,
    ) -> None:
        self.classes = classes
        self._sources = sources
        self._trackers = [] if make_tracker is None else [make_tracker() for _ in sources]

    def make(self, detected: Detected) -> Record:
        """The record of one frame."""
        delivery, detections = detected.delivery, detected.detections
        frame, index = delivery.frame, delivery.source_index
        measured = measure(frame.image, detections.boxes)
        tracked = None
        if self._trackers:
            tracked = self._trackers[index].update(
                _shown_ns(self._sources[index], frame),
                detections.boxes,
                measured.centroids,
                detections.scores,
                detections.classes,
                discontinuity=frame.discontinuity,
                shutter=detections.shutter,
                size=(frame.image.shape[1], frame.image.shape[0]),
            )
        emit_ns = time.monotonic_ns()
        return make_record(frame, detections, self.classes, emit_ns, delivery.counts, measured, tracked)


def _shown_ns(source: SourceEntry, frame: Frame) -> int:
    """The moment that a frame shows."""
    if source.live:
        return frame.capture_ns
    # A file is read faster or slower than it was recorded; its own rate says how its targets move.
    return round(frame.sequence * 1e9 / (source.rate or ASSUMED_RATE))


def make_record(
    frame: Frame,
    detections: Detections,
    classes: tuple[str, ...],
    emit_ns: int,
    counts: FrameCounts,
    measured: TargetMeasurements | None = None,
    tracked: TrackUpdate | None = None,
) -> Record:
    """Put what is known about a frame into a record; without measurements a centroid is its box's middle."""
    places = (detections.centres if measured is None else measured.centroids).tolist()
    ratios = [math.nan] * len(detections) if measured is None else measured.scr.tolist()
    identities = [None] * len(detections) if tracked is None else tracked.track_ids
    rows = zip(
        detections.boxes.tolist(),
        detections.scores.tolist(),
        detections.classes.tolist(),
        places,
        ratios,
        identities,
        strict=True,
    )
    return Record(
        source=frame.source,
        sequence=frame.sequence,
        capture_ns=frame.capture_ns,
        emit_ns=emit_ns,
        width=frame.image.shape[1],
        height=frame.image.shape[0],
        pixel_format=frame.pixel_format.value,
        dropped=counts.dropped,
        skipped=counts.skipped,
        missed=counts.missed,
        interruptions=counts.interruptions,
        queued=counts.queued,
        discontinuity=frame.discontinuity,
        shutter=detections.shutter,
        detections=[
            DetectionRecord(
                box=tuple(box),
                score=score,
                class_id=class_id,
                class_name=classes[class_id],
                centroid=tuple(place),
                scr=None if math.isnan(ratio) else ratio,
                track_id=track_id,
            )
            for box, score, class_id, place, ratio, track_id in rows
        ],
        tracks=None if tracked is None else tracked.tracks,
    )
