"""Detection rate and false alarms on videos with labelled centres, by centre distance.

The labels of such videos are loose boxes around a blob of a few pixels, so overlap says little: a target
counts as found when a detection's centre lies within the distance of its box's centre; matching is one to one
and optimal.

    python benchmarks/video_accuracy.py --data drone_ir_cc0 --split val --package light-sgmtlm-reduced

The folder holds ``mp4/NAME.mp4``, ``gt/NAME.csv`` (frame_idx0, class, x, y, w, h) and ``videos.csv`` (name,
split).
"""

from __future__ import annotations

import csv
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import DatasetMissingError, EdgeIrdetError
from edge_irdet.evaluation.matching import match_points
from edge_irdet.machine import describe_processor
from edge_irdet.stream.sources import open_source

DISTANCES = (3.0, 5.0, 8.0)
"""Pixels at which the rate is given."""


@dataclass(frozen=True)
class Label:
    """One labelled target in one frame."""

    target_class: str
    centre: tuple[float, float]
    longer_side: float


@dataclass
class VideoFigures:
    """Figures of one video or of several together."""

    frames: int = 0
    targets: int = 0
    found: dict[str, int] | None = None
    """Targets found by distance, as text of the distance in pixels."""

    false_alarms: int = 0
    """Detections that no target lies within the largest distance of, one to one."""

    detector_ms: float = 0.0
    """Mean time of a frame in the detector."""

    def add(self, other: VideoFigures) -> None:
        """Sum up."""
        total = self.frames + other.frames
        self.detector_ms = (self.detector_ms * self.frames + other.detector_ms * other.frames) / max(1, total)
        self.frames, self.targets = total, self.targets + other.targets
        self.false_alarms += other.false_alarms
        mine, theirs = self.found or {}, other.found or {}
        self.found = {key: mine.get(key, 0) + theirs.get(key, 0) for key in map(str, DISTANCES)}

    def summary(self) -> dict[str, object]:
        """Rates for a report."""
        rates = {
            key: round(count / self.targets, 4) for key, count in (self.found or {}).items() if self.targets
        }
        report: dict[str, object] = {"targets": self.targets, "detection_rate": rates}
        if not self.frames:
            return report  # a part of the targets, to which no frame and no false alarm belongs
        return {
            **report,
            "frames": self.frames,
            "false_alarms_per_frame": round(self.false_alarms / max(1, self.frames), 4),
            "detector_ms": round(self.detector_ms, 2),
        }


def read_labels(path: Path) -> dict[int, list[Label]]:
    """Labels by frame number."""
    labels: dict[int, list[Label]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            x, y, w, h = (float(row[name]) for name in "xywh")
            labels[int(row["frame_idx0"])].append(Label(row["class"], (x + w / 2, y + h / 2), max(w, h)))
    return labels


def videos_of(data: Path, split: str | None, names: tuple[str, ...]) -> Iterator[str]:
    """The videos named, or those of a split."""
    if names:
        yield from names
        return
    table = data / "videos.csv"
    if not table.is_file():
        raise DatasetMissingError(
            f"there is no {table}", "name the folder with --data, or videos with --video"
        )
    with table.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["split"] == split:
                yield row["name"]


def measure(
    detector: Detector,
    data: Path,
    name: str,
    by_class: dict[str, VideoFigures],
    by_size: dict[str, VideoFigures],
) -> VideoFigures:
    """Run one video."""
    labels = read_labels(data / "gt" / f"{name}.csv")
    figures = VideoFigures(found={})
    seconds = 0.0
    with open_source(str(data / "mp4" / f"{name}.mp4")) as source:
        while (frame := source.read()) is not None:
            started = time.perf_counter()
            found = detector.detect(frame.image)
            seconds += time.perf_counter() - started
            truth = labels.get(frame.sequence, [])
            centres = np.array([label.centre for label in truth], np.float64).reshape(-1, 2)
            frame_figures = _compare(found.centres, centres)
            figures.add(frame_figures)
            for index, label in enumerate(truth):
                one = VideoFigures(targets=1, found=_found_of(found.centres, centres, index))
                by_class.setdefault(label.target_class, VideoFigures(found={})).add(one)
                by_size.setdefault(_size_class(label.longer_side), VideoFigures(found={})).add(one)
    figures.detector_ms = 1e3 * seconds / max(1, figures.frames)
    return figures


def _compare(found: NDArray[np.float32], centres: NDArray[np.float64]) -> VideoFigures:
    matches = {distance: match_points(found, centres, distance) for distance in DISTANCES}
    return VideoFigures(
        frames=1,
        targets=len(centres),
        found={str(distance): len(match.pairs) for distance, match in matches.items()},
        false_alarms=len(matches[DISTANCES[-1]].false_alarms),
    )


def _found_of(found: NDArray[np.float32], centres: NDArray[np.float64], index: int) -> dict[str, int]:
    counts = {}
    for distance in DISTANCES:
        match = match_points(found, centres, distance)
        counts[str(distance)] = int(index not in match.missed)
    return counts


def _size_class(side: float) -> str:
    for limit in (8, 12, 16, 24):
        if side < limit:
            return f"label under {limit} px"
    return "label 24 px and more"


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Folder with mp4/, gt/, videos.csv."
)
@click.option("--split", default="val", show_default=True, help="Split of videos.csv.")
@click.option("--video", "names", multiple=True, help="Names of single videos instead of a split.")
@click.option("--package", default="light-sgmtlm-reduced", show_default=True)
@click.option("--score", type=click.FloatRange(0, 1), help="Score threshold. [default: the package's]")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many videos.")
def main(
    data: Path, split: str, names: tuple[str, ...], package: str, score: float | None, limit: int | None
) -> None:
    """Print one JSON object: all videos together, by class, by size of the label, and each video."""
    together, by_class, by_size = VideoFigures(found={}), {}, {}
    videos: dict[str, object] = {}
    try:
        with Detector(package, DetectorConfig(score_threshold=score)) as detector:
            for name in list(videos_of(data, split, names))[:limit]:
                figures = measure(detector, data, name, by_class, by_size)
                together.add(figures)
                videos[name] = figures.summary()
            threshold = detector.postprocess.score_threshold
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    report = {
        "package": package,
        "score_threshold": threshold,
        "machine": describe_processor(),
        "all": together.summary(),
        "by_class": {key: value.summary() for key, value in sorted(by_class.items())},
        "by_label_size": {key: value.summary() for key, value in sorted(by_size.items())},
        "videos": videos,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
