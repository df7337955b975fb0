"""The tracker: one frame's detections in, the tracks of the frame out."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OptionError
from edge_irdet.record import TrackUpdate
from edge_irdet.tracking.association import associate, gate_of
from edge_irdet.tracking.config import TrackerConfig
from edge_irdet.tracking.table import NO_DETECTION, ON_TRIAL, FrameDetections, Rows, TrackTable

FARTHEST = 1e6
"""Pixels from the origin beyond which no detection can be."""


class Tracker:
    """Follows the targets of one source from frame to frame by distance.

    Each track is a Kalman filter of nearly constant velocity over the real time between frames. A frame's
    detections go to the confirmed tracks first, then to the ones on trial; what is left over begins new ones.
    A detection whose box, centroid or score is not finite is left out: no track takes it.

    Not for several threads at once. Memory, and the time of a frame, are bounded by
    :attr:`TrackerConfig.max_tracks` and the number of the frame's detections.

    >>> tracker = Tracker()
    >>> update = tracker.update(
    ...     frame.capture_ns, found.boxes, measured.centroids, found.scores, found.classes,
    ...     discontinuity=frame.discontinuity, shutter=found.shutter,
    ... )

    Args:
        config: settings; None takes the defaults.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self._gate = gate_of(self.config.gate_probability)
        self._table = TrackTable(
            self.config.max_tracks, self.config.centroid_sigma**2, self.config.acceleration**2
        )
        self._next_id = 1
        self._last_ns: int | None = None
        self._size: tuple[int, int] | None = None
        self._shutter_seconds = 0.0

    def reset(self) -> None:
        """End all tracks and forget the time; numbers go on after the last one used."""
        self._table.clear()
        self._last_ns = None
        self._size = None
        self._shutter_seconds = 0.0

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
        """Take the next frame.

        Time goes by ``capture_ns``. A frame that is not later than the one before it counts as of the same
        moment, and time goes on from its stamp. All tracks end where ``discontinuity`` is set and
        ``max_gap_seconds`` or more have passed, where the stamp is that much earlier than the one before
        (another clock), and where the frame's size has changed.

        Args:
            capture_ns: capture, ns of the source's clock.
            boxes: [n, 4] left, top, right, bottom, continuous pixels.
            centroids: [n, 2] x, y, continuous pixels.
            scores: [n] 0..1.
            classes: [n] class indices; a track takes detections of any class.
            discontinuity: something is missing before this frame.
            shutter: the frame shows the camera's closed shutter. Its detections are left out and all tracks
                coast; up to ``max_shutter_seconds`` of it do not count towards their end.
            size: width and height of the frame; with it, tracks also end where they leave the frame.

        Returns:
            The confirmed track of each detection, and all confirmed tracks by number.

        Raises:
            OptionError: the arrays do not belong together, or ``capture_ns`` is not a whole number.
        """
        count = len(scores)
        shapes = boxes.shape, centroids.shape, scores.shape, classes.shape
        if shapes != ((count, 4), (count, 2), (count,), (count,)):
            raise OptionError(
                "boxes {}, centroids {}, scores {} and classes {} do not belong together".format(*shapes),
                "pass arrays of the shapes [n, 4], [n, 2], [n] and [n]",
            )
        try:
            now = operator.index(capture_ns)
        except TypeError as error:
            raise OptionError(
                f"capture_ns is {capture_ns!r}", "pass whole nanoseconds, as Frame.capture_ns has them"
            ) from error
        self._advance(now, discontinuity, shutter, size)
        track_ids: list[int | None] = [None] * count
        if shutter:
            self._table.rows["missed"] += 1
            return TrackUpdate(track_ids, self._table.records())
        found = FrameDetections(boxes, centroids, scores, classes)
        left = _usable(found)
        for confirmed in (True, False):
            left = self._give(confirmed, found, left)
        self._end()
        self._begin(found, left)
        self._confirm()
        rows = self._table.rows
        taken = rows[(rows["track_id"] != ON_TRIAL) & (rows["detection"] != NO_DETECTION)]
        for index, track_id in zip(taken["detection"].tolist(), taken["track_id"].tolist(), strict=True):
            track_ids[index] = track_id
        return TrackUpdate(track_ids, self._table.records())

    def _advance(
        self, capture_ns: int, discontinuity: bool, shutter: bool, size: tuple[int, int] | None
    ) -> None:
        """Bring the tracks to the moment of the frame."""
        config = self.config
        seconds = 0.0 if self._last_ns is None else (capture_ns - self._last_ns) / 1e9
        gap = seconds >= config.max_gap_seconds and discontinuity
        if gap or -seconds >= config.max_gap_seconds or (self._size and size and self._size != size):
            self.reset()
            seconds = 0.0
        self._last_ns = capture_ns
        self._size = size or self._size
        seconds = max(0.0, seconds)
        excused = 0.0
        if shutter:
            excused = min(seconds, max(0.0, config.max_shutter_seconds - self._shutter_seconds))
        self._shutter_seconds = self._shutter_seconds + seconds if shutter else 0.0
        table = self._table
        table.rows["unseen_seconds"] += seconds - excused
        table.keep(table.rows["unseen_seconds"] <= config.max_coast_seconds)
        table.predict(seconds)
        table.rows["detection"] = NO_DETECTION

    def _give(self, confirmed: bool, found: FrameDetections, left: Rows) -> Rows:
        """Give the confirmed tracks, or those on trial, what they take of the detections ``left``.

        Returns:
            The detections that are left then.
        """
        table = self._table
        which = np.flatnonzero((table.rows["track_id"] != ON_TRIAL) == confirmed)
        if not which.size or not left.size:
            return left
        variance = table.innovation_variance()[which]
        chosen, taken = associate(table.rows["position"][which], variance, found.centroids[left], self._gate)
        if chosen.size:
            table.give(which[chosen], found, left[taken])
        return np.delete(left, taken)

    def _end(self) -> None:
        """Count the frame and end what was lost in it."""
        config, table = self.config, self._table
        rows = table.rows
        rows["frames"] += 1
        unseen = rows["detection"] == NO_DETECTION
        rows["missed"][unseen] += 1
        on_trial = rows["track_id"] == ON_TRIAL
        hopeless = on_trial & (rows["hits"] + config.confirm_frames - rows["frames"] < config.confirm_hits)
        lost = unseen & (rows["missed"] > config.max_coast_frames)
        if self._size is not None:
            position = rows["position"]
            lost |= unseen & ((position < 0.0) | (position > self._size)).any(axis=1)
        table.keep(~(hopeless | lost))

    def _begin(self, found: FrameDetections, left: Rows) -> None:
        """Begin tracks at the best of the detections that no track took."""
        scores, centroids = found.scores, found.centroids
        left = left[scores[left] >= self.config.birth_score]
        if not left.size or not self._table.free:
            return
        # By score and place, not by their order, so that the order of the detections means nothing.
        left = left[np.lexsort((centroids[left, 1], centroids[left, 0], -scores[left]))]
        taken = self._table.rows["detection"]
        occupied = centroids[taken[taken != NO_DETECTION]].tolist()
        nearest = self.config.birth_distance**2
        begun: list[int] = []
        for index, (x, y) in zip(left.tolist(), centroids[left].tolist(), strict=True):
            if all((x - u) ** 2 + (y - v) ** 2 >= nearest for u, v in occupied):
                begun.append(index)
                occupied.append((x, y))
                if len(begun) == self._table.free:
                    break
        self._table.begin(self.config.initial_speed, found, np.array(begun, np.int64))

    def _confirm(self) -> None:
        rows = self._table.rows
        fresh = np.flatnonzero((rows["track_id"] == ON_TRIAL) & (rows["hits"] >= self.config.confirm_hits))
        if fresh.size:
            rows["track_id"][fresh] = np.arange(self._next_id, self._next_id + fresh.size)
            self._next_id += int(fresh.size)


def _usable(found: FrameDetections) -> Rows:
    """Indices of the detections that a track may take; any comparison with NaN is false."""
    near = (np.abs(found.boxes) <= FARTHEST).all(axis=1) & (np.abs(found.centroids) <= FARTHEST).all(axis=1)
    return np.flatnonzero(near & np.isfinite(found.scores))
