"""``edge-irdet threshold``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cloup
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    data_option,
    every_option,
    layout_option,
    map16_option,
    nms_option,
    option,
    require_extra,
)
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.package import DEFAULT_PACKAGE, MANIFEST_NAME, NmsRule, Precision, SixteenBitSpec

if TYPE_CHECKING:
    from edge_irdet.evaluation.threshold import ThresholdChoice

SHOWN_EVERY = 10
PLOT_SUFFIXES = (".png", ".svg")


@cloup.command("threshold", cls=Command, short_help="Choose a package's score threshold by a rule.")
@cloup.argument("package", default=DEFAULT_PACKAGE)
@cloup.option_group(
    "Data",
    data_option,
    option(
        "--split",
        required=True,
        help="Train list, whose validation part decides as in training; of videos those held back.",
    ),
    layout_option,
    every_option,
    option(
        "--validation-fraction",
        type=float,
        metavar="SHARE",
        show_default="the training's",
        help="Share of images that was held back.",
    ),
    option(
        "--split-seed",
        type=int,
        metavar="N",
        show_default="the training's",
        help="Seed of the choice of the images held back.",
    ),
    map16_option,
)
@cloup.option_group(
    "Rule",
    option(
        "--max-fa",
        type=click.FloatRange(0, 1),
        metavar="FA",
        show_default="1e-05",
        help="Largest Fa on images.",
    ),
    option(
        "--max-false-alarms",
        type=click.FloatRange(min=0),
        metavar="N",
        show_default="0.1",
        help="Most false alarms per frame on videos.",
    ),
    nms_option,
)
@cloup.option_group(
    "Result",
    option("--plot", type=FILE, help="PNG or SVG of the choice."),
    option("--write", is_flag=True, help="Store threshold and rule in the package."),
)
def threshold_command(
    package: str,
    data: Path,
    split: str,
    layout: str,
    every: int | None,
    validation_fraction: float | None,
    split_seed: int | None,
    max_fa: float | None,
    max_false_alarms: float | None,
    nms: NmsRule | None,
    plot: Path | None,
    write: bool,
    map16: SixteenBitSpec | None,
) -> None:
    """Choose the score threshold of PACKAGE on data that it was not trained on.

    On images: the highest Pd whose Fa stays within a limit. On videos: the most targets found within 5 px,
    with false alarms per frame within a limit.

    \b
    Examples:
      edge-irdet threshold my-package --data nuaa_sirst \\
        --split split73_grouped_train.txt --write
      edge-irdet threshold my-package --data drone_ir_cc0 \\
        --split held_back.txt --plot curve.svg
    """
    from edge_irdet.dataset.opening import DatasetLayout, detect_layout, read_dataset
    from edge_irdet.detection.detector import Detector, DetectorConfig
    from edge_irdet.engine.selection import CPU
    from edge_irdet.evaluation.operating_point import THRESHOLDS
    from edge_irdet.evaluation.threshold import (
        MAX_FA,
        MAX_FALSE_ALARMS,
        choose_on_images,
        choose_on_videos,
        write_threshold,
    )

    if plot is not None:
        _check_plot(plot)
    found = detect_layout(data).value if layout == DatasetLayout.AUTO.value else layout
    videos = found == DatasetLayout.VIDEOS.value
    of_videos = {"--every": every, "--max-false-alarms": max_false_alarms}
    of_images = {
        "--max-fa": max_fa,
        "--validation-fraction": validation_fraction,
        "--split-seed": split_seed,
    }
    for name, value in (of_images if videos else of_videos).items():
        if value is not None:
            kind = "videos" if videos else "images"
            raise OptionError(f"{name} has no meaning for {kind}, and {data} has {kind}", f"omit {name}")
    config = DetectorConfig(
        runtime=CPU,
        precision=Precision.FP32,
        score_threshold=THRESHOLDS[0],
        nms=nms,
        sixteen_bit=map16,
    )
    with Detector(package, config) as detector:
        if videos:
            limit = MAX_FALSE_ALARMS if max_false_alarms is None else max_false_alarms
            choice = choose_on_videos(detector, data, split, limit, every or 1)
        else:
            own = {"validation_fraction": validation_fraction, "split_seed": split_seed}
            given = {name: value for name, value in own.items() if value is not None}
            dataset = read_dataset(data, split, found)
            choice = choose_on_images(detector, dataset, MAX_FA if max_fa is None else max_fa, given)
        opened = detector.package
    console = PlainConsole()
    model = opened.manifest.name
    console.print(_table(choice, f"{model}, NMS {choice.postprocess.nms.value}, {choice.extent}"))
    console.print(f"chosen: score >= {choice.chosen.score:.2f}, the {choice.rule}")
    if plot is not None:
        _write_plot(choice, model, plot)
        console.print(f"written: {plot}", highlight=False)
    if write:
        write_threshold(opened, choice)
        console.print(f"written: {opened.directory / MANIFEST_NAME}", highlight=False)


def _table(choice: ThresholdChoice, title: str) -> Table:
    table = Table(title=title)
    for heading in ("score", choice.found_name, choice.alarms_name, "false alarms"):
        table.add_column(heading, justify="right")
    for index, point in enumerate(choice.points):
        if point is choice.chosen or index % SHOWN_EVERY == 0:
            style = "bold" if point is choice.chosen else None
            shown = (f"{point.score:.2f}", f"{100 * point.found:.2f} %", f"{point.alarms:.2e}")
            table.add_row(*shown, str(point.false_alarms), style=style)
    return table


def _check_plot(path: Path) -> None:
    require_extra("evaluate", "matplotlib")
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise OptionError(
            f"{path} is neither a PNG nor an SVG", "name the plot something.png or something.svg"
        )
    if not os.path.isdir(path.parent):
        raise OutputFailedError(
            f"{path} cannot be made: there is no folder {path.parent}",
            "name a folder that exists with --plot",
        )


def _write_plot(choice: ThresholdChoice, name: str, path: Path) -> None:
    from edge_irdet.evaluation.operating_plot import write_plot

    write_plot(
        [(point.score, point.alarms, point.found) for point in choice.points],
        choice.points.index(choice.chosen),
        path,
        title=f"{name}, FP32, {choice.extent}",
        axes=(choice.alarms_name, choice.found_name),
    )
