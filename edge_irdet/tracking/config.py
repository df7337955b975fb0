"""What a tracker assumes about targets and about the detector."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_irdet.errors import OptionError

MOST_TRACKS = 512
"""Beyond it one frame's assignment would take longer than the detector."""


@dataclass(frozen=True)
class TrackerConfig:
    """Settings of a :class:`~edge_irdet.tracking.tracker.Tracker`; docs/guides/tracking.md says how the
    defaults were chosen.

    Raises:
        OptionError: a value is out of its range.
    """

    acceleration: float = 100.0
    """How unsteadily targets move, as the camera sees them: standard deviation, on each axis, of the
    acceleration averaged over one second, px/s^2. It is white noise: over t seconds the velocity wanders by
    this times the root of t."""

    centroid_sigma: float = 1.0
    """Standard deviation of a detection's centroid around the target's true place, on each axis, pixels."""

    initial_speed: float = 300.0
    """Standard deviation of a new target's velocity on each axis, px/s: how far from its first place its
    second detection is looked for."""

    gate_probability: float = 0.99
    """Probability with which a target's own detection lies in the region where it is looked for, between 0
    and 1."""

    birth_score: float = 0.0
    """Detections that score less start no track; they may still continue one. 0..1; 0 leaves the choice to
    the detector's threshold."""

    birth_distance: float = 4.0
    """A detection nearer than this to a track that another detection was given to in the same frame starts
    none: a second box around the same target. Pixels, 0 or more."""

    confirm_hits: int = 3
    """A track is confirmed, and gets its number, when it has been seen in this many ..."""

    confirm_frames: int = 5
    """... of its first so many frames; one that cannot be any more is dropped."""

    max_coast_seconds: float = 1.0
    """A track that was not seen for longer than this is over, seconds. Must be longer than a few frame
    intervals of the source."""

    max_coast_frames: int = 60
    """A confirmed track that was not seen in more frames than this is over, however fast they come."""

    max_gap_seconds: float = 0.5
    """Where a frame says that something is missing before it, and this much time or more is, all tracks are
    over, seconds. A shorter gap (dropped frames) is bridged by its length."""

    max_shutter_seconds: float = 2.0
    """Time that the camera's shutter may be closed without counting as time in which tracks were not seen,
    seconds."""

    max_tracks: int = 64
    """At most this many tracks at once, confirmed or not. When all places are taken no track starts."""

    def __post_init__(self) -> None:
        for name in (
            "acceleration",
            "centroid_sigma",
            "initial_speed",
            "max_coast_seconds",
            "max_gap_seconds",
        ):
            value = getattr(self, name)
            _require(math.isfinite(value) and value > 0, name, value, "a positive number")
        for name in ("birth_distance", "max_shutter_seconds"):
            value = getattr(self, name)
            _require(math.isfinite(value) and value >= 0, name, value, "0 or more")
        _require(0 < self.gate_probability < 1, "gate_probability", self.gate_probability, "as 0.99")
        _require(0 <= self.birth_score <= 1, "birth_score", self.birth_score, "0 to 1")
        _require(self.confirm_hits >= 1, "confirm_hits", self.confirm_hits, "at least 1")
        _require(
            self.confirm_frames >= self.confirm_hits,
            "confirm_frames",
            self.confirm_frames,
            f"at least confirm_hits, {self.confirm_hits}",
        )
        _require(self.max_coast_frames >= 0, "max_coast_frames", self.max_coast_frames, "0 or more")
        _require(1 <= self.max_tracks <= MOST_TRACKS, "max_tracks", self.max_tracks, f"1 to {MOST_TRACKS}")


def _require(good: bool, name: str, value: object, allowed: str) -> None:
    if not good:
        raise OptionError(f"a tracker cannot have {name}={value}", f"choose {name}: {allowed}")
