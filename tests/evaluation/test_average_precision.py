from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import ExtraMissingError, OptionError
from edge_irdet.errors.installation import install_step
from edge_irdet.evaluation.average_precision import average_precision
from edge_irdet.evaluation.truth import Truth

FIRST, SECOND, ELSEWHERE = (10, 10, 14, 14), (50, 10, 54, 14), (80, 80, 84, 84)

TP_FP_TP = (51 * 1.0 + 50 * 2 / 3) / 101
"""Of two targets: precision 1 up to recall 0.5 (51 of the 101 points), then 2/3."""


def truth(*boxes: tuple[float, ...], classes: tuple[int, ...] | None = None) -> Truth:
    indices = np.zeros(len(boxes), np.int64) if classes is None else np.array(classes, np.int64)
    return Truth(np.array(boxes, np.float32).reshape(-1, 4), indices)


def both(result) -> tuple[float | None, float | None]:
    return result.mean_iou50, result.mean_3px


def test_hit_false_alarm_hit(detections):
    found = detections((FIRST, 0.9), (ELSEWHERE, 0.8), (SECOND, 0.7))
    result = average_precision([found], [truth(FIRST, SECOND)])
    assert both(result) == pytest.approx((TP_FP_TP, TP_FP_TP))
    assert result.per_class_iou50 == {0: pytest.approx(TP_FP_TP)}
    assert result.per_class_3px == {0: pytest.approx(TP_FP_TP)}


def test_false_alarm_in_an_image_without_targets_counts(detections):
    predictions = [detections((FIRST, 0.9), (SECOND, 0.7)), detections((ELSEWHERE, 0.8))]
    assert both(average_precision(predictions, [truth(FIRST, SECOND), truth()])) == pytest.approx(
        (TP_FP_TP,) * 2
    )


def test_false_alarm_above_all_hits_halves_the_precision(detections):
    predictions = [detections((FIRST, 0.9)), detections((ELSEWHERE, 0.95))]
    assert both(average_precision(predictions, [truth(FIRST), truth()])) == pytest.approx((0.5, 0.5))


def test_false_alarms_below_all_hits_cost_nothing(detections):
    found = detections((FIRST, 0.9), *((ELSEWHERE, 0.1 - i / 1000) for i in range(50)))
    assert both(average_precision([found], [truth(FIRST)])) == pytest.approx((1.0, 1.0))


def test_second_detection_of_the_very_first_target_is_false(detections):
    # With ids from 0 pycocotools would take the first target for free again and give 1.
    found = detections((FIRST, 0.9), (FIRST, 0.8), (SECOND, 0.7))
    assert both(average_precision([found], [truth(FIRST, SECOND)])) == pytest.approx((TP_FP_TP, TP_FP_TP))


def test_missed_target_bounds_the_recall(detections):
    result = average_precision([detections((FIRST, 0.9))], [truth(FIRST, SECOND)])
    assert both(result) == pytest.approx((51 / 101, 51 / 101))


def test_no_detections():
    assert both(average_precision([Detections.none()], [truth(FIRST)])) == (0.0, 0.0)


def test_no_targets_is_none_not_zero(detections):
    for predictions in ([], [Detections.none()], [detections((FIRST, 0.9))]):
        result = average_precision(predictions, [truth()] * len(predictions))
        assert both(result) == (None, None)
        assert result.per_class_iou50 == result.per_class_3px == {}


@pytest.mark.parametrize(("height", "counts"), [(8, 1.0), (8.125, 0.0)])
def test_iou_of_exactly_one_half_counts(detections, height, counts):
    result = average_precision([detections(((0, 0, 4, height), 0.9))], [truth((0, 0, 4, 4))])
    assert result.mean_iou50 == pytest.approx(counts)


@pytest.mark.parametrize(
    ("shift", "counts"), [((3, 0), 1.0), ((0, -3), 1.0), ((3.0078125, 0), 0.0), ((1.5, 2.625), 0.0)]
)
def test_distance_of_exactly_three_pixels_counts(detections, shift, counts):
    moved = (10 + shift[0], 10 + shift[1], 14 + shift[0], 14 + shift[1])
    result = average_precision([detections((moved, 0.9))], [truth(FIRST)])
    assert result.mean_3px == pytest.approx(counts)
    assert result.mean_iou50 == 0.0


def test_distance_does_not_care_for_the_size_of_the_box(detections):
    result = average_precision([detections(((2, 2, 22, 22), 0.9))], [truth(FIRST)])
    assert both(result) == pytest.approx((0.0, 1.0))


def test_nearer_target_is_taken(detections):
    # The first detection lies within 3 px of both targets and takes the nearer; the second finds the other.
    targets = truth((10, 10, 12, 12), (14, 10, 16, 12))
    found = detections(((12.5, 10, 14.5, 12), 0.9), ((9, 10, 11, 12), 0.8))
    assert average_precision([found], [targets]).mean_3px == pytest.approx(1.0)


