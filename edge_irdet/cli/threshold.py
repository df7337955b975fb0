"""``edge-irdet threshold``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
import msgspec
from rich.console import Console
from rich.table import Table

from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    data_option,
    layout_option,
    map16_option,
    nms_option,
    option,
    require_extra,
)
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.package import (
    DEFAULT_PACKAGE,
    MANIFEST_NAME,
    NmsRule,
    Precision,
    SixteenBitSpec,
    encode_manifest,
)

if TYPE_CHECKING:
    from edge_irdet.detection.detector import Detector

SHOWN_EVERY = 10
PLOT_SUFFIXES = (".png", ".svg")


@dataclass(frozen=True)
class _Point:
    """One threshold of the curve."""

    score: float
    found: float
    """Share of the targets."""

    alarms: float
    """Fa, or false alarms a frame."""

    number: int
    """False alarms in all."""


@dataclass(frozen=True)
class _Curve:
    """What a package does on the data that decide."""

    points: list[_Point]
    chosen: _Point
    rule: str
    dataset: str
    what: str
    """Of how many images or frames the curve is."""

    found_name: str
    alarms_name: str


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
    option(
        "--every",
        type=click.IntRange(min=1),
        metavar="N",
        show_default="1",
        help="Every N-th frame of videos.",
    ),
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
    option("--plot", type=FILE, help="PNG or SVG of the curve."),
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
    from edge_irdet.dataset.opening import DatasetLayout, detect_layout
    from edge_irdet.detection.detector import Detector, DetectorConfig
    from edge_irdet.engine.selection import CPU
    from edge_irdet.evaluation.operating_point import THRESHOLDS
    from edge_irdet.files import write_bytes_atomically

    if plot is not None:
        _check_plot(plot)
    rule = None if nms is None else NmsRule(nms)
    found = detect_layout(data).value if layout == DatasetLayout.AUTO.value else layout
    videos = found == DatasetLayout.VIDEOS.value
    misplaced = {
        "--every": videos or every is None,
        "--max-false-alarms": videos or max_false_alarms is None,
        "--max-fa": not videos or max_fa is None,
        "--validation-fraction": not videos or validation_fraction is None,
        "--split-seed": not videos or split_seed is None,
    }
    for name, right in misplaced.items():
        if not right:
            kind = "videos" if videos else "images"
            raise OptionError(f"{name} says nothing about {kind}, which {data} has", "leave it away")
    config = DetectorConfig(
        runtime=CPU,
        precision=Precision.FP32,
        score_threshold=THRESHOLDS[0],
        nms=rule,
        sixteen_bit=map16,
    )
    with Detector(package, config) as detector:
        if videos:
            limit = 0.1 if max_false_alarms is None else max_false_alarms
            curve = _video_curve(detector, data, split, every or 1, limit)
        else:
            own = {"validation_fraction": validation_fraction, "split_seed": split_seed}
            given = {name: value for name, value in own.items() if value is not None}
            curve = _image_curve(detector, data, split, found, given, 1e-5 if max_fa is None else max_fa)
        opened, spec = detector.package, detector.postprocess
    console = Console()
    console.print(_table(curve, f"{opened.manifest.name}, NMS {spec.nms.value}, {curve.what}"))
    console.print(f"chosen: score >= {curve.chosen.score:.2f}, the {curve.rule}")
    if plot is not None:
        _write_plot(curve, opened.manifest.name, plot)
        console.print(f"written: {plot}", highlight=False)
    if write:
        manifest = msgspec.structs.replace(
            opened.manifest,
            postprocess=msgspec.structs.replace(spec, score_threshold=curve.chosen.score),
            operating_point=_operating_point(curve, spec.nms),
        )
        write_bytes_atomically(opened.directory / MANIFEST_NAME, encode_manifest(manifest))
        console.print(f"written: {opened.directory / MANIFEST_NAME}", highlight=False)


def _image_curve(
    detector: Detector, data: Path, split: str, layout: str, given: dict[str, Any], max_fa: float
) -> _Curve:
    from edge_irdet.dataset.opening import read_dataset
    from edge_irdet.dataset.splits import split_as_trained
    from edge_irdet.evaluation.operating_point import choose_point, operating_curve
    from edge_irdet.evaluation.truth import Truth

    dataset = read_dataset(data, split, layout)
    training = {**detector.package.manifest.training.get("config", {}), **given}
    samples = list(dataset.subset(split_as_trained(dataset.names, training)[1]))
    predictions = []
    for sample in samples:
        detector.reset()  # stills are no sequence
        predictions.append(detector.detect(sample.image))
    sizes = [(sample.image.shape[1], sample.image.shape[0]) for sample in samples]
    curve = operating_curve(predictions, [Truth.of(sample) for sample in samples], sizes)
    points = [_Point(one.score_threshold, one.pd, one.fa, one.false_alarms) for one in curve]
    return _Curve(
        points,
        points[curve.index(choose_point(curve, max_fa))],
        f"highest Pd with Fa <= {max_fa:g}",
        f"the validation part of {dataset.name}",
        f"{len(samples)} validation images",
        "Pd",
        "Fa",
    )


def _video_curve(detector: Detector, data: Path, split: str, every: int, limit: float) -> _Curve:
    from edge_irdet.dataset.video_labels import videos_of_split
    from edge_irdet.evaluation.video_rates import (
        FOUND_DISTANCES,
        THRESHOLDS,
        choose_threshold,
        rate_videos,
    )

    name, videos = videos_of_split(data, split)
    overall = rate_videos(detector.detect, data, name, videos, every).overall
    chosen = choose_threshold(overall, limit)
    near = FOUND_DISTANCES[-1]
    points = [
        _Point(
            round(float(score), 2),
            float(overall.found[near][index]) / overall.targets,
            float(overall.false_alarms[index]) / overall.frames,
            int(overall.false_alarms[index]),
        )
        for index, score in enumerate(THRESHOLDS)
    ]
    return _Curve(
        points,
        points[chosen],
        f"most targets found within {near:g} px with at most {limit:g} false alarms a frame",
        name,
        f"{overall.frames} frames of {len(videos)} videos",
        f"found within {near:g} px",
        "false alarms a frame",
    )


def _operating_point(curve: _Curve, nms: NmsRule) -> dict[str, Any]:
    return {
        "rule": curve.rule,
        "dataset": f"{curve.dataset}, {curve.what}",
        "nms": nms.value,
        "score_threshold": curve.chosen.score,
        curve.found_name: round(curve.chosen.found, 6),
        curve.alarms_name: round(curve.chosen.alarms, 9),
        "false alarms": curve.chosen.number,
    }


def _table(curve: _Curve, title: str) -> Table:
    table = Table(title=title)
    for heading in ("score", curve.found_name, curve.alarms_name, "false alarms"):
        table.add_column(heading, justify="right")
    for index, point in enumerate(curve.points):
        if point is curve.chosen or index % SHOWN_EVERY == 0:
            style = "bold" if point is curve.chosen else None
            shown = (f"{point.score:.2f}", f"{100 * point.found:.2f} %", f"{point.alarms:.2e}")
            table.add_row(*shown, str(point.number), style=style)
    return table


def _check_plot(path: Path) -> None:
    require_extra("evaluate", "matplotlib")
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise OptionError(f"{path} is no PNG and no SVG", "name the plot something.png or something.svg")
    if not path.parent.is_dir():
        raise OutputFailedError(
            f"{path} cannot be made: there is no folder {path.parent}",
            "name a folder that exists with --plot",
        )


def _write_plot(curve: _Curve, name: str, path: Path) -> None:
    from edge_irdet.evaluation.operating_plot import write_plot

    write_plot(
        [(point.score, point.alarms, point.found) for point in curve.points],
        curve.points.index(curve.chosen),
        path,
        title=f"{name}, FP32, {curve.what}",
        axes=(curve.alarms_name, curve.found_name),
    )
