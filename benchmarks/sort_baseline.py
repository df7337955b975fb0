"""SORT as its paper describes it, to compare with: association by overlap.

Bewley, Ge, Ott, Ramos, Upcroft: Simple Online and Realtime Tracking, ICIP 2016, section 3. Written from the
paper: a Kalman filter of constant velocity on the box's centre, area and (constant) aspect ratio with a frame
as the unit of time, Hungarian assignment by IoU of at least 0.3, a track ended after more than one frame
without a detection, a new one reported from its third detection in a row on. The paper gives no noise
figures. Here a measured centre has 1 px of standard deviation, area and aspect ratio a fifth of themselves;
velocities begin unknown (10 px a frame, the area a frame) and wander by 1 px a frame (a tenth of the area).
"""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

MIN_IOU = 0.3
MAX_AGE = 1
"""The paper's."""

MIN_HITS = 3
"""Detections in a row before a track is reported."""

_MOTION = np.eye(7)
_MOTION[[0, 1, 2], [4, 5, 6]] = 1.0
_SEEN = np.eye(4, 7)


class _BoxTrack:
    """State: centre x, y, area, aspect ratio (width over height), and the first three's change a frame."""

    def __init__(self, box: NDArray[np.float64]) -> None:
        measured = _measurement(box)
        self.state = np.concatenate([measured, np.zeros(3)])
        self.covariance = np.zeros((7, 7))
        self.covariance[:4, :4] = _noise(measured)
        self.covariance[[4, 5, 6], [4, 5, 6]] = 100.0, 100.0, measured[2] ** 2
        self.hits_in_a_row = 1
        self.missed = 0
        self.number: int | None = None

    def predict(self) -> None:
        """Move on by a frame."""
        if self.state[2] + self.state[6] <= 0.0:
            self.state[6] = 0.0  # an area cannot shrink to nothing
        self.state = _MOTION @ self.state
        self.covariance = _MOTION @ self.covariance @ _MOTION.T
        self.covariance[[4, 5, 6], [4, 5, 6]] += 1.0, 1.0, (0.1 * self.state[2]) ** 2

    def correct(self, box: NDArray[np.float64]) -> None:
        """Take a detection."""
        measured = _measurement(box)
        total = self.covariance[:4, :4] + _noise(measured)
        gain = np.linalg.solve(total, self.covariance[:4]).T
        self.state = self.state + gain @ (measured - self.state[:4])
        self.state[2:4] = np.maximum(self.state[2:4], 1e-3)
        self.covariance = (np.eye(7) - gain @ _SEEN) @ self.covariance
        self.covariance = 0.5 * (self.covariance + self.covariance.T)
        self.hits_in_a_row += 1
        self.missed = 0

    def box(self) -> NDArray[np.float64]:
        """[4] left, top, right, bottom."""
        width = np.sqrt(self.state[2] * self.state[3])
        half = 0.5 * np.array([width, self.state[2] / width])
        return np.concatenate([self.state[:2] - half, self.state[:2] + half])


class SortTracker:
    """Multi-target tracking by overlap of boxes from frame to frame.

    Args:
        max_age: frames without a detection that a track outlives.
    """

    def __init__(self, max_age: int = MAX_AGE) -> None:
        self.max_age = max_age
        self._tracks: list[_BoxTrack] = []
        self._next = 1

    def update(self, boxes: NDArray[np.float32]) -> tuple[list[int], NDArray[np.float64]]:
        """Take a frame's boxes [n, 4]; numbers and centres [k, 2] of the tracks that were seen in it."""
        detected = boxes.astype(np.float64)
        for track in self._tracks:
            track.predict()
        free = set(range(len(detected)))
        overlap = _iou(np.array([track.box() for track in self._tracks]).reshape(-1, 4), detected)
        taken = np.full(len(self._tracks), -1)
        if overlap.size:
            taken, _ = lap.lapjv(1.0 - overlap, extend_cost=True, return_cost=False)
        for index, (track, chosen) in enumerate(zip(self._tracks, taken.tolist(), strict=True)):
            if chosen >= 0 and overlap[index, chosen] >= MIN_IOU:
                track.correct(detected[chosen])
                free.discard(chosen)
            else:
                track.missed += 1
                track.hits_in_a_row = 0
        self._tracks = [track for track in self._tracks if track.missed <= self.max_age]
        self._tracks += [_BoxTrack(detected[index]) for index in sorted(free)]
        numbers, centres = [], []
        for track in self._tracks:
            if track.number is None and track.hits_in_a_row >= MIN_HITS:
                track.number, self._next = self._next, self._next + 1
            if track.number is not None and track.missed == 0:
                numbers.append(track.number)
                centres.append(track.state[:2])
        return numbers, np.array(centres, np.float64).reshape(-1, 2)


def _measurement(box: NDArray[np.float64]) -> NDArray[np.float64]:
    left, top, right, bottom = box
    width, height = max(right - left, 1e-3), max(bottom - top, 1e-3)
    return np.array([0.5 * (left + right), 0.5 * (top + bottom), width * height, width / height])


def _noise(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diag([1.0, 1.0, (0.2 * measured[2]) ** 2, (0.2 * measured[3]) ** 2])


def _iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, m] intersection over union."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    opposite = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inside = np.clip(opposite - corner, 0.0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return np.asarray(inside / np.maximum(areas[0][:, None] + areas[1] - inside, 1e-12))
