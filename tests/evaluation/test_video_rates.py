"""Counting found targets and false alarms at every threshold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from doubles.videos import FRAMES, write_video
from edge_irdet.dataset.video_labels import VideoLabel
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import DatasetImageError, OptionError
from edge_irdet.evaluation.matching import match_points
from edge_irdet.evaluation.video_rates import (
    FALSE_ALARM_DISTANCE,
    FOUND_DISTANCES,
    THRESHOLDS,
    Tally,
    choose_threshold,
    label_size_class,
    rate_frame,
    rate_videos,
)


def at(score: float) -> int:
    return int(np.abs(THRESHOLDS - score).argmin())


def test_one_frame_by_hand() -> None:
    # The target at (50, 50): one detection 4 px off, a better one 1 px off, and one far from everything.
    scores = np.array([0.9, 0.6, 0.3], np.float32)
    centres = np.array([[54, 50], [51, 50], [150, 20]], np.float32)
    tally, found = rate_frame(scores, centres, np.array([[50.0, 50.0]]))
    assert tally.found[5.0][at(0.8)] == 1
    assert tally.found[3.0][at(0.8)] == 0
    assert tally.found[3.0][at(0.5)] == 1
    assert [tally.false_alarms[at(score)] for score in (0.95, 0.8, 0.5, 0.2)] == [0, 0, 1, 2]
    assert [tally.doubles[at(score)] for score in (0.8, 0.5, 0.2)] == [0, 1, 1]
    assert found[5.0].shape == (len(THRESHOLDS), 1)


def test_a_frame_with_nothing_in_it() -> None:
    none = np.zeros((0, 2))
    tally, _ = rate_frame(np.zeros(0, np.float32), none.astype(np.float32), none)
    assert (tally.frames, tally.targets) == (1, 0)
    tally, _ = rate_frame(np.full(1, 0.5, np.float32), np.zeros((1, 2), np.float32), none)
    assert (tally.false_alarms[at(0.4)], tally.doubles[at(0.4)]) == (1, 0)


@given(st.integers(0, 10_000))
def test_every_threshold_agrees_with_matching_it_alone(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count, targets = generator.integers(0, 8), generator.uniform(0, 40, (generator.integers(0, 4), 2))
    scores = generator.uniform(0, 1, count).round(2).astype(np.float32)
    centres = generator.uniform(0, 40, (count, 2)).astype(np.float32)
    tally, _ = rate_frame(scores, centres, targets)
    for index in generator.integers(0, len(THRESHOLDS), 5):
        kept = centres[scores >= THRESHOLDS[index]]
        for limit in FOUND_DISTANCES:
            assert tally.found[limit][index] == len(match_points(kept, targets, limit).pairs)
        alarms = match_points(kept, targets, FALSE_ALARM_DISTANCE).false_alarms
        assert tally.false_alarms[index] == len(alarms)


def test_the_threshold_is_the_best_that_keeps_the_limit() -> None:
    tally = Tally(frames=100, targets=100)
    tally.found[5.0] = np.linspace(100, 50, len(THRESHOLDS)).astype(np.int64)
    tally.false_alarms = np.linspace(50, 0, len(THRESHOLDS)).astype(np.int64)
    chosen = choose_threshold(tally, 0.1)
    assert tally.false_alarms[chosen] <= 10 < tally.false_alarms[chosen - 1] + 1
    tally.false_alarms += 20
    with pytest.raises(OptionError, match=r"the least is 0\.2"):
        choose_threshold(tally, 0.1)
    with pytest.raises(OptionError, match="no target"):
        choose_threshold(Tally(frames=100), 0.1)


@pytest.mark.parametrize(
    ("side", "name"), [(2, "under 3 px"), (3, "3 to 5 px"), (7, "5 to 8 px"), (12, "12 px and more")]
)
def test_the_size_is_that_of_the_target_not_of_its_box(side: int, name: str) -> None:
    image = np.full((64, 64), 40, np.uint8)
    image[30 : 30 + side, 20 : 20 + side] = 220
    assert label_size_class(image, VideoLabel(0, "BIRD", (14.0, 24.0, 40.0, 50.0))) == name
    assert label_size_class(image, VideoLabel(0, "BIRD", (-20.0, 24.0, 0.5, 50.0))) == "at the rim"


def detect_bright(image: NDArray[np.uint8]) -> Detections:
    rows, columns = np.nonzero(image > 150)
    if not len(rows):
        return Detections.none()
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return Detections(np.array([box], np.float32), np.full(1, 0.8, np.float32), np.zeros(1, np.int64))


def test_videos_are_rated_by_class_and_size(tmp_path: Path) -> None:
    # Every second label of B lies 30 px off.
    write_video(tmp_path, "A", [f"{frame},DRONE,{14 + frame},15,18,14" for frame in range(FRAMES)])
    offs = [f"{frame},BIRD,{14 + frame},{15 + 30 * (frame % 2)},18,14" for frame in range(FRAMES)]
    write_video(tmp_path, "B", offs)
    (tmp_path / "videos.csv").write_text(f"name,frames,split\nA,{FRAMES},val\nB,{FRAMES},val\n")
    seen = []
    report = rate_videos(
        detect_bright, tmp_path, "set/val", ("A", "B"), on_video=lambda name, *_: seen.append(name)
    )
    index = at(0.5)
    assert seen == ["A", "B"]
    assert report.overall.frames == report.overall.targets == 2 * FRAMES
    assert report.by_class["DRONE"].found[3.0][index] == FRAMES
    assert report.by_class["BIRD"].found[5.0][index] == report.videos["B"].frames - FRAMES // 2
    assert report.videos["B"].false_alarms[index] == FRAMES // 2
    assert sum(tally.targets for tally in report.by_size.values()) == 2 * FRAMES
    assert rate_videos(detect_bright, tmp_path, "set/val", ("A",), 10).overall.frames == 4
    figures = json.loads(report.to_json(0.5))
    assert figures["videos"]["A"]["detection_rate"] == {"3_px": 1.0, "5_px": 1.0}
    assert figures["all"]["false_alarms_per_frame"] == pytest.approx(FRAMES // 2 / (2 * FRAMES), abs=1e-4)


def test_a_video_that_is_cut_short_is_no_result(tmp_path: Path) -> None:
    write_video(tmp_path, "A", [])
    (tmp_path / "videos.csv").write_text("name,frames,split\nA,90,val\n")
    with pytest.raises(DatasetImageError, match="31 of 90"):
        rate_videos(detect_bright, tmp_path, "set/val", ("A",))
    with pytest.raises(OptionError, match="no video"):
        rate_videos(detect_bright, tmp_path, "set/val", ())
