"""Counting found targets and false alarms at every threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_accuracy import (
    FALSE_ALARM_DISTANCE,
    FOUND_DISTANCES,
    THRESHOLDS,
    Tally,
    choose_threshold,
    rate_frame,
    videos_of,
)

from edge_irdet.errors import DatasetMissingError, OptionError
from edge_irdet.evaluation.matching import match_points


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
    assert chosen is not None
    assert tally.false_alarms[chosen] <= 10 < tally.false_alarms[chosen - 1] + 1
    tally.false_alarms += 20
    assert choose_threshold(tally, 0.1) is None


def test_videos_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        videos_of(tmp_path, "val", None, ())
    (tmp_path / "videos.csv").write_text("name,frames,split\nA,10,train\n")
    with pytest.raises(OptionError, match="val"):
        videos_of(tmp_path, "val", None, ())
    with pytest.raises(OptionError, match="'A'"):
        videos_of(tmp_path, "train", None, ())
    (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "A.csv").touch()
    (tmp_path / "list.txt").write_text("# a list\nA\n")
    assert videos_of(tmp_path, "val", tmp_path / "list.txt", ()) == ["A"]
