"""All tracks of a tracker as rows of one array, so that each step is an array operation for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.record import TrackRecord, TrackState
from edge_irdet.tracking.motion import correct, predict

NO_DETECTION = -1
ON_TRIAL = 0
"""Number of a track that is not confirmed."""

_ROW = np.dtype(
    [
        ("position", np.float64, 2),
        ("velocity", np.float64, 2),
        ("covariance", np.float64, 3),
        ("half_size", np.float64, 2),
        ("score", np.float64),
        ("unseen_seconds", np.float64),
        ("track_id", np.int64),
        ("class_id", np.int64),
        ("hits", np.int64),
        ("missed", np.int64),
        ("frames", np.int64),
        ("detection", np.int64),
    ]
)

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FrameDetections:
    """What a detector found in one frame, as :class:`~edge_irdet.tracking.tracker.Tracker` got it."""

    boxes: NDArray[np.float32]
    """[n, 4]."""

    centroids: NDArray[np.float64]
    """[n, 2]."""

    scores: NDArray[np.float32]
    """[n]."""

    classes: NDArray[np.int64]
    """[n]."""


class TrackTable:
    """Tracks in the order in which they began; :attr:`rows` is the array of those that live.

    Fields of a row: ``position`` and ``velocity`` [2], pixels and px/s; ``covariance`` [3] as in
    :func:`~edge_irdet.tracking.motion.predict`; ``half_size`` [2] of its last box, pixels; ``score``
    and ``class_id`` of its last detection; ``unseen_seconds``, which count towards its end; ``track_id``, 0
    until it is confirmed; ``hits`` and ``missed`` as in the record; ``frames`` since it began, its first
    included; ``detection``, the index of what it took in this frame, or -1.

    Args:
        capacity: at most this many tracks.
        variance: of a measured place on each axis, px^2.
        density: of the acceleration's noise, px^2/s^3.
    """

    def __init__(self, capacity: int, variance: float, density: float) -> None:
        self._storage = np.zeros(capacity, _ROW)
        self._variance = variance
        self._density = density
        self.rows: NDArray[Any] = self._storage[:0]

    @property
    def free(self) -> int:
        """Tracks that may still begin."""
        return len(self._storage) - len(self.rows)

    def clear(self) -> None:
        """End all tracks."""
        self.rows = self._storage[:0]

    def keep(self, good: NDArray[np.bool_]) -> None:
        """End the tracks that are not ``good`` [len(rows)]."""
        if not good.all():
            kept = self.rows[good]
            self._storage[: len(kept)] = kept
            self.rows = self._storage[: len(kept)]

    def predict(self, seconds: float) -> None:
        """Move all tracks on."""
        rows = self.rows
        if len(rows) and seconds > 0.0:
            predict(rows["position"], rows["velocity"], rows["covariance"], seconds, self._density)

    def innovation_variance(self) -> NDArray[np.float64]:
        """[len(rows)] variance, on each axis, of a measured place around the predicted one, px^2."""
        variance: NDArray[np.float64] = self.rows["covariance"][:, 0] + self._variance
        return variance

    def give(self, which: Rows, found: FrameDetections, taken: Rows) -> None:
        """Give the tracks ``which`` [k] the detections ``taken`` [k]."""
        rows = self.rows[which]
        measured = found.centroids[taken]
        correct(rows["position"], rows["velocity"], rows["covariance"], measured, self._variance)
        _describe(rows, found, taken)
        rows["hits"] += 1
        self.rows[which] = rows

    def begin(self, speed: float, found: FrameDetections, taken: Rows) -> None:
        """Begin a track at each of the detections ``taken`` [k], at most :attr:`free`.

        Args:
            speed: standard deviation of a new track's unknown velocity on each axis, px/s.
            found: the frame's detections.
            taken: indices of them.
        """
        first = len(self.rows)
        rows = self._storage[first : first + len(taken)]
        rows["position"] = found.centroids[taken]
        rows["velocity"] = 0.0
        rows["covariance"] = self._variance, 0.0, speed * speed
        rows["track_id"] = ON_TRIAL
        rows["hits"] = rows["frames"] = 1
        _describe(rows, found, taken)
        self.rows = self._storage[: first + len(taken)]

    def records(self) -> list[TrackRecord]:
        """The confirmed tracks by number."""
        rows = self.rows[self.rows["track_id"] != ON_TRIAL]
        if not len(rows):
            return []
        rows = rows[np.argsort(rows["track_id"])]
        half = rows["half_size"]
        boxes = np.concatenate([rows["position"] - half, rows["position"] + half], axis=1)
        fields = zip(
            rows["track_id"].tolist(),
            rows["position"].tolist(),
            rows["velocity"].tolist(),
            np.sqrt(rows["covariance"][:, 0]).tolist(),
            boxes.tolist(),
            rows["class_id"].tolist(),
            rows["score"].tolist(),
            rows["hits"].tolist(),
            rows["missed"].tolist(),
            strict=True,
        )
        return [
            TrackRecord(
                track_id=track_id,
                state=TrackState.COASTING if missed else TrackState.CONFIRMED,
                centre=tuple(centre),
                velocity=tuple(velocity),
                sigma=sigma,
                box=tuple(box),
                class_id=class_id,
                score=score,
                hits=hits,
                missed=missed,
            )
            for track_id, centre, velocity, sigma, box, class_id, score, hits, missed in fields
        ]


def _describe(rows: NDArray[Any], found: FrameDetections, taken: Rows) -> None:
    """Note in rows of tracks what each has just been seen as."""
    boxes = found.boxes[taken].astype(np.float64)
    rows["half_size"] = 0.5 * (boxes[:, 2:] - boxes[:, :2])
    rows["score"] = found.scores[taken]
    rows["class_id"] = found.classes[taken]
    rows["detection"] = taken
    rows["unseen_seconds"] = 0.0
    rows["missed"] = 0
