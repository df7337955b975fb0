from __future__ import annotations

import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.operating_point import OperatingPoint, choose_point, operating_curve
from edge_irdet.evaluation.truth import Truth


def detections(*rows: tuple[float, float, float]) -> Detections:
    """Boxes of 2 px around (x, y) with a score, best first."""
    ordered = sorted(rows, key=lambda row: -row[2])
    boxes = np.array([[x - 1, y - 1, x + 1, y + 1] for x, y, _ in ordered], np.float32).reshape(-1, 4)
    scores = np.array([row[2] for row in ordered], np.float32)
    return Detections(boxes, scores, np.zeros(len(ordered), np.int64))


def truth(*centres: tuple[float, float]) -> Truth:
    boxes = np.array([[x - 1, y - 1, x + 1, y + 1] for x, y in centres], np.float32).reshape(-1, 4)
    return Truth(boxes, np.zeros(len(boxes), np.int64))


PREDICTIONS = [detections((10, 10, 0.9), (30, 30, 0.6)), detections((10, 10, 0.5), (40, 40, 0.3))]
TRUTHS = [truth((10, 10)), truth((10, 10), (20, 40))]
SIZES = [(50, 50), (50, 50)]


def test_the_curve_by_hand() -> None:
    curve = {point.score_threshold: point for point in operating_curve(PREDICTIONS, TRUTHS, SIZES)}
    assert curve[0.95] == OperatingPoint(0.95, 0.0, 0.0, 0)
    assert curve[0.7] == OperatingPoint(0.7, 1 / 3, 0.0, 0)
    assert curve[0.55] == OperatingPoint(0.55, 1 / 3, 4 / 5000, 1)
    assert curve[0.4] == OperatingPoint(0.4, 2 / 3, 4 / 5000, 1)
    assert curve[0.2] == OperatingPoint(0.2, 2 / 3, 8 / 5000, 2)


@pytest.mark.parametrize(("max_fa", "threshold"), [(0.0, 0.9), (1e-3, 0.5), (1.0, 0.5)])
def test_the_highest_pd_within_the_limit_and_no_lower_a_threshold_than_needed(
    max_fa: float, threshold: float
) -> None:
    assert choose_point(operating_curve(PREDICTIONS, TRUTHS, SIZES), max_fa).score_threshold == threshold


def test_a_limit_that_nothing_keeps() -> None:
    with pytest.raises(OptionError, match="the least is"):
        choose_point([OperatingPoint(0.5, 1.0, 1e-3, 5)], 1e-5)


def test_without_targets_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(OptionError, match="no target"):
        operating_curve([detections((1, 1, 0.9))], [truth()], [(50, 50)])
