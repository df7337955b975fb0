"""The calibration report as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_irdet.errors import AccuracyGateError, OutputFailedError
from edge_irdet.evaluation.image_report import EvaluationReport
from edge_irdet.export.precision.gate import GateResult
from edge_irdet.export.precision.profile import LayerProfile
from edge_irdet.export.precision.recipe import Recipe
from edge_irdet.export.precision.sensitivity import Cost, Sensitivity
from edge_irdet.files import write_bytes_atomically
from edge_irdet.package import Precision

REPORT_JSON, REPORT_MARKDOWN = "report.json", "report.md"


@dataclass(frozen=True)
class PrecisionOutcome:
    """One precision: its graph's figures and, for the reduced ones, the gate's verdict."""

    precision: Precision
    bytes: int
    """Size of the graph file."""

    milliseconds: float
    """Median time of one inference on the CPU runner."""

    report: EvaluationReport
    """Figures on the gate's frames, of FP16 emulated."""

    test: EvaluationReport | None
    """Figures of the graph itself on the test images, which decide nothing; None where none were given."""

    gate: GateResult | None
    """None for FP32."""

    blamed: str = ""
    """Worst layers, where the gate failed."""


@dataclass(frozen=True)
class CalibrationReport:
    """What was done and what came of it."""

    package: str
    variant: str
    recipe: Recipe
    calibration_set: str
    calibration_images: int
    gate_images: int
    orientations: int
    threads: int
    quantised_layers: int
    kept_layers: tuple[str, ...]
    """Convolutions before the last ones that the recipe keeps out of INT8."""

    outcomes: tuple[PrecisionOutcome, ...]
    """FP32 first."""

    profiles: tuple[LayerProfile, ...]
    """Of every convolution; against the INT8 graph where one was made."""

    sensitivity: dict[Precision, Sensitivity]

    @property
    def failed(self) -> tuple[PrecisionOutcome, ...]:
        """Outcomes that did not pass the gate."""
        return tuple(item for item in self.outcomes if item.gate is not None and not item.gate.passed)

    def require_passed(self) -> None:
        """Raise where a precision did not pass.

        Raises:
            AccuracyGateError: with the figures and the layers to blame.
        """
        if self.failed:
            told = "; ".join(
                f"{item.precision.value}: {', '.join(item.gate.failures)}; worst layers: {item.blamed}"
                for item in self.failed
                if item.gate is not None
            )
            raise AccuracyGateError(
                f"{told}. Nothing of {', '.join(item.precision.value for item in self.failed)} was put into "
                f"{self.package}",
                "keep these layers in higher precision (keep_float of the recipe) and run the command again",
            )


