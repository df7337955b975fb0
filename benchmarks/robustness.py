"""What a package finds and raises when camera and scene are not those it was made with, as JSON.

    python benchmarks/robustness.py light-sgmtlm-reduced --data drone_ir_cc0 --split val --every 4 \\
        --condition plain --condition inverted --condition hot-pixels

Each condition spoils the same frames in its own way; "plain" leaves them. Counted at every score threshold
from one pass, so that a threshold can be chosen from the same figures. A target is found when a detection's
centre lies within 5 px of its label's centre, or with ``--rule box`` also anywhere in its labelled box, one
to one. A detection with no target left within 8 px (or whose box it lies in) is a false alarm; so is a second
one of a found target, which is counted apart as well. In sets without targets every detection is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from edge_irdet.dataset.opening import DatasetLayout, detect_layout, read_dataset
from edge_irdet.dataset.sample import Sample
from edge_irdet.dataset.video_labels import read_frames, videos_of_split
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.detector import DEFAULT_NMS_LIMIT, Detector, DetectorConfig
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.evaluation.truth import Truth
from edge_irdet.evaluation.video_rates import FALSE_ALARM_DISTANCE, FOUND_DISTANCES, THRESHOLDS
from edge_irdet.machine.processor import describe_processor
from edge_irdet.package import NmsRule

FOUND_DISTANCE = FOUND_DISTANCES[-1]
BAD_PIXELS = 50
"""Of a sensor, at places that stay put for a video."""

Grey = NDArray[np.uint8]
Condition = Callable[[Grey, np.random.Generator], Grey]


def _hot_pixels(image: Grey, generator: np.random.Generator) -> Grey:
    spoilt = image.copy()
    height, width = image.shape
    spoilt[generator.integers(height, size=BAD_PIXELS), generator.integers(width, size=BAD_PIXELS)] = 255
    return spoilt


def _dead_pixels(image: Grey, generator: np.random.Generator) -> Grey:
    return 255 - _hot_pixels(255 - image, generator)


def _grey(image: NDArray[np.floating]) -> Grey:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _noise(image: Grey, generator: np.random.Generator) -> Grey:
    return _grey(image + generator.normal(0, 10, image.shape))


def _stripes(image: Grey, generator: np.random.Generator) -> Grey:
    return _grey(image + generator.normal(0, 4, image.shape[1])[None, :])


def _compressed(image: Grey, generator: np.random.Generator) -> Grey:
    coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


CONDITIONS: dict[str, Condition] = {
    "plain": lambda image, generator: image,
    "inverted": lambda image, generator: 255 - image,
    "hot-pixels": _hot_pixels,
    "dead-pixels": _dead_pixels,
    "noise": _noise,
    "stripes": _stripes,
    "blur": lambda image, generator: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.0), np.uint8),
    "compression": _compressed,
    "half-contrast": lambda image, generator: _grey(image.mean() + 0.5 * (image - image.mean())),
    "gamma": lambda image, generator: _grey(255 * (image / 255.0) ** 0.6),
}
"""50 pixels at white or black, noise of 10 grey levels, column offsets of 4, blur of 1 px, JPEG at 40."""


@dataclass
class Counts:
    """Counts at each of the thresholds."""

    frames: int = 0
    targets: int = 0
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    false_alarms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    doubles: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))

    def add(self, found: Detections, boxes: NDArray[np.float64], by_box: bool) -> None:
        """Count one frame.

        Args:
            found: detections down to the lowest threshold, best first.
            boxes: [m, 4] labels, xyxy.
            by_box: whether a centre anywhere in a labelled box is a hit.
        """
        separations, inside = distances(found.centres.astype(np.float64), boxes)
        hit = (separations <= FOUND_DISTANCE) | (inside & by_box)
        near = (separations <= FALSE_ALARM_DISTANCE) | (inside & by_box)
        self.frames += 1
        self.targets += len(boxes)
        kept = np.searchsorted(-found.scores, -THRESHOLDS, side="right")
        for count in np.unique(kept):
            at = kept == count
            matched = pairs(separations[:count], near[:count])
            self.found[at] += pairs(separations[:count], hit[:count])
            self.false_alarms[at] += count - matched
            self.doubles[at] += int(near[:count].any(1).sum()) - matched

    def summary(self, index: int) -> dict[str, Any]:
        """Figures at one threshold."""
        return {
            "score_threshold": float(THRESHOLDS[index]),
            "detection_rate": round(float(self.found[index]) / self.targets, 4) if self.targets else None,
            "false_alarms_per_frame": round(float(self.false_alarms[index]) / max(1, self.frames), 4),
            "of_these_doubles": round(float(self.doubles[index]) / max(1, self.frames), 4),
        }


def distances(
    centres: NDArray[np.float64], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """[n, m] distances of the centres from the boxes' centres, and whether they lie in the boxes."""
    offsets = centres[:, None] - (boxes[None, :, :2] + boxes[None, :, 2:]) / 2
    low, high = boxes[None, :, :2] <= centres[:, None], centres[:, None] <= boxes[None, :, 2:]
    return np.hypot(offsets[..., 0], offsets[..., 1]), (low & high).all(-1)


