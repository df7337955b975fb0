"""``edge-irdet export``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import click
import cloup
import numpy as np
from numpy.typing import NDArray

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    MAP16,
    Size,
    option,
    require_extra,
)
from edge_irdet.package import SixteenBitSpec

PARITY_FRAMES = 16
SYNTHETIC_FRAMES = "synthetic:"


@cloup.command("export", cls=Command, short_help="Export a checkpoint as a model package.")
@cloup.argument("checkpoint", type=FILE)
@option(
    "-o", "--output", "directory", type=FILE, required=True, metavar="PACKAGE", help="The package to write."
)
@option("--saliency", is_flag=True, help="Keep the saliency head; without it detection is twice as fast.")
@option("--size", type=Size(), show_default="the training's", help="Network input.")
@option("--variant", help="Refuse a checkpoint of another variant.")
@option(
    "--score",
    type=click.FloatRange(0, 1),
    default=0.25,
    metavar="SCORE",
    help="Score threshold of the package; edge-irdet threshold --write chooses one later.",
)
@option(
    "--frames",
    default=SYNTHETIC_FRAMES,
    metavar="URI",
    help="Source of the frames on which torch and the exported graph are compared; name real ones.",
)
@option(
    "--no-weights",
    is_flag=True,
    help="Omit weights.safetensors, which trainings and exports start from: half the size.",
)
@option("--map16", **{**MAP16, "show_default": "none"})
def export_command(
    checkpoint: Path,
    directory: Path,
    saliency: bool,
    size: tuple[int, int] | None,
    variant: str | None,
    score: float,
    frames: str,
    no_weights: bool,
    map16: SixteenBitSpec | None,
) -> None:
    """Export CHECKPOINT as a model package, after comparing it with torch on frames.

    \b
    Example:
      edge-irdet export runs/reduced/best.pt -o my-package \\
        --frames nuaa_sirst/images
    """
    require_extra("train", "torch", "onnx", "onnxsim")
    from edge_irdet.export.package_directory import lost_by_replacing
    from edge_irdet.export.package_writer import ExportConfig, export_package
    from edge_irdet.training.checkpoint import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    config = ExportConfig(saliency, size, score, map16, variant, weights=not no_weights)
    lost = lost_by_replacing(directory)
    with parity_frames(frames) as images:
        report = export_package(loaded, directory, config, images)
    worst = report.worst
    replaced = f"replaced: the package that was there; gone with it: {', '.join(lost)}\n" if lost else ""
    PlainConsole().print(
        f"parity over {report.frames} frames of {frames}: boxes {worst.box_pixels:.2g} px "
        f"({worst.live_boxes} boxes compared), scores {worst.score:.2g}, saliency {worst.saliency:.2g}\n"
        f"written: {directory} ({loaded.config.variant}, epoch {loaded.epoch}, "
        f"validation mAP@0.5 {loaded.best_map50:.4f})\n"
        f"{replaced}next: edge-irdet threshold {directory} --data DIR --split LIST --write",
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def parity_frames(source: str) -> Iterator[Iterator[NDArray[np.uint8] | NDArray[np.uint16]]]:
    """The first frames of a source, for comparing two forms of a network."""
    from edge_irdet.stream.sources.opening import open_source

    with open_source(source) as opened:
        yield (frame.image.copy() for frame in islice(iter(opened.read, None), PARITY_FRAMES))