def write_report(report: CalibrationReport, folder: Path, machine: str) -> None:
    """Write ``report.json`` and ``report.md``.

    Args:
        report: of :func:`edge_irdet.export.precision.calibration.calibrate_package`.
        folder: made if it is not there.
        machine: what the times were measured on.

    Raises:
        OutputFailedError: the folder or a file could not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailedError(
            f"{folder} could not be made: {error.strerror}", "choose another folder with --report"
        ) from error
    content = json.dumps(report_dict(report, machine), indent=2, allow_nan=False) + "\n"
    write_bytes_atomically(folder / REPORT_JSON, content.encode())
    write_bytes_atomically(folder / REPORT_MARKDOWN, report_markdown(report, machine).encode())


def report_dict(report: CalibrationReport, machine: str) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "package": report.package,
        "variant": report.variant,
        "machine": machine,
        "recipe": report.recipe.to_dict(),
        "calibration": {"dataset": report.calibration_set, "images": report.calibration_images},
        "precisions": {
            item.precision.value: {
                "bytes": item.bytes,
                "cpu_ms": round(item.milliseconds, 2),
                "cpu_threads": report.threads,
                "gate_frames": item.report.to_dict(),
                "test": None if item.test is None else item.test.to_dict(),
                "gate": None if item.gate is None else item.gate.to_dict(),
                "blamed": item.blamed,
            }
            for item in report.outcomes
        },
        "kept_layers": list(report.kept_layers),
        "layers": [profile.to_dict() for profile in report.profiles],
        "sensitivity": {
            precision.value: {
                "stages": [cost.to_dict() for cost in found.stages],
                "layers": [cost.to_dict() for cost in found.layers],
            }
            for precision, found in report.sensitivity.items()
        },
    }


def report_markdown(report: CalibrationReport, machine: str) -> str:
    """The report to read."""
    gate = report.outcomes[0].report
    parts = [
        f"# Calibration of {report.package}\n",
        f"Variant {report.variant}, recipe `{report.recipe.name}`. INT8 ranges: "
        f"{report.recipe.int8.method.value} over {report.calibration_images} frames of "
        f"{report.calibration_set} (seed {report.recipe.int8.seed}), none of which the gate sees.\n",
        f"The gate: {report.gate_images} labelled frames of {gate.dataset} "
        f"({gate.images} images, {gate.targets} targets, score >= {gate.score_threshold:g}). "
        "mAP@0.5 and AP@3px may fall by 0.5 points, Pd by 1 point (or one target), Fa may rise by 10 % and "
        "2e-5. FP16 is judged with rounding after every operator, which the CPU runner itself leaves out.\n",
        "## Accuracy on the gate's frames\n",
        _accuracy((item, item.report) for item in report.outcomes),
    ]
    tested = [(item, item.test) for item in report.outcomes if item.test is not None]
    if tested:
        parts += [
            f"## Accuracy on {tested[0][1].dataset} ({tested[0][1].images} images, decides nothing)\n",
            "The graphs on the CPU runner, as `edge-irdet evaluate` measures them.\n",
            _accuracy(tested),
        ]
    parts += [
        f"Times: median of one inference on the CPU runner, {report.threads} thread(s), {machine}. They say "
        "nothing about a GPU: x86 kernels compute FP16 in FP32, and INT8 between conversions.\n",
        *(_verdict(item) for item in report.outcomes if item.gate is not None),
        f"\n{report.quantised_layers} convolutions are quantised, {len(report.kept_layers)} are kept in "
        f"higher precision by the recipe: {_patterns(report.recipe.int8.keep_float)}.\n",
    ]
    for precision, found in report.sensitivity.items():
        parts.append(_sensitivity(precision, found))
    parts.append(_layers(report))
    return "\n".join(parts)


def _patterns(patterns: Sequence[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _accuracy(rows: Iterable[tuple[PrecisionOutcome, EvaluationReport]]) -> str:
    return _table(
        ("precision", "mAP@0.5 %", "AP@3px %", "Pd %", "Fa", "false alarms", "size KiB", "CPU ms"),
        (
            (
                item.precision.value,
                _percent(report.map50),
                _percent(report.ap_3px),
                _percent(report.pd),
                "" if report.fa is None else f"{report.fa:.2e}",
                str(report.false_alarms),
                f"{item.bytes / 1024:.0f}",
                f"{item.milliseconds:.1f}",
            )
            for item, report in rows
        ),
    )


def _verdict(item: PrecisionOutcome) -> str:
    assert item.gate is not None
    if item.gate.passed:
        return f"- {item.precision.value}: passed"
    return f"- {item.precision.value}: **failed**: {'; '.join(item.gate.failures)}. Worst: {item.blamed}"


def _sensitivity(precision: Precision, found: Sensitivity) -> str:
    head = ("", "layers", "score error", "box error px", "mAP@0.5 fall", "AP@3px fall")
    return "\n".join(
        (
            f"## {precision.value}: what each stage costs when it alone is reduced\n",
            "Errors are root mean squares over boxes that FP32 scores at least 0.1; falls are in points, on "
            "the gate's frames as they are (one box that crosses IoU 0.5 moves mAP@0.5 by up to 2 points).\n",
            _table(head, map(_cost, found.stages)),
            f"## {precision.value}: layers of the guilty stages, one by one\n",
            _table(head, map(_cost, found.layers)),
        )
    )


def _cost(cost: Cost) -> tuple[str, ...]:
    falls = (
        "" if fall is None else f"{100 * fall:+.2f}".replace("-0.00", "+0.00")
        for fall in (cost.map50_fall, cost.ap_3px_fall)
    )
    return (cost.name, str(len(cost.layers)), f"{cost.score_error:.4f}", f"{cost.box_error:.3f}", *falls)


def _layers(report: CalibrationReport) -> str:
    return "\n".join(
        (
            "## Range and error of every convolution\n",
            "SQNR in dB: of the input and of the weight rounded to INT8 by themselves, and of the output in "
            "the INT8 graph against FP32, with the noise of all layers before.\n",
            _table(
                ("layer", "INT8", "input range", "input SQNR", "weight SQNR", "output range", "output SQNR"),
                (
                    (
                        profile.name,
                        "yes" if profile.quantised else "no",
                        f"{profile.input_range:.3g}",
                        f"{profile.input_sqnr:.1f}",
                        f"{profile.weight_sqnr:.1f}",
                        f"{profile.output_range:.3g}",
                        f"{profile.output_sqnr:.1f}",
                    )
                    for profile in report.profiles
                ),
            ),
        )
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"
