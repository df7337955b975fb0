from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import AccuracyGateError, CalibrationDataError
from edge_irdet.evaluation.image_report import EvaluationReport
from edge_irdet.export.precision.gate import GateBounds, judge_precision
from edge_irdet.package import Precision

FP32 = EvaluationReport(
    dataset="set",
    images=50,
    targets=200,
    map50=0.9,
    ap_3px=0.95,
    per_class_ap50={},
    per_class_ap_3px={},
    score_threshold=0.25,
    distance_px=3.0,
    pd=0.97,
    fa=1e-4,
    false_alarms=10,
    false_alarms_per_image=0.2,
    mask_source=None,
    saliency_threshold=None,
    iou=None,
    niou=None,
    saliency_pd=None,
    saliency_fa=None,
)


def failures(fp32: EvaluationReport = FP32, **changes: float | None) -> tuple[str, ...]:
    return judge_precision(Precision.INT8, fp32, replace(fp32, **changes)).failures


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"map50": 0.894}, "mAP@0.5 89.40 %, FP32 90.00 %"),
        ({"map50": None}, "mAP@0.5 none"),
        ({"map50": float("nan")}, "mAP@0.5"),
        ({"ap_3px": 0.944}, "AP@3px"),
        ({"pd": 0.959}, "Pd"),
        ({"fa": 1.31e-4}, "Fa 0.000131, FP32 0.0001, at most 0.00013"),
        ({"fa": None}, "Fa"),
        ({"fa": float("nan")}, "Fa"),
    ],
)
def test_a_figure_out_of_bounds_fails(changes: dict[str, float | None], word: str) -> None:
    found = failures(**changes)
    assert len(found) == 1
    assert found[0].startswith(word)


def test_zero_detections_fail_in_every_way_but_fa() -> None:
    assert len(failures(map50=0.0, ap_3px=0.0, pd=0.0, fa=0.0)) == 3


def test_the_bounds_themselves_pass() -> None:
    assert failures() == ()
    assert failures(map50=0.895, ap_3px=0.945, pd=0.96, fa=1.3e-4) == ()
    assert failures(map50=0.99, ap_3px=0.99, pd=1.0, fa=0.0) == ()


def test_on_few_targets_one_may_be_lost_and_not_two() -> None:
    few = replace(FP32, targets=50, pd=1.0)
    assert failures(few, pd=49 / 50) == ()
    assert failures(few, pd=48 / 50) != ()


@given(
    st.floats(0.1, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 1000),
    st.floats(0, 1),
    st.floats(0, 0.01),
)
def test_what_is_not_worse_passes(
    map50: float, ap_3px: float, pd: float, targets: int, gain: float, fa: float
) -> None:
    before = replace(FP32, map50=map50, ap_3px=ap_3px, pd=pd, targets=targets, fa=fa)
    assert failures(before, map50=map50 + gain, ap_3px=ap_3px + gain, pd=pd + gain, fa=fa * (1 - gain)) == ()


@given(st.floats(0.0051, 0.9))
def test_a_fall_of_more_than_half_a_point_never_passes(fall: float) -> None:
    assert failures(map50=0.9 - fall) != ()
    assert failures(ap_3px=0.95 - fall) != ()


def test_nothing_to_judge_on() -> None:
    with pytest.raises(CalibrationDataError, match="no target"):
        failures(replace(FP32, targets=0, map50=None, ap_3px=None, pd=None))
    with pytest.raises(AccuracyGateError, match=r"FP32 itself has mAP@0.5 9.00 %"):
        failures(replace(FP32, map50=0.09))


def test_the_verdict_for_the_manifest() -> None:
    result = judge_precision(Precision.INT8, FP32, replace(FP32, map50=0.5), GateBounds())
    told = result.to_dict()
    assert not result.passed
    assert told["passed"] is False
    assert told["fp32"]["map50"] == 0.9
    assert told["int8"]["map50"] == 0.5
    assert told["targets"] == 200
