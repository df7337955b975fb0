"""The tracker's benchmark: its rules are checked by hand, its command runs on a small data set."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("motmetrics")

from tracking_data import LabelledSequence, TrackedFrame, link_identities
from tracking_score import score

from edge_irdet.dataset.video_labels import VideoLabel
from edge_irdet.detection.detections import Detections

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tracking.py"


def label(x: float, y: float) -> VideoLabel:
    return VideoLabel(0, "DRONE", (x - 5.0, y - 5.0, x + 5.0, y + 5.0))


def frame(index: int, true: dict[int, tuple[float, float]]) -> TrackedFrame:
    return TrackedFrame(
        capture_ns=index,
        detections=Detections.none(),
        true_ids=np.array(list(true), np.int64),
        true_centres=np.array(list(true.values()), np.float64).reshape(-1, 2),
    )


def test_labels_are_linked_by_distance_and_broken_at_cuts() -> None:
    labels = {
        0: [label(10, 10), label(100, 100)],
        1: [label(101, 100), label(12, 10)],  # another order
        3: [label(14, 10)],  # a frame without labels
        4: [label(60, 10), label(15, 10)],  # a cut, or a new target
        40: [label(60, 10)],  # too long after
    }
    linked = {index: ids.tolist() for index, ids in link_identities(labels).items()}
    assert linked == {0: [1, 2], 1: [2, 1], 3: [1], 4: [3, 1], 40: [4]}


def test_the_figures_of_a_hand_counted_sequence() -> None:
    """Two targets, five frames: one miss, one track 6 px off (a miss and a false positive), one switch."""
    places = {1: (10.0, 10.0), 2: (50.0, 50.0)}
    reported = [
        ([7, 8], [(10, 10), (50, 50)]),
        ([7], [(10, 10)]),
        ([7, 8], [(10, 10), (56, 50)]),
        ([9, 8], [(10, 14), (50, 50)]),
        ([9, 8], [(10, 10), (50, 50)]),
    ]
    answers = iter(reported)

    def follow(_: TrackedFrame) -> tuple[list[int], np.ndarray]:
        numbers, centres = next(answers)
        return numbers, np.array(centres, float)

    sequence = LabelledSequence("by hand", (64, 64), [frame(index, places) for index in range(5)])
    figures = score([sequence], lambda _: follow)
    assert (figures.misses, figures.false_positives, figures.switches) == (2, 1, 1)
    assert (figures.targets, figures.frames, figures.fragmentations) == (10, 5, 1)
    assert figures.mota == pytest.approx(1 - 4 / 10)
    # Numbers 7 (3 frames) and 8 (3 frames) suit the targets best: 2 * 6 / (10 targets + 9 reports).
    assert figures.idf1 == pytest.approx(12 / 19, abs=1e-4)


def test_sequences_of_lesser_streams() -> None:
    sequence = LabelledSequence("s", (64, 64), [frame(index, {1: (1, 1)}) for index in range(9)])
    thinned = sequence.thinned(3).frames
    assert [f.capture_ns for f in thinned] == [0, 1, 3, 4, 6, 7]
    assert [f.dropped_before for f in thinned] == [False, False, True, False, True, False]
    assert [f.capture_ns for f in sequence.sampled(4).frames] == [0, 4, 8]
    one = Detections(np.zeros((1, 4), np.float32), np.array([0.6], np.float32), np.zeros(1, np.int64))
    seen = LabelledSequence(
        "s", (64, 64), [TrackedFrame(i, one, np.zeros(0), np.zeros((0, 2))) for i in range(6)]
    )
    assert [len(f.detections) for f in seen.blinded(3, 1).frames] == [1, 1, 0, 1, 1, 0]
    assert [len(f.detections) for f in seen.above(0.7).frames] == [0] * 6


def test_the_command(tmp_path: Path) -> None:
    """A bright 6 px square on dark sky for 20 frames."""
    for folder in ("mp4", "gt"):
        (tmp_path / folder).mkdir()
    path = tmp_path / "mp4" / "one.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30, (320, 256))
    with (tmp_path / "gt" / "one.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow(["frame_idx0", "class", "x", "y", "w", "h"])
        for index in range(20):
            image = np.full((256, 320), 40, np.uint8)
            image[100:106, 100 + 2 * index : 106 + 2 * index] = 230
            writer.write(cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 0.8), cv2.COLOR_GRAY2BGR))
            rows.writerow([index, "DRONE", 98 + 2 * index, 98, 10, 10])
    writer.release()
    command = [sys.executable, str(BENCHMARK), "--data", str(tmp_path), "--video", "one", "--seeds", "0"]
    command += ["--score", "0.5", "--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "out")]
    for _ in range(2):  # the second time from the cache
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert finished.returncode == 0, finished.stderr
    report = json.loads((tmp_path / "out" / "tracking.json").read_text())
    assert "cores" in report["machine"]
    table = report["tables"]["videos"]
    assert table["median_step_px"] == pytest.approx(2.0)
    first = {row["tracker"]: row for row in table["rows"] if row["condition"] == "all frames"}
    assert first["distance"]["targets"] == 20
    assert first["distance"]["misses"] == 2  # until it is confirmed
    assert first["distance"]["switches"] == 0
    assert set(first) >= {"SORT (overlap)", "distance, coasting reported", "distance, birth from 0.85"}
    assert "| all frames | 0.500 | distance |" in finished.stdout