def pairs(separations: NDArray[np.float64], allowed: NDArray[np.bool_]) -> int:
    """Number of pairs of a largest one-to-one matching within what is allowed."""
    if not allowed.any():
        return 0
    rows, columns = linear_sum_assignment(np.where(allowed, 0.0, 1.0))
    return int(allowed[rows, columns].sum())


def frames_of(
    data: Path, split: str | None, every: int
) -> Iterator[tuple[str, int, Grey, NDArray[np.float64]]]:
    """Name of sequence or image, frame number, image of 8 bits and label boxes [m, 4]."""
    if detect_layout(data) is DatasetLayout.VIDEOS:
        for video in videos_of_split(data, split)[1]:
            for frame in read_frames(data, video, every):
                boxes = np.array([label.box for label in frame.labels], np.float64).reshape(-1, 4)
                yield video, frame.number, frame.image, boxes
        return
    dataset = read_dataset(data, split)
    sample: Sample
    for index, sample in enumerate(dataset):
        if index % every == 0:
            boxes = np.asarray(Truth.of(sample).targets()[0], np.float64).reshape(-1, 4)
            yield sample.name, 0, np.asarray(sample.image, np.uint8), boxes


def detect_tiled(detector: Detector, image: Grey) -> Detections:
    """Detections of a frame cut into equal tiles that fit into the network's input at their own scale."""
    size = detector.package.manifest.input
    height, width = image.shape
    rows = np.linspace(0, height, -(-height // size.height) + 1).astype(int)
    columns = np.linspace(0, width, -(-width // size.width) + 1).astype(int)
    parts = []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            detector.reset()
            tile = detector.detect(np.ascontiguousarray(image[top:bottom, left:right]))
            parts.append(replace(tile, boxes=tile.boxes + np.array([left, top, left, top], np.float32)))
    scores = np.concatenate([part.scores for part in parts])
    order = np.argsort(-scores, kind="stable")
    boxes = np.concatenate([part.boxes for part in parts])[order]
    return Detections(boxes, scores[order], np.concatenate([part.classes for part in parts])[order])


@click.command()
@click.argument("package")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data set's folder.")
@click.option("--split", help="Split or list. [default: all]")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Every n-th frame.")
@click.option(
    "--condition", "conditions", type=click.Choice(list(CONDITIONS)), multiple=True, default=["plain"]
)
@click.option("--rule", type=click.Choice(["centre", "box"]), default="centre", show_default=True)
@click.option("--score", type=click.FloatRange(0, 1), help="Threshold. [default: the package's]")
@click.option("--nms", type=click.Choice([rule.value for rule in NmsRule]), help="[default: the package's]")
@click.option("--tiles", is_flag=True, help="Cut larger frames into tiles at their own scale.")
@click.option("--threads", type=click.IntRange(min=0), default=1, show_default=True)
def main(
    package: str,
    data: Path,
    split: str | None,
    every: int,
    conditions: tuple[str, ...],
    rule: str,
    score: float | None,
    nms: str | None,
    tiles: bool,
    threads: int,
) -> None:
    """Measure PACKAGE under each condition and print one JSON object."""
    chosen = None if nms is None else NmsRule(nms)
    config = DetectorConfig(
        score_threshold=float(THRESHOLDS[0]),
        threads=threads,
        nms=chosen,
        nms_limit=None if chosen is None else DEFAULT_NMS_LIMIT[chosen],
    )
    counts = {condition: Counts() for condition in conditions}
    try:
        with Detector(package, config) as detector:
            for name, number, image, boxes in frames_of(data, split, every):
                for condition in conditions:
                    # Bad pixels stay where they are in a sequence, noise does not.
                    fixed = condition.endswith("pixels")
                    seed = [*name.encode(), 0 if fixed else number + 1]
                    spoilt = CONDITIONS[condition](image, np.random.default_rng(seed))
                    detector.reset()
                    found = detect_tiled(detector, spoilt) if tiles else detector.detect(spoilt)
                    counts[condition].add(found, boxes, rule == "box")
            own = detector.package.manifest.postprocess.score_threshold
            suppression = detector.postprocess.nms.value
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    index = int(np.abs(THRESHOLDS - (own if score is None else score)).argmin())
    report = {
        "package": package,
        "dataset": f"{data.name}/{split}",
        "every": every,
        "rule": rule,
        "nms": suppression,
        "tiles": tiles,
        "machine": describe_processor(),
        "conditions": {
            condition: {
                "frames": own_counts.frames,
                "targets": own_counts.targets,
                **own_counts.summary(index),
                "curve": [own_counts.summary(step) for step in range(len(THRESHOLDS))],
            }
            for condition, own_counts in counts.items()
        },
    }
    print(json.dumps(report, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
