"""Detection rate and false alarms on videos with labelled centres, at every score threshold from one pass.

The labels of such videos are loose boxes around a blob of a few pixels, so overlap says little and centres
are compared: a target counts as found when a detection's centre lies within 3 or 5 px of its box's centre. A
detection is a false alarm when no target is left for it within 8 px, wherever the loose boxes end; a second
detection of a found target is one too, and is counted apart as well. Matching is one to one and optimal.

The size of a target is the longer side of its extent in the image, not of the loose box.

    python benchmarks/video_accuracy.py --data drone_ir_cc0 --split val --package light-sgmtlm-reduced

The folder holds ``mp4/NAME.mp4``, ``gt/NAME.csv`` (frame_idx0, class, x, y, w, h) and ``videos.csv`` (name,
frames, split). A threshold is chosen on videos that were held back of the training (``--list``), then given
with ``--score`` for the videos that are only reported.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.tightening import tight_extent
from edge_irdet.dataset.videos import VideoLabel, read_video_labels, read_video_table
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import EdgeIrdetError, OptionError
from edge_irdet.evaluation.matching import match_points
from edge_irdet.machine import describe_processor
from edge_irdet.stream.sources import open_source

FOUND_DISTANCES = (3.0, 5.0)
"""Pixels at which the rate is given; the last one is what a threshold is chosen by."""

FALSE_ALARM_DISTANCE = 8.0
"""Pixels from a target within which its detection is not a false alarm, found or not."""

THRESHOLDS = np.round(np.arange(0.05, 0.96, 0.01), 2)
CURVE_STEP = 5
"""Every fifth threshold is printed."""

SIZE_LIMITS = (3.0, 5.0, 8.0, 12.0)
"""Longer sides of targets, pixels, that the size classes end below."""

WORST = 6
"""Videos listed as the worst, each by false alarms and by rate."""


@dataclass
class Tally:
    """Counts at each of :data:`THRESHOLDS`, of a video or of several together."""

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
class Measurement:
    """What one pass over the videos gives."""

    together: Tally = field(default_factory=Tally)
    by_class: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_size: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    videos: dict[str, Tally] = field(default_factory=dict)
    detector_ms: float = 0.0


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


def size_class(image: NDArray[np.uint8], label: VideoLabel) -> str:
    """Which class of :data:`SIZE_LIMITS` a labelled target belongs to, by its extent in the image."""
    height, width = image.shape
    left, top, right, bottom = label.box
    visible = max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)
    if visible[2] - visible[0] < 1 or visible[3] - visible[1] < 1:
        return "at the rim"
    box = tight_extent(image, visible).box
    side = max(box[2] - box[0], box[3] - box[1])
    for limit in SIZE_LIMITS:
        if side < limit:
            return f"under {limit:g} px"
    return f"{SIZE_LIMITS[-1]:g} px and more"


def read_labels(path: Path) -> dict[int, list[VideoLabel]]:
    """Labels of one video by frame number."""
    labels: dict[int, list[VideoLabel]] = defaultdict(list)
    for label in read_video_labels(path):
        labels[label.frame].append(label)
    return labels


def measure(detector: Detector, data: Path, names: Sequence[str], stride: int) -> Measurement:
    """Run the videos through the detector, every ``stride``-th frame."""
    measured = Measurement()
    seconds = 0.0
    for name in names:
        labels = read_labels(data / "gt" / f"{name}.csv")
        video = measured.videos[name] = Tally()
        with open_source(str(data / "mp4" / f"{name}.mp4")) as source:
            while (frame := source.read()) is not None:
                if frame.sequence % stride:
                    continue
                started = time.perf_counter()
                found = detector.detect(frame.image)
                seconds += time.perf_counter() - started
                truth = labels.get(frame.sequence, [])
                centres = np.array([label.centre for label in truth], np.float64).reshape(-1, 2)
                tally, at = rate_frame(found.scores, found.centres, centres)
                video.add(tally)
                for index, label in enumerate(truth):
                    hits = {limit: table[:, index].astype(np.int64) for limit, table in at.items()}
                    one = Tally(targets=1, found=hits)
                    measured.by_class[label.target_class].add(one)
                    measured.by_size[size_class(np.asarray(frame.image, np.uint8), label)].add(one)
        measured.together.add(video)
    measured.detector_ms = 1e3 * seconds / max(1, measured.together.frames)
    return measured


def choose_threshold(tally: Tally, max_false_alarms: float) -> int | None:
    """Index of the threshold with the highest rate of those that keep the limit, the highest among equals.

    None where no threshold keeps it.
    """
    rate = tally.found[FOUND_DISTANCES[-1]]
    allowed = np.flatnonzero(tally.false_alarms <= max_false_alarms * max(1, tally.frames))
    if not len(allowed):
        return None
    return int(max(allowed, key=lambda index: (rate[index], index)))


def report_of(measured: Measurement, score: float, max_false_alarms: float) -> dict[str, Any]:
    """All figures as one object, at the threshold nearest to ``score``."""
    index = int(np.abs(THRESHOLDS - score).argmin())
    together = measured.together
    chosen = choose_threshold(together, max_false_alarms)
    last = FOUND_DISTANCES[-1]

    def rate_of(name: str) -> float:
        video = measured.videos[name]
        return float(video.found[last][index]) / max(1, video.targets)

    def alarms_of(name: str) -> float:
        video = measured.videos[name]
        return float(video.false_alarms[index]) / max(1, video.frames)

    by_alarms = sorted(measured.videos, key=alarms_of, reverse=True)[:WORST]
    by_rate = sorted(measured.videos, key=rate_of)[:WORST]
    best = None
    if chosen is not None:
        best = {"score_threshold": float(THRESHOLDS[chosen]), **together.summary(chosen)}
    return {
        "score_threshold": float(THRESHOLDS[index]),
        "detector_ms": round(measured.detector_ms, 2),
        "all": together.summary(index),
        "by_class": {key: tally.summary(index) for key, tally in sorted(measured.by_class.items())},
        "by_target_size": {key: tally.summary(index) for key, tally in sorted(measured.by_size.items())},
        "worst_by_false_alarms": {name: round(alarms_of(name), 4) for name in by_alarms},
        "worst_by_detection_rate": {name: round(rate_of(name), 4) for name in by_rate},
        f"best_with_{max_false_alarms:g}_false_alarms_per_frame": best,
        "curve": [
            {"score_threshold": float(THRESHOLDS[step]), **together.summary(step)}
            for step in range(0, len(THRESHOLDS), CURVE_STEP)
        ],
        "videos": {name: tally.summary(index) for name, tally in measured.videos.items()},
    }


def videos_of(data: Path, split: str, listed: Path | None, names: Sequence[str]) -> list[str]:
    """The videos that are named and listed in a file, or else those of a split.

    Raises:
        OptionError: there is none, or one has no labels.
        DatasetMissingError, LabelInvalidError: the table of splits cannot be read.
    """
    chosen = list(names)
    if listed is not None:
        lines = (line.strip() for line in listed.read_text(encoding="utf-8").splitlines())
        chosen += [line for line in lines if line and not line.startswith("#")]
    if not chosen:
        chosen = [name for name, (own, _) in read_video_table(data).items() if own == split]
    absent = [name for name in chosen if not (data / "gt" / f"{name}.csv").is_file()]
    if absent or not chosen:
        what = f"the video {absent[0]!r} has no labels" if absent else f"the split {split!r} has no video"
        raise OptionError(f"{what} in {data}", "correct --data, --split, --list or --video")
    return chosen


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder with mp4/, gt/, videos.csv."
)
@click.option("--split", default="val", show_default=True, help="Split of videos.csv.")
@click.option(
    "--list", "listed", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="File of videos."
)
@click.option("--video", "names", multiple=True, help="Names of single videos instead of a split.")
@click.option("--package", default="light-sgmtlm-reduced", show_default=True)
@click.option("--score", type=click.FloatRange(0.05, 0.95), help="Score threshold. [default: the package's]")
@click.option("--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Every n-th frame.")
@click.option(
    "--max-false-alarms",
    type=click.FloatRange(min=0),
    default=0.1,
    show_default=True,
    help="False alarms a frame that the best threshold may leave.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many videos.")
def main(
    data: Path,
    split: str,
    listed: Path | None,
    names: tuple[str, ...],
    package: str,
    score: float | None,
    stride: int,
    max_false_alarms: float,
    limit: int | None,
) -> None:
    """Print one JSON object: all videos together, by class, by size, each video, and the curve."""
    try:
        chosen = videos_of(data, split, listed, names)[:limit]
        with Detector(package, DetectorConfig(score_threshold=float(THRESHOLDS[0]))) as detector:
            manifest = detector.package.manifest
            measured = measure(detector, data, chosen, stride)
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    used = manifest.postprocess.score_threshold if score is None else score
    report = {
        "package": manifest.name,
        "data": data.resolve().name,
        "videos_chosen_by": "--video" if names else listed.name if listed else f"split {split}",
        "stride": stride,
        "false_alarm": f"no target left within {FALSE_ALARM_DISTANCE:g} px of its label's centre, one to one",
        "machine": describe_processor(),
        **report_of(measured, used, max_false_alarms),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
