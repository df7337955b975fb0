"""``edge-irdet calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    data_option,
    layout_option,
    map16_option,
    option,
    require_extra,
)
from edge_irdet.package import Precision, SixteenBitSpec, open_package

if TYPE_CHECKING:
    from edge_irdet.export.precision.calibration_report import CalibrationReport


class Precisions(click.ParamType[tuple[Precision, ...]]):
    """``int8``, ``fp16`` or both with a comma."""

    name = "int8,fp16"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Precision, ...]:
        """The precisions, without repetition."""
        if isinstance(value, tuple):
            return value
        known = {item.value: item for item in (Precision.INT8, Precision.FP16)}
        names = dict.fromkeys(part.strip() for part in str(value).split(","))
        unknown = [name for name in names if name not in known]
        if unknown:
            self.fail(f"{unknown[0]!r} is not one of {', '.join(known)}", param, ctx)
        return tuple(known[name] for name in names)


@cloup.command("calibrate", cls=Command, short_help="Add INT8 and FP16 graphs that pass an accuracy gate.")
@cloup.argument("package")
@cloup.option_group(
    "Data",
    data_option,
    option("--split", required=True, help="Train list: calibration frames are drawn from it."),
    layout_option,
    map16_option,
)
@cloup.option_group(
    "Calibration",
    option(
        "--precision",
        "precisions",
        type=Precisions(),
        metavar="LIST",
        default="int8,fp16",
        help="Which graphs to make.",
    ),
    option("--recipe", "recipe_file", type=FILE, help="YAML file; examples are in calibration/."),
)
@cloup.option_group(
    "Accuracy gate",
    option(
        "--gate-split",
        show_default="what the training held back of --split",
        help="List of images that decide.",
    ),
    option(
        "--orientations",
        type=click.IntRange(1, 8),
        default=8,
        metavar="N",
        help="Flips and transposes of each gate frame, so that half a point means something on few frames.",
    ),
)
@cloup.option_group(
    "Report",
    option("--test-split", help="List that is measured for the report and decides nothing."),
    option("--report", "report_folder", type=FILE, help="Folder for report.md and report.json."),
    option(
        "--sensitivity", is_flag=True, help="Also measure the cost of INT8 per stage and layer (minutes)."
    ),
)
@option("--threads", type=click.IntRange(min=1), default=1, metavar="N", help="CPU threads.")
def calibrate_command(
    package: str,
    data: Path,
    split: str,
    layout: str,
    recipe_file: Path | None,
    precisions: tuple[Precision, ...],
    gate_split: str | None,
    test_split: str | None,
    orientations: int,
    report_folder: Path | None,
    sensitivity: bool,
    threads: int,
    map16: SixteenBitSpec | None,
) -> None:
    """Add INT8 and FP16 graphs to PACKAGE, each only if it is as accurate as FP32 on real frames.

    The command fails and keeps nothing of a precision if mAP@0.5 or AP@3px falls by more than 0.5 points, or
    if Pd or Fa leave their bounds. The message names the layers to keep in higher precision.

    \b
    Example:
      edge-irdet calibrate my-package --data nuaa_sirst \\
        --split split73_grouped_train.txt \\
        --recipe calibration/light-sgmtlm-reduced.yaml
    """
    require_extra("train", "onnx", "yaml", "pycocotools")
    from edge_irdet.dataset.opening import read_dataset
    from edge_irdet.export.precision.calibration import CalibrationConfig, calibrate_package
    from edge_irdet.export.precision.calibration_report import write_report
    from edge_irdet.export.precision.recipe import Recipe, read_recipe
    from edge_irdet.machine.processor import describe_processor

    config = CalibrationConfig(
        recipe=Recipe() if recipe_file is None else read_recipe(recipe_file),
        precisions=precisions,
        orientations=orientations,
        sensitivity=sensitivity,
        threads=threads,
        sixteen_bit=map16,
    )
    opened = open_package(package)
    dataset = read_dataset(data, split, layout)
    with PlainConsole(stderr=True).status("reading") as status:
        report = calibrate_package(
            opened,
            dataset,
            config,
            gate=None if gate_split is None else read_dataset(data, gate_split, layout),
            test=None if test_split is None else read_dataset(data, test_split, layout),
            status=status.update,
        )
    if report_folder is not None:
        write_report(report, report_folder, describe_processor())
    _print_table(report)
    report.require_passed()
    PlainConsole().print(f"written: {opened.directory}\nnext: edge-irdet build {package} --precision auto")


def _print_table(report: CalibrationReport) -> None:
    gate = report.outcomes[0].report
    table = Table(
        title=f"{report.package} on {gate.dataset}:\n{gate.images} images, {gate.targets} targets, "
        f"score >= {gate.score_threshold:g}"
    )
    for column in ("precision", "mAP@0.5", "AP@3px", "Pd", "Fa", "KiB", "CPU ms", "gate"):
        table.add_column(column, justify="left" if column in ("precision", "gate") else "right")
    for item in report.outcomes:
        figures = item.report
        table.add_row(
            item.precision.value,
            *(f"{100 * (value or 0.0):.2f} %" for value in (figures.map50, figures.ap_3px, figures.pd)),
            f"{figures.fa or 0.0:.2e}",
            f"{item.bytes / 1024:.0f}",
            f"{item.milliseconds:.1f}",
            "" if item.gate is None else "passed" if item.gate.passed else "failed",
        )
    PlainConsole().print(table)
