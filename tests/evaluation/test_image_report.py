from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import DatasetImageError, OptionError, RunnerError
from edge_irdet.evaluation.image_report import Prediction, evaluate


def perfect(sample):
    scores = np.linspace(0.9, 0.8, len(sample.boxes)).astype(np.float32)
    return Prediction(Detections(sample.boxes, scores, sample.classes), sample.mask.astype(np.float32))


def test_perfect_prediction(masked_dataset):
    report = evaluate(perfect, masked_dataset, score_threshold=0.5)
    assert report.dataset == "masked"
    assert (report.images, report.targets) == (3, 3)
    assert report.map50 == pytest.approx(1.0)
    assert report.ap_3px == pytest.approx(1.0)
    assert (report.pd, report.fa, report.iou, report.niou) == (1.0, 0.0, 1.0, 1.0)
    assert (report.saliency_pd, report.saliency_fa) == (1.0, 0.0)
    assert report.mask_source == "annotated"


def flawed(sample):
    """Image a: one hit at 0.9, the other target only at 0.2; b: a miss; c: a false alarm of 3x4."""
    found = {
        "a": [((5, 2, 9, 5), 0.9), ((40, 30, 42, 32), 0.2)],
        "b": [],
        "c": [((20, 20, 23, 24), 0.6)],
    }[sample.name]
    saliency = np.zeros(sample.image.shape, np.float32)
    if sample.name == "a":
        saliency[2:5, 5:7] = 0.5  # half of the first target's 12 pixels
    if sample.name == "c":
        saliency[10:12, 10:12] = 0.9
    detections = Detections(
        np.array([box for box, _ in found], np.float32).reshape(-1, 4),
        np.array([score for _, score in found], np.float32),
        np.zeros(len(found), np.int64),
    )
    return Prediction(detections, saliency)


def test_hand_computed_figures(masked_dataset):
    report = evaluate(flawed, masked_dataset, score_threshold=0.5)
    # Ranked: hit 0.9, false 0.6, hit 0.2 of three targets: to recall 1/3 (34 points) 1, to 2/3 (33) 2/3.
    assert report.map50 == pytest.approx((34 + 33 * 2 / 3) / 101)
    assert report.ap_3px == pytest.approx(report.map50)
    assert report.pd == pytest.approx(1 / 3)
    assert report.fa == 12 / 9000
    assert report.false_alarms == 1
    assert report.false_alarms_per_image == pytest.approx(1 / 3)
    assert report.iou == pytest.approx(6 / (12 + 4 + 9 + 4))
    assert report.niou == pytest.approx((6 / 16 + 0 + 0) / 3)
    assert report.saliency_pd == pytest.approx(1 / 3)
    assert report.saliency_fa == 4 / 9000
    assert report.per_class_ap50 == {"target": report.map50}


def test_score_threshold_is_inclusive_and_spares_average_precision(masked_dataset):
    strict = evaluate(flawed, masked_dataset, score_threshold=0.95)
    loose = evaluate(flawed, masked_dataset, score_threshold=float(np.float32(0.2)))
    assert strict.map50 == loose.map50
    assert strict.pd == 0.0
    assert loose.pd == pytest.approx(2 / 3)


def test_outcomes_name_what_was_missed(masked_dataset):
    outcomes = evaluate(flawed, masked_dataset, score_threshold=0.5).outcomes
    assert [outcome.name for outcome in outcomes] == ["a", "b", "c"]
    assert outcomes[0].match.missed.tolist() == [1]
    np.testing.assert_allclose(outcomes[0].target_scores, [0.9, 0.2])
    assert outcomes[1].target_scores.tolist() == [0.0]
    assert len(outcomes[2].match.false_alarms) == 1
    assert outcomes[0].target_boxes.tolist() == [[5, 2, 9, 5], [40, 30, 42, 32]]


def test_json_has_the_contracted_keys(masked_dataset):
    report = evaluate(flawed, masked_dataset, score_threshold=0.5)
    content = json.loads(report.to_json())
    assert {"map50", "ap_3px", "pd", "fa", "iou", "niou", "images"} <= set(content)
    assert "outcomes" not in content
    assert content == report.to_dict()
    assert content["map50"] == report.map50  # full precision
    assert content["score_threshold"] == 0.5


