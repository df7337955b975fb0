from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from doubles.samples import write_images_and_masks
from doubles.videos import FRAMES, write_video
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE
from edge_irdet.evaluation.predicting import evaluate_images, evaluate_videos, predict
from edge_irdet.evaluation.video_rates import THRESHOLDS


def low_scores(lowest: float = EVALUATION_SCORE) -> DetectorConfig:
    return DetectorConfig(runtime="cpu", score_threshold=lowest, threads=1)


def test_a_still_is_predicted_alone(tmp_path: Path) -> None:
    write_images_and_masks(tmp_path, 2, 96)
    first, second = read_dataset(tmp_path)
    with Detector(config=low_scores()) as detector:
        alone = predict(detector, second)
        predict(detector, first)
        after = predict(detector, second)
    assert alone.saliency is None
    np.testing.assert_array_equal(alone.detections.boxes, after.detections.boxes)


def test_images_are_evaluated_at_the_packages_threshold(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    write_images_and_masks(tmp_path, 3, 96)
    done: list[tuple[int, int]] = []
    with Detector(config=low_scores()) as detector:
        report = evaluate_images(
            detector, read_dataset(tmp_path), progress=lambda *counts: done.append(counts)
        )
        assert report.score_threshold == detector.package.manifest.postprocess.score_threshold
        assert evaluate_images(detector, read_dataset(tmp_path), 0.9).score_threshold == 0.9
    assert report.images == 3
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_a_detector_that_drops_what_is_counted_is_refused(tmp_path: Path) -> None:
    write_images_and_masks(tmp_path, 1, 96)
    with (
        Detector(config=DetectorConfig(runtime="cpu")) as detector,
        pytest.raises(OptionError, match=r"score_threshold=0\.001"),
    ):
        evaluate_images(detector, read_dataset(tmp_path))
    with (
        Detector(config=DetectorConfig(runtime="cpu")) as detector,
        pytest.raises(OptionError, match="score_threshold="),
    ):
        evaluate_videos(detector, tmp_path)


def test_videos_are_evaluated_by_their_split(tmp_path: Path) -> None:
    for name in "AB":
        write_video(tmp_path, name, [f"{n},DRONE,{14 + n},15,18,14" for n in range(FRAMES)])
    (tmp_path / "videos.csv").write_text(f"name,frames,split\nA,{FRAMES},val\nB,{FRAMES},test\n")
    with Detector(config=low_scores(float(THRESHOLDS[0]))) as detector:
        assert set(evaluate_videos(detector, tmp_path, "test", 10).videos) == {"B"}
        assert set(evaluate_videos(detector, tmp_path, None, 10).videos) == {"A", "B"}
