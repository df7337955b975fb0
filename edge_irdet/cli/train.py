"""``edge-irdet train``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from edge_irdet.cli.options import Size, map16_option, require_extra
from edge_irdet.package import SixteenBitSpec

if TYPE_CHECKING:
    from edge_irdet.training.trainer import EpochReport, StepReport


@click.command("train")
@click.option("--variant", default="light-sgmtlm-reduced", show_default=True, help="Which network.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data set's folder.")
@click.option("--split", required=True, help="List of image names; a part of it is held back for validation.")
@click.option("--layout", default="auto", show_default=True, help="auto, nuaa, yolo, coco or voc.")
@click.option("--licence", default="not stated", help="Licence of the data, for the manifest.")
@click.option(
    "--run-dir",
    "run",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of checkpoints and log; an interrupted run goes on from it.",
)
@click.option("--preset", default="small-target", show_default=True, help="paper or small-target.")
@click.option("--size", type=Size(), default="320", show_default=True, help="Network input.")
@click.option("--epochs", type=click.IntRange(min=1), help="Number of epochs. [default: the preset's]")
@click.option("--batch", type=click.IntRange(min=1), help="Samples a step, over all GPUs.")
@click.option("--crop", type=click.IntRange(min=0), help="Side of training crops; 0 trains on whole images.")
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate.")
@click.option("--validate-every", type=click.IntRange(min=1), help="Epochs between validations.")
@click.option("--validation-fraction", type=float, help="Share of the list held back. [default: 0.15]")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="Autocast dtype. [default: bf16]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, order and augmentation.")
@click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True, help="Loader processes.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="CPU threads; 0 takes one a core.")
@map16_option
def train_command(
    variant: str,
    data: Path,
    split: str,
    layout: str,
    licence: str,
    run: Path,
    preset: str,
    size: tuple[int, int],
    crop: int | None,
    seed: int,
    workers: int,
    threads: int,
    map16: SixteenBitSpec | None,
    **changes: Any,
) -> None:
    """Train a network on labelled images; repeat the command to go on after an interruption.

    RUN/best.pt is the checkpoint to export, RUN/log.csv the log. With several GPUs:
    torchrun --nproc-per-node GPUS -m edge_irdet train ...

    \b
    Example: edge-irdet train --data nuaa_sirst --split split73_grouped_train.txt --run-dir runs/reduced
    """
    require_extra("train", "torch", "scipy", "pycocotools")
    import cv2
    import torch

    from edge_irdet.dataset.reading import read_dataset
    from edge_irdet.training.config import preset_config
    from edge_irdet.training.data import load_training_set
    from edge_irdet.training.trainer import BEST, Trainer

    if threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    given = {name: value for name, value in changes.items() if value is not None}
    config = preset_config(preset, variant, size=size, seed=seed, **given)
    if crop is not None:
        config = replace(config, augmentation=replace(config.augmentation, crop=crop or None))
    dataset = read_dataset(data, split, layout)
    training_set = load_training_set(
        dataset, data.name, Path(split).stem, licence, config.validation_fraction, seed, map16
    )
    console = Console(quiet=os.environ.get("RANK", "0") != "0")
    console.print(
        f"{variant}, preset {preset}: {len(training_set.train)} images to train on, "
        f"{len(training_set.validation)} to validate, {config.epochs} epochs, run folder {run}"
    )
    progress = Progress(
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(),
        console=console,
    )
    with progress:
        bar = _EpochBar(progress, config.epochs)
        best = Trainer(config, training_set, run, workers, bar.step, bar.epoch).run()
    console.print(
        f"done: best validation mAP@0.5 {best.best_map50:.4f} after epoch {best.best_epoch}, "
        f"{best.seconds / 60:.0f} min\nnext: edge-irdet export {run / BEST} -o PACKAGE"
    )


class _EpochBar:
    def __init__(self, progress: Progress, epochs: int) -> None:
        self.progress = progress
        self.task: TaskID = progress.add_task("", total=1, epoch=0, epochs=epochs, losses="")

    def step(self, report: StepReport) -> None:
        self.progress.update(
            self.task,
            total=report.steps,
            completed=report.step,
            epoch=report.epoch,
            losses=_losses(report.losses),
        )

    def epoch(self, report: EpochReport) -> None:
        measured = "" if report.map50 is None else f", validation mAP@0.5 {report.map50:.4f}"
        best = "" if report.best_epoch == 0 else f", best {report.best_map50:.4f} at {report.best_epoch}"
        self.progress.console.print(f"epoch {report.epoch}: {_losses(report.losses)}{measured}{best}")


def _losses(losses: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in losses.items())
