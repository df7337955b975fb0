"""``edge-irdet evaluate``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from rich.progress import Progress
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    THREADS,
    choice_of,
    data_option,
    every_option,
    json_option,
    layout_option,
    map16_option,
    nms_option,
    option,
    require_extra,
)
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.package import DEFAULT_PACKAGE, NmsRule, Precision, SixteenBitSpec

if TYPE_CHECKING:
    from edge_irdet.detection.detector import Detector, DetectorConfig
    from edge_irdet.evaluation.image_report import EvaluationReport
    from edge_irdet.evaluation.video_rates import VideoReport


@cloup.command("evaluate", cls=Command, short_help="Measure a package on labelled images or videos.")
@cloup.argument("package", default=DEFAULT_PACKAGE)
@cloup.option_group(
    "Data",
    data_option,
    option("--split", show_default="all", help="List of images; or split or list of videos."),
    layout_option,
    every_option,
    map16_option,
)
@cloup.option_group(
    "Detection",
    option("--precision", type=choice_of(Precision), default=Precision.FP32.value, help="Numeric precision."),
    option(
        "--score",
        type=click.FloatRange(0, 1),
        metavar="SCORE",
        show_default="the package's",
        help="Threshold for Pd and Fa, and for videos.",
    ),
    nms_option,
    option("--threads", **THREADS),
)
@cloup.option_group(
    "Report",
    json_option,
    option("--sheet", type=FILE, help="PNG of hits, misses and false alarms."),
)
def evaluate_command(
    package: str,
    data: Path,
    split: str | None,
    layout: str,
    every: int | None,
    precision: Precision,
    score: float | None,
    nms: NmsRule | None,
    sheet: Path | None,
    as_json: bool,
    threads: int,
    map16: SixteenBitSpec | None,
) -> None:
    """Measure PACKAGE (a directory or a shipped name) on labelled images or videos, on the CPU runtime.

    Images are rated by their boxes; videos, whose boxes are loose, by the distance of the centres.

    \b
    Examples:
      edge-irdet evaluate --data nuaa_sirst --split split73_grouped_test.txt \\
        --sheet sheet.png
      edge-irdet evaluate --data drone_ir_cc0 --split val --every 2
    """
    from edge_irdet.dataset.opening import DatasetLayout, detect_layout
    from edge_irdet.detection.detector import DetectorConfig
    from edge_irdet.engine.selection import CPU

    config = DetectorConfig(
        runtime=CPU,
        precision=Precision(precision),
        nms=None if nms is None else NmsRule(nms),
        sixteen_bit=map16,
        threads=threads,
    )
    found = detect_layout(data).value if layout == DatasetLayout.AUTO.value else layout
    if found == DatasetLayout.VIDEOS.value:
        if sheet is not None:
            raise OptionError("--sheet shows images of a list, and these are videos", "omit --sheet")
        _evaluate_videos(package, data, split, every or 1, config, score, as_json)
        return
    if every is not None:
        raise OptionError(f"--every takes every n-th frame of videos, and {data} has images", "omit --every")
    _evaluate_images(package, data, split, found, config, score, sheet, as_json)


def _evaluate_images(
    package: str,
    data: Path,
    split: str | None,
    layout: str,
    config: DetectorConfig,
    score: float | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    require_extra("evaluate", "pycocotools")
    from edge_irdet.dataset.opening import read_dataset
    from edge_irdet.detection.detector import Detector
    from edge_irdet.evaluation.average_precision import EVALUATION_SCORE
    from edge_irdet.evaluation.predicting import evaluate_images
    from edge_irdet.evaluation.sheet import write_sheet

    if sheet is not None and not os.path.isdir(sheet.parent):
        raise OutputFailedError(
            f"{sheet} cannot be made: there is no folder {sheet.parent}",
            "name a folder that exists with --sheet",
        )
    dataset = read_dataset(data, split, layout)
    with (
        Detector(package, replace(config, score_threshold=EVALUATION_SCORE)) as detector,
        Progress(console=PlainConsole(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("evaluating", total=len(dataset))
        report = evaluate_images(
            detector,
            dataset,
            score,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if sheet is not None:
        write_sheet(report, dataset, sheet)
    if as_json:
        print(report.to_json(), end="")
        return
    _print_table(report, _title(detector))


def _evaluate_videos(
    package: str,
    data: Path,
    split: str | None,
    every: int,
    config: DetectorConfig,
    score: float | None,
    as_json: bool,
) -> None:
    from edge_irdet.detection.detector import Detector
    from edge_irdet.evaluation.predicting import evaluate_videos
    from edge_irdet.evaluation.video_rates import THRESHOLDS, threshold_index

    with Detector(package, replace(config, score_threshold=float(THRESHOLDS[0]))) as detector:
        manifest = detector.package.manifest
        threshold = manifest.postprocess.score_threshold if score is None else score
        threshold_index(threshold)  # before minutes of work
        with Progress(console=PlainConsole(stderr=True), transient=True) as bar:
            task = bar.add_task("evaluating", total=None)
            report = evaluate_videos(
                detector,
                data,
                split,
                every,
                lambda video, done, total: bar.update(task, completed=done, total=total),
            )
    if as_json:
        print(report.to_json(threshold), end="")
        return
    _print_video_table(report, threshold, _title(detector))


def _title(detector: Detector) -> str:
    assert detector.precision is not None
    name, nms = detector.package.manifest.name, detector.postprocess.nms.value
    return f"{name} {detector.precision.value}, NMS {nms}"


def _print_video_table(report: VideoReport, score: float, what: str) -> None:
    from edge_irdet.evaluation.video_rates import FOUND_DISTANCES, THRESHOLDS, threshold_index

    index = threshold_index(score)
    frames = "every frame" if report.stride == 1 else f"one frame in {report.stride}"
    table = Table(
        title=f"{what}, on {report.dataset}: {len(report.videos)} videos, {frames}, "
        f"score >= {THRESHOLDS[index]:g}"
    )
    table.add_column("targets")
    table.add_column("number", justify="right")
    for limit in FOUND_DISTANCES:
        table.add_column(f"found within {limit:g} px", justify="right")
    table.add_column("false alarms per frame", justify="right")
    rows = [("all", report.overall), *sorted(report.by_class.items()), *report.by_size.items()]
    for name, tally in rows:
        if name != "all" and not tally.targets:
            continue
        rates = [
            _percent(float(tally.found[limit][index]) / tally.targets if tally.targets else None)
            for limit in FOUND_DISTANCES
        ]
        alarms = f"{tally.false_alarms[index] / tally.frames:.3f}" if tally.frames else ""
        table.add_row(name, str(tally.targets), *rates, alarms)
    PlainConsole().print(table)


def _print_table(report: EvaluationReport, what: str) -> None:
    table = Table(title=f"{what}, on {report.dataset}: {report.images} images")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("meaning")
    at = f"score >= {report.score_threshold:g}"
    near = f"{report.distance_px:g} px"
    rows = [
        ("mAP@0.5", _percent(report.map50), "average precision at IoU 0.5, mean of the classes"),
        ("AP@3px", _percent(report.ap_3px), "average precision at centre distance 3 px"),
        ("Pd", _percent(report.pd), f"targets found within {near}, {at}, of {report.targets}"),
        ("Fa", _scientific(report.fa), f"pixels of unmatched boxes / all pixels, {at}"),
        ("false alarms", f"{report.false_alarms}", f"unmatched boxes, {at}"),
        ("IoU", _percent(report.iou), "of the saliency map, whole set"),
        ("nIoU", _percent(report.niou), "of the saliency map, mean of the images"),
        ("saliency Pd", _percent(report.saliency_pd), f"components found within {near}"),
        ("saliency Fa", _scientific(report.saliency_fa), "pixels of unmatched components / all pixels"),
    ]
    for row in rows:
        if row[1]:
            table.add_row(*row)
    console = PlainConsole()
    console.print(table)
    if report.iou is None:
        console.print("no IoU and nIoU: the package was exported without its saliency head")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f} %"


def _scientific(value: float | None) -> str:
    return "" if value is None else f"{value:.2e}"
