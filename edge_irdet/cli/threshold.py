"""``edge-irdet threshold``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from edge_irdet.cli.options import choice_of, map16_option
from edge_irdet.package import DEFAULT_PACKAGE, MANIFEST_NAME, NmsRule, SixteenBitSpec, encode_manifest

SHOWN_EVERY = 10


@click.command("threshold")
@click.argument("package", default=DEFAULT_PACKAGE)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data set's folder.")
@click.option("--split", required=True, help="The train list; its validation part decides, as in training.")
@click.option("--layout", default="auto", show_default=True, help="auto, nuaa, yolo, coco or voc.")
@click.option("--validation-fraction", type=float, default=0.15, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="The training's seed.")
@click.option("--max-fa", type=click.FloatRange(0, 1), default=1e-5, show_default=True, help="Largest Fa.")
@click.option("--nms", type=choice_of(NmsRule), help="Suppression rule. [default: the package's]")
@click.option("--write", is_flag=True, help="Store threshold and rule in the package.")
@map16_option
def threshold_command(
    package: str,
    data: Path,
    split: str,
    layout: str,
    validation_fraction: float,
    seed: int,
    max_fa: float,
    nms: NmsRule | None,
    write: bool,
    map16: SixteenBitSpec | None,
) -> None:
    """Choose the score threshold of PACKAGE: the highest Pd with Fa within a limit, on validation images.

    \b
    Example: edge-irdet threshold my-package --data nuaa_sirst --split split73_grouped_train.txt --write
    """
    from edge_irdet.dataset.reading import read_dataset
    from edge_irdet.dataset.splits import split_validation
    from edge_irdet.detection.detector import Detector, DetectorConfig
    from edge_irdet.evaluation.average_precision import EVALUATION_SCORE
    from edge_irdet.evaluation.operating_point import choose_point, operating_curve
    from edge_irdet.evaluation.truth import Truth
    from edge_irdet.files import write_bytes_atomically

    dataset = read_dataset(data, split, layout)
    _, validation = split_validation(dataset.names, validation_fraction, seed)
    samples = list(dataset.subset(validation))
    rule = None if nms is None else NmsRule(nms)
    config = DetectorConfig(score_threshold=EVALUATION_SCORE, nms=rule, sixteen_bit=map16)
    with Detector(package, config) as detector:
        predictions = []
        for sample in samples:
            detector.reset()  # stills are no sequence
            predictions.append(detector.detect(sample.image))
        opened, spec = detector.package, detector.postprocess
    sizes = [(sample.image.shape[1], sample.image.shape[0]) for sample in samples]
    curve = operating_curve(predictions, [Truth.of(sample) for sample in samples], sizes)
    chosen = choose_point(curve, max_fa)
    table = Table(title=f"{opened.manifest.name}, NMS {spec.nms.value}, {len(samples)} validation images")
    for heading in ("score", "Pd", "Fa", "false alarms"):
        table.add_column(heading, justify="right")
    for index, point in enumerate(curve):
        if point is chosen or index % SHOWN_EVERY == 0:
            style = "bold" if point is chosen else None
            shown = (f"{point.score_threshold:.2f}", f"{100 * point.pd:.2f} %", f"{point.fa:.2e}")
            table.add_row(*shown, str(point.false_alarms), style=style)
    console = Console()
    console.print(table)
    console.print(f"chosen: score >= {chosen.score_threshold:.2f}, the highest Pd with Fa <= {max_fa:g}")
    if write:
        postprocess = msgspec.structs.replace(spec, score_threshold=chosen.score_threshold)
        manifest = msgspec.structs.replace(opened.manifest, postprocess=postprocess)
        write_bytes_atomically(opened.directory / MANIFEST_NAME, encode_manifest(manifest))
        console.print(f"written: {opened.directory / MANIFEST_NAME}", highlight=False)
