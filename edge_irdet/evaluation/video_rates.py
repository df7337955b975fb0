"""Detection rate and false alarms on labelled videos, at every score threshold from one pass.

The labels of such videos are loose boxes around a blob of a few pixels, so overlap says little and centres
are compared: a target counts as found when a detection's centre lies within 3 or 5 px of its box's centre. A
detection is a false alarm when no target is left for it within 8 px, wherever the loose boxes end; a second
detection of a found target is one too, and is counted apart as well. Matching is one to one and optimal.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.tightening import tight_extent
from edge_irdet.dataset.video_labels import (
    TABLE,
    VideoLabel,
    read_frames,
    read_video_table,
    video_path,
)
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import DatasetImageError, OptionError
from edge_irdet.evaluation.matching import match_points
from edge_irdet.evaluation.operating_point import THRESHOLDS as STEPS
from edge_irdet.evaluation.target_size import SIZE_CLASSES, size_class

THRESHOLDS = np.array(STEPS)
"""Score thresholds at which everything is counted."""

FOUND_DISTANCES = (3.0, 5.0)
"""Pixels at which the rate is given; the last one is what a threshold is chosen by."""

FALSE_ALARM_DISTANCE = 8.0
"""Pixels from a target within which its detection is not a false alarm, found or not."""

AT_THE_RIM = "at the rim"
"""Stands for the size class of a target of which hardly anything is in the image."""

CURVE_STEP = 5
"""Every fifth threshold is in the JSON."""


@dataclass
class Tally:
    """Counts at each of :data:`THRESHOLDS`, of a video or of several overall."""

    frames: int = 0
    targets: int = 0
    found: dict[float, NDArray[np.int64]] = field(
        default_factory=lambda: {limit: np.zeros(len(THRESHOLDS), np.int64) for limit in FOUND_DISTANCES}
    )
    """[thresholds] targets found, by distance."""

    false_alarms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    doubles: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    """Of the false alarms those within :data:`FALSE_ALARM_DISTANCE` of a target that another one found."""

    def add(self, other: Tally) -> None:
        """Sum up."""
        self.frames += other.frames
        self.targets += other.targets
        for limit in FOUND_DISTANCES:
            self.found[limit] += other.found[limit]
        self.false_alarms += other.false_alarms
        self.doubles += other.doubles

    def rates(self, index: int) -> dict[str, float]:
        """Detection rates at one threshold, by distance."""
        return {
            f"{limit:g}_px": round(float(self.found[limit][index]) / self.targets, 4)
            for limit in FOUND_DISTANCES
            if self.targets
        }

    def summary(self, index: int) -> dict[str, Any]:
        """Figures at one threshold."""
        report: dict[str, Any] = {"targets": self.targets, "detection_rate": self.rates(index)}
        if not self.frames:
            return report  # a part of the targets, to which no frame and no false alarm belongs
        return {
            **report,
            "frames": self.frames,
            "false_alarms_per_frame": round(float(self.false_alarms[index]) / self.frames, 4),
            "of_these_doubles": round(float(self.doubles[index]) / self.frames, 4),
        }


@dataclass
class VideoReport:
    """What one pass over the videos gives."""

    dataset: str
    """Name of the set and split."""

    stride: int
    """Frames between two that were looked at."""

    overall: Tally = field(default_factory=Tally)
    by_class: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    """By the class that the labels state, whatever the detector says."""

    by_size: dict[str, Tally] = field(
        default_factory=lambda: {name: Tally() for name in (*SIZE_CLASSES, AT_THE_RIM)}
    )
    """By the longer side of the target's extent in the image, not of its loose box."""

    videos: dict[str, Tally] = field(default_factory=dict)

    def to_json(self, score_threshold: float) -> str:
        """All figures at the tried threshold next to ``score_threshold``, and the curve, as one object."""
        index = threshold_index(score_threshold)
        report: dict[str, Any] = {
            "dataset": self.dataset,
            "stride": self.stride,
            "score_threshold": float(THRESHOLDS[index]),
            "false_alarm": f"no target left within {FALSE_ALARM_DISTANCE:g} px of its label's centre",
            "all": self.overall.summary(index),
            "by_class": {key: tally.summary(index) for key, tally in sorted(self.by_class.items())},
            "by_target_size": {
                key: tally.summary(index) for key, tally in self.by_size.items() if tally.targets
            },
            "curve": [
                {"score_threshold": float(THRESHOLDS[step]), **self.overall.summary(step)}
                for step in range(0, len(THRESHOLDS), CURVE_STEP)
            ],
            "videos": {name: tally.summary(index) for name, tally in self.videos.items()},
        }
        return json.dumps(report, indent=2, allow_nan=False) + "\n"


def threshold_index(score_threshold: float) -> int:
    """Index in :data:`THRESHOLDS` of the one next to ``score_threshold``.

    Raises:
        OptionError: it lies beyond them.
    """
    index = int(np.abs(THRESHOLDS - score_threshold).argmin())
    step = THRESHOLDS[1] - THRESHOLDS[0]
    if abs(THRESHOLDS[index] - score_threshold) > step:
        raise OptionError(
            f"the score {score_threshold:g} is not within {THRESHOLDS[0]:g} to {THRESHOLDS[-1]:g}",
            f"choose for example --score {THRESHOLDS[index]:g}",
        )
    return index


