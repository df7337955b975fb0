"""The tracker beside SORT on identical detections, on labelled videos and on synthetic scenes.

    python benchmarks/tracking.py --data drone_ir_cc0 --split val --output benchmarks/results/

The folder holds ``mp4/NAME.mp4``, ``gt/NAME.csv`` (frame_idx0, class, x, y, w, h) and ``videos.csv`` (name,
frames, split). Identities come from the labels by a rule (tracking_data.py,
``link_identities``); a track is at a target within 5 px of its labelled centre. What the detector found is
kept in the cache folder: the first run takes minutes, later ones do not.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sort_baseline import MAX_AGE, SortTracker
from tracking_data import (
    LOWEST_SCORE,
    LabelledSequence,
    TrackedFrame,
    scene_sequence,
    simulated_sequence,
    video_sequence,
)
from tracking_score import Follow, score

from edge_irdet.dataset.video_labels import videos_of_split
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.machine.processor import describe_processor
from edge_irdet.scene import DIM_SCENES, SceneConfig
from edge_irdet.tracking import Tracker, TrackerConfig

SCENE_FRAMES = 300
SCENE_TARGETS = 8
"""Enough for paths to cross in every scene."""

LONG_AGE = 30
"""Frames; the second of memory that the tracker's default gives at 30 frames a second."""

CROWDS = ((1, 0), (10, 0), (10, 10), (10, 290))
"""Targets and false alarms at random places a frame, to time the tracker with."""

CONDITIONS: dict[str, Callable[[LabelledSequence], LabelledSequence]] = {
    "all frames": lambda sequence: sequence,
    "every third frame dropped": lambda sequence: sequence.thinned(3),
    "no detections in 6 of 30 frames": lambda sequence: sequence.blinded(30, 6),
    "one frame in six": lambda sequence: sequence.sampled(6),
}


def start_distance(config: TrackerConfig, coasting: bool) -> Callable[[LabelledSequence], Follow]:
    """The product's tracker; reporting the tracks seen in a frame, or also those that coast."""

    def start(sequence: LabelledSequence) -> Follow:
        tracker = Tracker(config)

        def follow(frame: TrackedFrame) -> tuple[list[int], NDArray[np.float64]]:
            found = frame.detections
            update = tracker.update(
                frame.capture_ns,
                found.boxes,
                found.centres.astype(np.float64),
                found.scores,
                found.classes,
                discontinuity=frame.dropped_before,
                size=sequence.size,
            )
            reported = [track for track in update.tracks if coasting or not track.missed]
            centres = np.array([track.centre for track in reported], np.float64).reshape(-1, 2)
            return [track.track_id for track in reported], centres

        return follow

    return start


def start_sort(max_age: int) -> Callable[[LabelledSequence], Follow]:
    """The baseline."""

    def start(sequence: LabelledSequence) -> Follow:
        tracker = SortTracker(max_age)
        return lambda frame: tracker.update(frame.detections.boxes)

    return start


def compare(
    sequences: Sequence[LabelledSequence], threshold: float, birth: float | None
) -> list[dict[str, object]]:
    """Rows of the table for sequences that hold the detections from ``threshold`` up."""
    config = TrackerConfig()
    trackers: dict[str, Callable[[LabelledSequence], Follow]] = {
        "SORT (overlap)": start_sort(MAX_AGE),
        # The paper ends a track after one frame without a detection: is it the memory or the overlap?
        f"SORT, max_age {LONG_AGE}": start_sort(LONG_AGE),
        "distance": start_distance(config, coasting=False),
        "distance, coasting reported": start_distance(config, coasting=True),
    }
    if birth is not None and birth > threshold:
        changed = replace(config, birth_score=birth)
        trackers[f"distance, birth from {birth:g}"] = start_distance(changed, coasting=False)
    rows = []
    for condition, change in CONDITIONS.items():
        changed_sequences = [change(sequence.above(threshold)) for sequence in sequences]
        for name, start in trackers.items():
            figures = score(changed_sequences, start)
            rows.append({"condition": condition, "threshold": threshold, "tracker": name, **asdict(figures)})
    return rows


