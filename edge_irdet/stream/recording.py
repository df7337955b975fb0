"""From a frame and its detections to the frame's record."""

from __future__ import annotations

import math

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.measurement import TargetMeasurements
from edge_irdet.record import DetectionRecord, FrameCounts, Record, TrackUpdate
from edge_irdet.stream.frame import Frame


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