def rate_frame(
    scores: NDArray[np.float32], centres: NDArray[np.float32], targets: NDArray[np.float64]
) -> tuple[Tally, dict[float, NDArray[np.bool_]]]:
    """One frame at every threshold.

    Args:
        scores: [n] of the detections.
        centres: [n, 2] of the detections, pixels.
        targets: [m, 2] centres of the labels, pixels.

    Returns:
        the counts, and by distance [thresholds, m] whether each target is found.
    """
    order = np.argsort(-scores, kind="stable")
    scores, centres = scores[order], centres[order]
    # The outcome changes only where a threshold lets one more detection through.
    counts = np.searchsorted(-scores, -THRESHOLDS, side="right")
    found = {limit: np.zeros((len(scores) + 1, len(targets)), np.bool_) for limit in FOUND_DISTANCES}
    false_alarms = np.zeros(len(scores) + 1, np.int64)
    doubles = np.zeros(len(scores) + 1, np.int64)
    for count in np.unique(counts):
        kept = centres[:count]
        for limit in FOUND_DISTANCES:
            found[limit][count, match_points(kept, targets, limit).pairs[:, 1]] = True
        unmatched = match_points(kept, targets, FALSE_ALARM_DISTANCE).false_alarms
        false_alarms[count] = len(unmatched)
        offsets = kept[unmatched][:, None].astype(np.float64) - targets[None]
        near = np.hypot(offsets[..., 0], offsets[..., 1]) <= FALSE_ALARM_DISTANCE
        doubles[count] = int(near.any(1).sum())
    at = {limit: table[counts] for limit, table in found.items()}
    tally = Tally(
        frames=1,
        targets=len(targets),
        found={limit: table.sum(1).astype(np.int64) for limit, table in at.items()},
        false_alarms=false_alarms[counts],
        doubles=doubles[counts],
    )
    return tally, at


def label_size_class(image: NDArray[np.uint8], label: VideoLabel) -> str:
    """The size class of a labelled target by its extent in the image, or :data:`AT_THE_RIM`."""
    height, width = image.shape
    left, top, right, bottom = label.box
    visible = max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)
    if visible[2] - visible[0] < 1 or visible[3] - visible[1] < 1:
        return AT_THE_RIM
    box = tight_extent(image, visible).box
    return size_class(max(box[2] - box[0], box[3] - box[1]))


def rate_videos(
    detect: Callable[[NDArray[np.uint8]], Detections],
    root: Path,
    dataset: str,
    videos: Sequence[str],
    stride: int = 1,
    on_video: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> VideoReport:
    """Run a detector over videos and count what it finds and raises.

    Args:
        detect: grey frame [H, W] to all detections down to the lowest of :data:`THRESHOLDS`, in its pixels.
        root: folder of the data set.
        dataset: what the report calls the set and split.
        videos: names of the videos.
        stride: frames between two that are looked at.
        on_video: called after each video with its name, the number done and the number of all.

    Raises:
        OptionError: there is no video.
        DatasetImageError: a video cannot be decoded, or ends before the table says it does.
        DatasetMissingError, LabelInvalidError: the table or the labels cannot be read.
    """
    if not videos:
        raise OptionError(f"{dataset} has no video", f"look at {root / TABLE}")
    table = read_video_table(root)
    report = VideoReport(dataset, stride)
    for done, name in enumerate(videos, start=1):
        video = report.videos[name] = Tally()
        for frame in read_frames(root, name, stride):
            found = detect(frame.image)
            centres = np.array([label.centre for label in frame.labels], np.float64).reshape(-1, 2)
            tally, at = rate_frame(found.scores, found.centres, centres)
            video.add(tally)
            for index, label in enumerate(frame.labels):
                hits = {limit: hit[:, index].astype(np.int64) for limit, hit in at.items()}
                one = Tally(targets=1, found=hits)
                report.by_class[label.target_class].add(one)
                report.by_size[label_size_class(frame.image, label)].add(one)
        expected = len(range(0, table[name][1], stride))
        if video.frames < expected:
            raise DatasetImageError(
                f"{video_path(root, name)} ends after {video.frames} of {expected} frames to look at",
                "copy the video again, or correct the table",
            )
        report.overall.add(video)
        on_video(name, done, len(videos))
    return report


def choose_threshold(tally: Tally, max_false_alarms: float) -> int:
    """Index of the threshold with the highest rate of those that keep the limit, the highest among equals.

    Args:
        tally: what was counted.
        max_false_alarms: false alarms per frame.

    Raises:
        OptionError: there is no target, so that nothing can be chosen, or no threshold keeps the limit.
    """
    if not tally.targets or not tally.frames:
        raise OptionError("the videos have no target, so a rate is not defined", "name videos with targets")
    rate = tally.found[FOUND_DISTANCES[-1]]
    allowed = np.flatnonzero(tally.false_alarms <= max_false_alarms * tally.frames)
    if not len(allowed):
        least = float(tally.false_alarms.min()) / tally.frames
        raise OptionError(
            f"no score threshold keeps {max_false_alarms:g} false alarms per frame; the least is {least:.3g}",
            "allow more with --max-false-alarms, or train on",
        )
    return int(max(allowed, key=lambda index: (rate[index], index)))