def test_classes_are_apart_and_those_without_targets_stay_out_of_the_mean(detections):
    found = detections((FIRST, 0.9, 0), (SECOND, 0.8, 0), (ELSEWHERE, 0.7, 5))
    result = average_precision([found], [truth(FIRST, SECOND, classes=(0, 2))])
    assert result.per_class_iou50 == {0: pytest.approx(1.0), 2: 0.0}
    assert result.mean_iou50 == pytest.approx(0.5)


def test_detections_beyond_three_hundred_are_not_counted(detections):
    crowd = [(ELSEWHERE, 0.9 - i / 1000) for i in range(300)]
    assert both(average_precision([detections(*crowd, (FIRST, 0.1))], [truth(FIRST)])) == (0.0, 0.0)
    assert average_precision([detections(*crowd[:-1], (FIRST, 0.1))], [truth(FIRST)]).mean_3px > 0.0


def test_lists_of_different_length(detections):
    with pytest.raises(OptionError, match="1 predictions for 2 images"):
        average_precision([detections()], [truth(), truth()])


def test_pycocotools_prints_nothing(detections, capfd):
    average_precision([detections((FIRST, 0.9))], [truth(FIRST)])
    assert capfd.readouterr() == ("", "")


def test_missing_pycocotools(detections, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(ExtraMissingError) as caught:
        average_precision([detections()], [truth()])
    assert caught.value.next_step == install_step("evaluate")


def interpolated(hits: list[bool], targets: int) -> float:
    """101-point average precision of ranked detections, written down from its definition."""
    found = np.cumsum(hits)
    recall, precision = found / targets, found / np.arange(1, len(hits) + 1)
    # No tolerance at the recall points: 7/10 is just below linspace's 0.7, and COCO leaves it there.
    return float(np.mean([max(precision[recall >= r], default=0.0) for r in np.linspace(0, 1, 101)]))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Detections], list[Truth], np.random.Generator]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    predictions, truths = [], []
    count = draw(st.integers(1, 4))
    # Distinct scores: the order of equal ones would depend on the order of the images.
    scores = np.linspace(0.05, 0.95, 40)[random.permutation(40)]
    for image in range(count):
        centres = random.uniform(0, 60, (random.integers(1 if image == 0 else 0, 5), 2))
        truths.append(truth(*np.concatenate([centres - 2, centres + 2], axis=1).tolist()))
        near = centres + random.normal(0, 2, centres.shape)
        guesses = np.concatenate([near[random.random(len(near)) < 0.8], random.uniform(0, 60, (2, 2))])
        own = np.sort(scores[image * 10 : image * 10 + len(guesses)])[::-1].astype(np.float32)
        guessed = np.concatenate([guesses - 2, guesses + 2], axis=1).astype(np.float32)
        predictions.append(Detections(guessed, own, np.zeros(len(guesses), np.int64)))
    return predictions, truths, random


@given(scenes())
@settings(max_examples=40)
def test_agrees_with_the_definition_by_distance(scene):
    predictions, truths, _ = scene
    ranked: list[tuple[float, bool]] = []
    for found, true in zip(predictions, truths, strict=True):
        centres = (true.boxes[:, :2].astype(float) + true.boxes[:, 2:]) / 2
        free = np.ones(len(centres), bool)
        for centre, score in zip(found.centres.astype(float), found.scores, strict=True):
            separations = np.where(free, np.hypot(*(centres - centre).T), np.inf)
            hit = bool(len(separations) and separations.min() <= 3.0)
            if hit:
                free[separations.argmin()] = False
            ranked.append((float(score), hit))
    ranked.sort(key=lambda entry: -entry[0])
    expected = interpolated([hit for _, hit in ranked], sum(len(true.boxes) for true in truths))
    assert average_precision(predictions, truths).mean_3px == pytest.approx(expected, abs=1e-9)


@given(scenes())
@settings(max_examples=25)
def test_order_of_images_and_targets_does_not_matter(scene):
    predictions, truths, random = scene
    order = random.permutation(len(truths))
    reversed_truths = [Truth(true.boxes[::-1], true.classes[::-1]) for true in truths]
    expected = both(average_precision(predictions, truths))
    shuffled = average_precision([predictions[i] for i in order], [reversed_truths[i] for i in order])
    assert both(shuffled) == pytest.approx(expected)
    assert all(0.0 <= value <= 1.0 for value in expected)


@given(scenes())
@settings(max_examples=25)
def test_perfect_detections_give_one(scene):
    _, truths, random = scene
    perfect = [
        Detections(true.boxes, np.sort(random.random(len(true.boxes)))[::-1].astype(np.float32), true.classes)
        for true in truths
    ]
    assert both(average_precision(perfect, truths)) == pytest.approx((1.0, 1.0))
