"""What a tracker is worth on labelled sequences: the CLEAR MOT and identity metrics, by centre distance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tracking_data import LabelledSequence, TrackedFrame

from edge_irdet.errors import ExtraMissingError
from edge_irdet.errors.installation import install_step

SAME_TARGET = 5.0
"""Greatest distance of a track from its target's labelled centre, pixels: the labels are loose boxes."""

Follow = Callable[[TrackedFrame], tuple[Sequence[int], NDArray[np.float64]]]
"""A tracker at work: a frame in, numbers and centres [k, 2] of the tracks it reports out."""


@dataclass(frozen=True)
class TrackingScore:
    """CLEAR MOT (Bernardin, Stiefelhagen 2008) and IDF1 (Ristani and others 2016), all sequences together."""

    mota: float
    """1 - (misses + false positives + switches) / targets; below 0 where errors outnumber targets."""

    idf1: float
    """F1 of targets that carry the one number that suits their identity best."""

    switches: int
    """Changes of the number of a target."""

    false_positives: int
    """Reported tracks that are at no target."""

    misses: int
    """Targets, frame by frame, without a track."""

    fragmentations: int
    """Times at which a target's track was interrupted."""

    targets: int
    """Targets, frame by frame."""

    frames: int
    """Frames."""

    median_ms: float
    """Median time of the tracker for a frame."""


def score(
    sequences: Sequence[LabelledSequence], start: Callable[[LabelledSequence], Follow]
) -> TrackingScore:
    """Run a tracker, started anew for each, over sequences.

    Raises:
        ExtraMissingError: motmetrics is not installed.
    """
    motmetrics = _motmetrics()
    accumulators, times = [], []
    for sequence in sequences:
        follow = start(sequence)
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for frame in sequence.frames:
            started = time.perf_counter()
            numbers, centres = follow(frame)
            times.append(time.perf_counter() - started)
            offsets = frame.true_centres[:, None, :] - centres[None, :, :]
            distances = np.hypot(offsets[..., 0], offsets[..., 1])
            distances[distances > SAME_TARGET] = np.nan  # motmetrics' sign of an impossible pair
            accumulator.update(frame.true_ids.tolist(), list(numbers), distances)
        accumulators.append(accumulator)
    names = {
        "mota": "mota",
        "idf1": "idf1",
        "num_switches": "switches",
        "num_false_positives": "false_positives",
        "num_misses": "misses",
        "num_fragmentations": "fragmentations",
        "num_objects": "targets",
        "num_frames": "frames",
    }
    table = motmetrics.metrics.create().compute_many(
        accumulators, metrics=list(names), names=[s.name for s in sequences], generate_overall=True
    )
    values = {name: table.loc["OVERALL", key] for key, name in names.items()}
    return TrackingScore(
        **{
            name: round(float(value), 4) if name in ("mota", "idf1") else int(value)
            for name, value in values.items()
        },
        median_ms=round(1e3 * float(np.median(times)), 3),
    )


def _motmetrics() -> Any:
    try:
        import motmetrics
    except ImportError as error:
        raise ExtraMissingError(
            "motmetrics is not installed", f"{install_step('dev')}, or pip install motmetrics"
        ) from error
    return motmetrics
