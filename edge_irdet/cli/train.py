"""``edge-irdet train``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from edge_irdet.cli.augmentation_options import AUGMENTATION_FIELDS, augmentation_options
from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    MAP16,
    THREADS,
    Size,
    option,
    require_extra,
)
from edge_irdet.dataset.checking import count_samples
from edge_irdet.errors import OptionError
from edge_irdet.package import SixteenBitSpec

if TYPE_CHECKING:
    from edge_irdet.training.data import TrainingSet
    from edge_irdet.training.reading import DataSource
    from edge_irdet.training.trainer import EpochReport, StepReport

DEFAULT_VARIANT = "light-sgmtlm-reduced"

SHARE = "share"
"""What --held-back says of a data set of which a share is held back."""


@cloup.command("train", cls=Command, short_help="Train a network on labelled images or videos.")
@cloup.option_group(
    "Data",
    option(
        "--data",
        "folders",
        type=FILE,
        required=True,
        multiple=True,
        help="Folder of the data set. Repeat it, with --split, to train on several sets.",
    ),
    option(
        "--split",
        "splits",
        required=True,
        multiple=True,
        help="List of images, or split of a video set; a part is held back for validation. One per --data.",
    ),
    option(
        "--layout",
        "layouts",
        multiple=True,
        metavar="LAYOUT",
        show_default="auto",
        help="auto, nuaa, yolo, coco, voc or videos; one per --data, or one for all.",
    ),
    option(
        "--licence",
        "licences",
        multiple=True,
        show_default="not stated",
        help="Licence of the data, for the manifest; one per --data, or one for all.",
    ),
    option(
        "--draws",
        type=click.IntRange(min=1),
        multiple=True,
        metavar="N",
        show_default="by the preset",
        help="Samples per epoch from each --data, whatever its size.",
    ),
    option("--map16", **{**MAP16, "show_default": "none"}),
)
@cloup.option_group(
    "Validation",
    option(
        "--held-back",
        "held_back",
        multiple=True,
        metavar="LIST",
        show_default="a share",
        help="List of what to hold back instead of a share, one per --data; 'share' keeps the share.",
    ),
    option(
        "--validation-fraction",
        type=float,
        metavar="SHARE",
        show_default="0.15",
        help="Share of the list held back.",
    ),
    option(
        "--split-seed",
        type=int,
        metavar="N",
        show_default="0",
        help="Seed of the choice of the images held back.",
    ),
    option(
        "--validate-every",
        type=click.IntRange(min=1),
        metavar="N",
        show_default="the preset's",
        help="Epochs between validations.",
    ),
)
@cloup.option_group(
    "Network and run",
    option("--variant", show_default="that of --init, else light-sgmtlm-reduced", help="Which network."),
    option("--size", type=Size(), default="320", help="Network input."),
    option(
        "--init",
        "initial_name",
        metavar="NAME",
        help="Package (directory or shipped name) or checkpoint whose weights training starts from, with a "
        "new optimiser. Its classes may be others.",
    ),
    option(
        "--run-dir",
        "run",
        type=FILE,
        required=True,
        help="Folder of checkpoints and log; an interrupted run is resumed from it.",
    ),
    option("--seed", type=int, default=0, metavar="N", help="Seed of weights, order and augmentation."),
    option(
        "--workers", type=click.IntRange(min=0), default=0, metavar="N", help="Processes that load images."
    ),
    option("--threads", **THREADS),
)
@cloup.option_group(
    "Optimisation",
    option("--preset", default="small-target", help="Set of defaults: paper, small-target or field."),
    option("--epochs", type=click.IntRange(min=1), metavar="N", help="Number of epochs."),
    option("--batch", type=click.IntRange(min=1), metavar="N", help="Samples per step, over all GPUs."),
    option(
        "--learning-rate",
        type=click.FloatRange(min=0, min_open=True),
        metavar="RATE",
        help="Peak learning rate.",
    ),
    option(
        "--warm-up-epochs",
        type=click.FloatRange(min=0),
        metavar="N",
        help="Epochs in which the learning rate rises.",
    ),
    option(
        "--precision",
        type=click.Choice(["fp32", "bf16"]),
        show_default="bf16",
        help="Autocast dtype.",
    ),
    option(
        "--confidence-follows-iou",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of the score that rates the box; it caps the scores that targets of 2 px can reach.",
    ),
    help="Without a value the preset decides.",
)
@augmentation_options
def train_command(
    variant: str | None,
    folders: tuple[Path, ...],
    splits: tuple[str, ...],
    layouts: tuple[str, ...],
    licences: tuple[str, ...],
    held_back: tuple[str, ...],
    draws: tuple[int, ...],
    initial_name: str | None,
    run: Path,
    preset: str,
    size: tuple[int, int],
    crop: int | None,
    mined_clutter: bool,
    confidence_follows_iou: float | None,
    seed: int,
    workers: int,
    threads: int,
    map16: SixteenBitSpec | None,
    **changes: Any,
) -> None:
    """Train a network on labelled images or videos. To resume after an interruption, repeat the command.

    RUN/best.pt is the checkpoint to export, RUN/log.csv the log. With several GPUs:
    torchrun --nproc-per-node GPUS -m edge_irdet train ...

    \b
    Example:
      edge-irdet train --data nuaa_sirst --split split73_grouped_train.txt \\
        --run-dir runs/reduced
    """
    require_extra("train", "torch", "scipy", "pycocotools")
    import cv2
    import torch

    from edge_irdet.training.initial import initial_weights
    from edge_irdet.training.presets import preset_config
    from edge_irdet.training.reading import read_training_set
    from edge_irdet.training.trainer import BEST, Trainer

    if threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    initial = None if initial_name is None else initial_weights(initial_name)
    variant = variant or (DEFAULT_VARIANT if initial is None else initial.weights.variant)
    given = {name: value for name, value in changes.items() if value is not None}
    varied = {name: given.pop(name) for name in AUGMENTATION_FIELDS if name in given}
    config = preset_config(preset, variant, size=size, seed=seed, draws=draws, **given)
    own = config.augmentation
    augmentation = replace(
        own, crop=own.crop if crop is None else crop or None, mined_clutter=mined_clutter, **varied
    )
    loss = config.loss
    if confidence_follows_iou is not None:
        loss = replace(loss, confidence_follows_iou=confidence_follows_iou)
    config = replace(config, augmentation=augmentation, loss=loss)
    if initial is not None:
        config = replace(config, started_from=initial.history)
    sources = _sources(folders, splits, layouts, licences, held_back)
    training_set = read_training_set(sources, config, map16)
    console = PlainConsole(quiet=os.environ.get("RANK", "0") != "0")
    judged = len(training_set.validation) + len(training_set.frames)
    console.print(
        f"{variant}, preset {preset}: {len(training_set.train)} images to train on, "
        f"{judged} to validate, {config.epochs} epochs, run folder {run}"
    )
    if initial is not None:
        anew = initial.weights.starting_anew(training_set.classes)
        console.print(Text(f"weights of {initial.history}" + "".join(f"; new: {part}" for part in anew)))
    console.print(Text(_census(training_set)))
    for warning in training_set.warnings():
        console.print(Text(f"warning: {warning}", style="bold"))
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
        weights = None if initial is None else initial.weights
        best = Trainer(config, training_set, run, workers, bar.step, bar.epoch, weights).run()
    console.print(
        f"done: best validation mAP@0.5 {best.best_map50:.4f}{_rate(best.best_rate)} after epoch "
        f"{best.best_epoch}, {best.seconds / 60:.0f} min\nnext: edge-irdet export {run / BEST} -o PACKAGE"
    )


def _census(data: TrainingSet) -> str:
    """One line that would look wrong if label files were named wrongly."""
    census = count_samples(data.train, data.classes)
    targets = ", ".join(f"{census.targets[name]} {name}" for name in data.classes)
    held_back = sum(len(sample.boxes) for sample in (*data.validation, *data.frames))
    return (
        f"targets to train on: {targets}; {census.without_targets} of {census.images} images have none; "
        f"targets to validate: {held_back}"
    )


def _sources(
    folders: tuple[Path, ...],
    splits: tuple[str, ...],
    layouts: tuple[str, ...],
    licences: tuple[str, ...],
    held_back: tuple[str, ...],
) -> list[DataSource]:
    from edge_irdet.training.reading import DataSource

    count = len(folders)
    if len(splits) != count:
        raise OptionError(
            f"there are {count} --data and {len(splits)} --split", "give one --split after each --data"
        )
    lists = _for_each("--held-back", held_back, count, SHARE)
    rows = zip(
        folders,
        splits,
        _for_each("--layout", layouts, count, "auto"),
        _for_each("--licence", licences, count, "not stated"),
        (None if name == SHARE else name for name in lists),
        strict=True,
    )
    return [DataSource(*row) for row in rows]


def _for_each(option: str, values: tuple[str, ...], count: int, default: str) -> tuple[str, ...]:
    if len(values) <= 1:
        return (values or (default,)) * count
    if len(values) != count:
        raise OptionError(
            f"there are {count} --data and {len(values)} {option}", f"give {option} once, or once for each"
        )
    return values


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
        measured += _rate(report.rate)
        best = "" if report.best_epoch == 0 else f", best {report.best_map50:.4f} at {report.best_epoch}"
        self.progress.console.print(f"epoch {report.epoch}: {_losses(report.losses)}{measured}{best}")


def _rate(rate: float | None) -> str:
    return "" if rate is None else f", video rate {rate:.4f}"


def _losses(losses: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in losses.items())
