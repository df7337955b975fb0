"""``edge-irdet export``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
from rich.console import Console

from edge_irdet.cli.options import Size, map16_option, require_extra
from edge_irdet.package import SixteenBitSpec

PARITY_FRAMES = 16
SYNTHETIC_FRAMES = "synthetic:"


@click.command("export")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", "directory", type=click.Path(path_type=Path), required=True, metavar="PACKAGE"
)
@click.option(
    "--saliency", is_flag=True, help="Keep the saliency head; without it detection is twice as fast."
)
@click.option("--size", type=Size(), help="Network input. [default: the training's]")
@click.option("--variant", help="Refuse a checkpoint that is not of this variant.")
@click.option(
    "--score", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="Threshold of the package."
)
@click.option(
    "--frames",
    default=SYNTHETIC_FRAMES,
    show_default=True,
    help="Source of the frames that torch and the exported graph are compared on; name real ones.",
)
@map16_option
def export_command(
    checkpoint: Path,
    directory: Path,
    saliency: bool,
    size: tuple[int, int] | None,
    variant: str | None,
    score: float,
    frames: str,
    map16: SixteenBitSpec | None,
) -> None:
    """Export CHECKPOINT as a model package and compare it with torch on frames; fails where they differ.

    \b
    Example: edge-irdet export runs/reduced/best.pt -o my-package --frames nuaa_sirst/images
    """
    require_extra("train", "torch", "onnx", "onnxsim")
    from edge_irdet.export.package_writer import ExportConfig, export_package
    from edge_irdet.stream.sources.opening import open_source
    from edge_irdet.training.checkpoint import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    config = ExportConfig(saliency, size, score, map16, variant)
    with open_source(frames) as source:
        images = (frame.image.copy() for frame in islice(iter(source.read, None), PARITY_FRAMES))
        report = export_package(loaded, directory, config, images)
    worst = report.worst
    Console().print(
        f"parity over {report.frames} frames of {frames}: boxes {worst.box_pixels:.2g} px "
        f"({worst.live_boxes} boxes compared), scores {worst.score:.2g}, saliency {worst.saliency:.2g}\n"
        f"written: {directory} ({loaded.config.variant}, epoch {loaded.epoch}, "
        f"validation mAP@0.5 {loaded.best_map50:.4f})\n"
        f"next: edge-irdet evaluate {directory} --data DIR --split LIST"
    )
