"""What the tracker's tests feed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge_irdet.record import TrackUpdate
from edge_irdet.tracking import Tracker

FRAME_NS = 33_333_333
"""30 frames a second."""


def feed(
    tracker: Tracker,
    capture_ns: int,
    places: Sequence[Sequence[float]],
    scores: Sequence[float] | None = None,
    side: float = 4.0,
    **said: Any,
) -> TrackUpdate:
    """A frame with square boxes around the places."""
    centroids = np.array(places, np.float64).reshape(-1, 2)
    with np.errstate(over="ignore"):  # some tests ask for places that no float32 can hold
        boxes = np.concatenate([centroids - side / 2, centroids + side / 2], axis=1).astype(np.float32)
    found = np.full(len(centroids), 0.9) if scores is None else np.array(scores)
    classes = np.zeros(len(centroids), np.int64)
    return tracker.update(capture_ns, boxes, centroids, found.astype(np.float32), classes, **said)
