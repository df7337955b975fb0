"""The accuracy gate: what a reduced precision may lose against FP32 on real labelled frames.

It compares what users see (average precision, found targets, false alarms). It never compares outputs as a
whole: a graph that detects nothing can have outputs whose pooled cosine with FP32's is 0.9999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_irdet.errors import AccuracyGateError, CalibrationDataError
from edge_irdet.evaluation.image_report import EvaluationReport
from edge_irdet.package import Precision


@dataclass(frozen=True)
class GateBounds:
    """Largest allowed losses; fractions, so 0.005 is half a point. No recipe holds or loosens them."""

    map50_fall: float = 0.005
    """Fall of mAP at IoU 0.5."""

    ap_3px_fall: float = 0.005
    """Fall of the average precision at a centre distance of 3 px."""

    pd_fall: float = 0.01
    """Fall of the probability of detection; one target where there are fewer than 100."""

    fa_factor: float = 1.1
    """Fa may be this much times FP32's, plus ``fa_slack``."""

    fa_slack: float = 2e-5
    """False pixels per pixel: about one false box of 8x8 px in 45 frames of 256x256."""

    least_map50: float = 0.1
    """mAP@0.5 under which FP32 itself detects too little for half a point to mean anything."""


@dataclass(frozen=True)
class GateResult:
    """One precision against FP32 on the same frames."""

    precision: Precision
    """The precision judged."""

    fp32: EvaluationReport
    """Figures of FP32."""

    reduced: EvaluationReport
    """Figures of the precision."""

    failures: tuple[str, ...]
    """What is out of bounds, in words; empty where the gate is passed."""

    @property
    def passed(self) -> bool:
        """Whether every figure is within its bound."""
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        """For the manifest and the report: what was judged on, and both sides' figures."""
        keys = ("map50", "ap_3px", "pd", "fa", "false_alarms")
        return {
            "dataset": self.reduced.dataset,
            "images": self.reduced.images,
            "targets": self.reduced.targets,
            "score_threshold": self.reduced.score_threshold,
            "fp32": {key: getattr(self.fp32, key) for key in keys},
            self.precision.value: {key: getattr(self.reduced, key) for key in keys},
            "passed": self.passed,
            "failures": list(self.failures),
        }


def judge_precision(
    precision: Precision, fp32: EvaluationReport, reduced: EvaluationReport, bounds: GateBounds | None = None
) -> GateResult:
    """Compare a precision's figures with FP32's.

    Raises:
        CalibrationDataError: the frames hold no target, so nothing can be judged.
        AccuracyGateError: FP32 itself detects next to nothing.
    """
    bounds = bounds or GateBounds()
    require_judgeable(fp32, bounds)
    failures: list[str] = []

    def compare(name: str, least: float, found: float | None, before: float | None) -> None:
        if found is None or before is None or not found >= least:  # also true for NaN
            failures.append(f"{name} {_percent(found)}, FP32 {_percent(before)}, at least {_percent(least)}")

    assert fp32.map50 is not None  # require_judgeable has seen to it
    assert fp32.ap_3px is not None
    assert fp32.pd is not None
    pd_fall = max(bounds.pd_fall, 1.0 / fp32.targets)
    tolerance = 1e-9  # one lost target of 50 is exactly one fiftieth, but not in floating point
    compare("mAP@0.5", fp32.map50 - bounds.map50_fall - tolerance, reduced.map50, fp32.map50)
    compare("AP@3px", fp32.ap_3px - bounds.ap_3px_fall - tolerance, reduced.ap_3px, fp32.ap_3px)
    compare("Pd", fp32.pd - pd_fall - tolerance, reduced.pd, fp32.pd)
    most = (fp32.fa or 0.0) * bounds.fa_factor + bounds.fa_slack
    if reduced.fa is None or not reduced.fa <= most:
        failures.append(f"Fa {reduced.fa}, FP32 {fp32.fa}, at most {most:.3g}")
    return GateResult(precision, fp32, reduced, tuple(failures))


def require_judgeable(fp32: EvaluationReport, bounds: GateBounds | None = None) -> None:
    """Check that FP32's figures can be lost from.

    Raises:
        CalibrationDataError, AccuracyGateError: see :func:`judge_precision`.
    """
    bounds = bounds or GateBounds()
    if not fp32.targets or fp32.map50 is None or fp32.ap_3px is None or fp32.pd is None:
        raise CalibrationDataError(
            f"the {fp32.images} gate frames of {fp32.dataset} hold no target",
            "name labelled frames with targets: --gate-split LIST",
        )
    if fp32.map50 < bounds.least_map50:
        raise AccuracyGateError(
            f"FP32 itself has mAP@0.5 {_percent(fp32.map50)} on {fp32.dataset}; under "
            f"{_percent(bounds.least_map50)} a loss of half a point says nothing",
            "train the model further, or name frames of its own domain: --gate-split LIST",
        )


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.2f} %"