def test_model_without_saliency(masked_dataset):
    report = evaluate(
        lambda sample: Prediction(perfect(sample).detections), masked_dataset, score_threshold=0.5
    )
    assert report.iou is report.niou is report.saliency_pd is report.saliency_fa is None
    assert report.mask_source is report.saliency_threshold is None
    assert report.map50 == pytest.approx(1.0)
    assert json.loads(report.to_json())["iou"] is None


def test_masks_made_from_boxes_are_said_to_be(boxed_dataset):
    report = evaluate(perfect, boxed_dataset, score_threshold=0.5)
    assert report.mask_source == "boxes"
    assert report.iou == 1.0
    assert report.saliency_pd is None
    assert report.per_class_ap50 == {"drone": pytest.approx(1.0), "bird": None}
    assert report.per_class_ap_3px == {"drone": pytest.approx(1.0), "bird": None}


def test_set_without_any_target(masked_dataset):
    report = evaluate(perfect, masked_dataset.subset(["c"]), score_threshold=0.5)
    assert report.map50 is report.ap_3px is report.pd is None
    assert report.fa == 0.0


def test_progress(masked_dataset):
    seen = []
    evaluate(
        perfect, masked_dataset, score_threshold=0.5, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("thresholds", [{"score_threshold": 1.5}, {"score_threshold": float("nan")}])
def test_thresholds_out_of_range(masked_dataset, thresholds):
    with pytest.raises(OptionError, match="score threshold"):
        evaluate(perfect, masked_dataset, **thresholds)


def test_other_options_out_of_range(masked_dataset):
    with pytest.raises(OptionError, match="saliency threshold"):
        evaluate(perfect, masked_dataset, score_threshold=0.5, saliency_threshold=-0.1)
    with pytest.raises(OptionError, match="matching distance"):
        evaluate(perfect, masked_dataset, score_threshold=0.5, distance=0.0)


def test_class_the_set_does_not_have(masked_dataset):
    found = Detections(np.array([[0, 0, 2, 2]], np.float32), np.ones(1, np.float32), np.array([1]))
    with pytest.raises(
        OptionError, match="'a' has a detection of class 1, but the set has the 1 classes target"
    ):
        evaluate(lambda _: Prediction(found), masked_dataset, score_threshold=0.5)


@pytest.mark.parametrize(
    ("boxes", "scores"),
    [([[0, 0, np.nan, 2]], [0.5]), ([[0, 0, np.inf, 2]], [0.5]), ([[0, 0, 2, 2]], [np.nan])],
)
def test_values_that_are_not_numbers_end_the_evaluation(masked_dataset, boxes, scores):
    found = Detections(np.array(boxes, np.float32), np.array(scores, np.float32), np.zeros(1, np.int64))
    with pytest.raises(RunnerError, match="detections of 'a' hold values that are not numbers"):
        evaluate(lambda _: Prediction(found), masked_dataset, score_threshold=0.5)


@pytest.mark.parametrize(
    ("saliency", "problem"),
    [
        (np.zeros((60, 50), np.float32), r"has the shape \(60, 50\), its image \(50, 60\)"),
        (np.full((50, 60), np.nan, np.float32), "not numbers"),
    ],
)
def test_bad_saliency(masked_dataset, saliency, problem):
    with pytest.raises(RunnerError, match=problem):
        evaluate(lambda _: Prediction(Detections.none(), saliency), masked_dataset, score_threshold=0.5)


def test_saliency_for_some_images_only(masked_dataset):
    def sometimes(sample):
        whole = perfect(sample)
        return whole if sample.name == "b" else Prediction(whole.detections)

    with pytest.raises(RunnerError, match="only 1 of 3 predictions have a saliency map"):
        evaluate(sometimes, masked_dataset, score_threshold=0.5)


def test_failure_to_read_ends_the_evaluation(masked_dataset, tmp_path):
    (tmp_path / "masked" / "images" / "b.png").write_bytes(b"")
    with pytest.raises(DatasetImageError, match=r"b\.png is empty"):
        evaluate(perfect, masked_dataset, score_threshold=0.5)


def test_failure_of_the_prediction_ends_the_evaluation(masked_dataset):
    def broken(_):
        raise RunnerError("the engine stopped", "start it again")

    with pytest.raises(RunnerError, match="the engine stopped"):
        evaluate(broken, masked_dataset, score_threshold=0.5)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("edge_irdet.evaluation.image_report", ("pycocotools", "torch", "scipy", "onnx")),
        ("edge_irdet.evaluation.detection_probability", ("cv2", "pycocotools", "torch", "scipy")),
    ],
)
def test_imports_stay_light(module, absent):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {set(absent)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