def print_table(title: str, rows: Sequence[dict[str, object]]) -> None:
    """As Markdown."""
    heads = ("frames shown", "score from", "tracker", "MOTA", "IDF1", "ID switches", "false positives")
    heads += ("misses", "fragmentations", "targets", "ms a frame")
    keys = ("condition", "threshold", "tracker", "mota", "idf1", "switches", "false_positives")
    keys += ("misses", "fragmentations", "targets", "median_ms")
    click.echo(f"\n{title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for row in rows:
        cells = (f"{row[key]:.3f}" if isinstance(row[key], float) else str(row[key]) for key in keys)
        click.echo(f"| {' | '.join(cells)} |")


def scene_configs(seeds: int) -> list[SceneConfig]:
    """The scenes: each clutter with each seed."""
    return [
        SceneConfig(clutter=clutter, seed=seed, frames=SCENE_FRAMES, targets=SCENE_TARGETS)
        for clutter in DIM_SCENES
        for seed in range(seeds)
    ]


def speed_of(sequences: Sequence[LabelledSequence]) -> float:
    """Median step of a true target from frame to frame, pixels."""
    steps = []
    for sequence in sequences:
        for before, after in zip(sequence.frames, sequence.frames[1:], strict=False):
            _, here, there = np.intersect1d(before.true_ids, after.true_ids, return_indices=True)
            offset = after.true_centres[there] - before.true_centres[here]
            steps += np.hypot(offset[:, 0], offset[:, 1]).tolist()
    return round(statistics.median(steps), 3) if steps else 0.0


def side_of(sequences: Sequence[LabelledSequence], threshold: float) -> float:
    """Median longer side of the detected boxes, pixels."""
    sides = [
        float(side)
        for sequence in sequences
        for frame in sequence.above(threshold).frames
        for side in (frame.detections.boxes[:, 2:] - frame.detections.boxes[:, :2]).max(axis=1)
    ]
    return round(statistics.median(sides), 2) if sides else 0.0


def time_crowds(frames: int = 300) -> list[dict[str, float]]:
    """Time of the tracker for a frame of 640 x 512 px, by how much is in it."""
    rows = []
    for targets, false_alarms in CROWDS:
        generator = np.random.default_rng(0)
        tracker = Tracker()
        starts = generator.random((targets, 2)) * (600, 480)
        steps = generator.normal(0.0, 1.0, (targets, 2))
        times = []
        for index in range(frames):
            clutter = generator.random((false_alarms, 2)) * (640, 512)
            centroids = np.concatenate([starts + steps * index, clutter])
            boxes = np.concatenate([centroids - 2.0, centroids + 2.0], axis=1).astype(np.float32)
            scores = generator.random(len(boxes)).astype(np.float32)
            classes = np.zeros(len(boxes), np.int64)
            started = time.perf_counter()
            tracker.update(index * 33_333_333, boxes, centroids, scores, classes)
            times.append(1e3 * (time.perf_counter() - started))
        percentiles = {f"p{p}_ms": round(float(np.percentile(times[10:], p)), 3) for p in (50, 90, 99)}
        rows.append({"targets": targets, "false_alarms": false_alarms, **percentiles})
    return rows


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder with mp4/, gt/, videos.csv. [no videos]"
)
@click.option("--split", default="val", show_default=True, help="Split of videos.csv.")
@click.option("--video", "names", multiple=True, help="Names of single videos instead of a split.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many videos.")
@click.option("--seeds", type=click.IntRange(min=0), default=2, show_default=True, help="Scenes a clutter.")
@click.option("--package", default="light-sgmtlm-reduced", show_default=True)
@click.option(
    "--score",
    "scores",
    type=click.FloatRange(LOWEST_SCORE, 1),
    multiple=True,
    help="[default: package's, 0.85]",
)
@click.option(
    "--birth", type=click.FloatRange(0, 1), default=0.85, show_default=True, help="Of the last rows."
)
@click.option("--cache", type=click.Path(path_type=Path), default=Path("runs/tracking"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the JSON.")
def main(
    data: Path | None,
    split: str,
    names: tuple[str, ...],
    limit: int | None,
    seeds: int,
    package: str,
    scores: tuple[float, ...],
    birth: float,
    cache: Path,
    output: Path | None,
) -> None:
    """Print the tables and write them as one JSON object."""
    report: dict[str, object] = {
        "package": package,
        "machine": describe_processor(),
        "settings": asdict(TrackerConfig()),
    }
    tables: dict[str, object] = {}
    try:
        config = DetectorConfig(runtime="cpu", precision="fp32", score_threshold=LOWEST_SCORE, threads=1)
        with Detector(package, config) as detector:
            own = detector.package.manifest.postprocess.score_threshold
            videos = list(names or videos_of_split(data, split)[1])[:limit] if data else []
            sets = {
                "videos": [video_sequence(data, name, detector, cache) for name in videos if data],
                "scenes": [scene_sequence(scene, detector, cache) for scene in scene_configs(seeds)],
            }
        sets["scenes, simulated detections"] = [simulated_sequence(scene) for scene in scene_configs(seeds)]
        for name, sequences in sets.items():
            if not sequences:
                continue
            thresholds = scores or (own, 0.85)
            simulated = "simulated" in name
            rows: list[dict[str, object]] = []
            for threshold in (LOWEST_SCORE,) if simulated else thresholds:
                rows += compare(sequences, threshold, None if simulated else birth)
            title = f"{name} ({split})" if name == "videos" and not names else name
            print_table(f"{title}, {len(sequences)} sequences", rows)
            tables[name] = {
                "sequences": [sequence.name for sequence in sequences],
                "median_step_px": speed_of(sequences),
                "median_box_side_px": side_of(sequences, LOWEST_SCORE if simulated else thresholds[0]),
                "rows": rows,
            }
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    crowds = time_crowds()
    for row in crowds:
        click.echo(
            f"\n{row['targets']} targets, {row['false_alarms']} false alarms: {row['p50_ms']} ms (median)"
        )
    report |= {"crowds": crowds, "split": None if names else split, "tables": tables}
    if output:
        output.mkdir(parents=True, exist_ok=True)
        path = output / ("tracking.json" if names or not data else f"tracking-{split}.json")
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        click.echo(f"\nwritten: {path}")


if __name__ == "__main__":
    main()
