"""``edge-irdet train``."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from edge_irdet.cli.options import Size, map16_option, require_extra
from edge_irdet.errors import OptionError
from edge_irdet.package import SixteenBitSpec

if TYPE_CHECKING:
    from edge_irdet.training.trainer import EpochReport, StepReport, TrainingSet

SHARE = "share"
"""What --held-back says of a data set of which a share is held back."""


_AUGMENTATION = (
    "target_crops", "clutter_crops", "border_crops", "rim", "pasted_targets", "dark_targets", "dim_targets",
    "native_scale", "inversion", "noise", "gamma", "blur", "stripes", "hot_pixels", "least_contrast",
)  # fmt: skip
"""Options that are fields of the augmentation's configuration under the same names."""


@click.command("train")
@click.option("--variant", default="light-sgmtlm-reduced", show_default=True, help="Which network.")
@click.option(
    "--data",
    "folders",
    type=click.Path(path_type=Path),
    required=True,
    multiple=True,
    help="The data set's folder. Repeat it, with --split, to train on several sets.",
)
@click.option(
    "--split",
    "splits",
    required=True,
    multiple=True,
    help="List of image names, or split of a video set; a part is held back for validation. "
    "One for each --data.",
)
@click.option(
    "--layout",
    "layouts",
    multiple=True,
    help="auto, nuaa, yolo, coco, voc or videos; one for each --data, or one for all. [default: auto]",
)
@click.option(
    "--licence",
    "licences",
    multiple=True,
    help="Licence of the data, for the manifest; one for each --data, or one for all. [default: not stated]",
)
@click.option(
    "--held-back",
    "held_back",
    multiple=True,
    help="List of what to hold back instead of a share, one for each --data; 'share' keeps the share.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    multiple=True,
    help="Samples of an epoch from each --data, whatever its size. [default: the preset's of each image]",
)
@click.option(
    "--init",
    "initial_file",
    type=click.Path(path_type=Path),
    help="Checkpoint whose weights training starts from, with a new optimiser.",
)
@click.option(
    "--run-dir",
    "run",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of checkpoints and log; an interrupted run goes on from it.",
)
@click.option("--preset", default="small-target", show_default=True, help="paper, small-target or field.")
@click.option("--size", type=Size(), default="320", show_default=True, help="Network input.")
@click.option("--epochs", type=click.IntRange(min=1), help="Number of epochs. [default: the preset's]")
@click.option("--batch", type=click.IntRange(min=1), help="Samples a step, over all GPUs.")
@click.option("--crop", type=click.IntRange(min=0), help="Side of training crops; 0 trains on whole images.")
@click.option("--target-crops", type=click.FloatRange(0, 1), help="Share of crops around targets.")
@click.option(
    "--clutter-crops", type=click.FloatRange(0, 1), help="Share of crops around bright spots that are none."
)
@click.option("--border-crops", type=click.FloatRange(0, 1), help="Share of crops at the image's borders.")
@click.option(
    "--rim", type=click.FloatRange(0, 0.5, max_open=True), help="How far crops reach beyond the image."
)
@click.option("--mined-clutter", is_flag=True, help="Take as such spots the false alarms of --init.")
@click.option("--pasted-targets", type=click.IntRange(min=0), help="Most targets pasted into a sample.")
@click.option("--dark-targets", type=click.FloatRange(0, 1), help="Share of them darker than what is around.")
@click.option("--dim-targets", type=click.FloatRange(0, 1), help="Share of them dimmed to a few grey levels.")
@click.option("--native-scale", type=click.FloatRange(0, 1), help="Share of crops at the image's own scale.")
@click.option("--inversion", type=click.FloatRange(0, 1), help="Share of samples with inverted grey levels.")
@click.option("--noise", type=click.FloatRange(min=0), help="Largest deviation of added noise, grey levels.")
@click.option("--gamma", type=click.FloatRange(min=1), help="Largest exponent of the grey levels; 1 is off.")
@click.option("--blur", type=click.FloatRange(min=0), help="Largest deviation of a Gaussian blur, pixels.")
@click.option("--stripes", type=click.FloatRange(min=0), help="Largest deviation of rows or columns.")
@click.option("--hot-pixels", type=click.IntRange(min=0), help="Most bad pixels, which are no targets.")
@click.option("--least-contrast", type=click.FloatRange(min=0), help="Fainter targets lose their label.")
@click.option(
    "--confidence-follows-iou",
    type=click.FloatRange(0, 1),
    help="Share of the score that says how well the box sits; it caps what targets of 2 px can reach.",
)
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), help="Peak learning rate.")
@click.option("--warm-up-epochs", type=click.FloatRange(min=0), help="Epochs in which the rate rises.")
@click.option("--validate-every", type=click.IntRange(min=1), help="Epochs between validations.")
@click.option("--validation-fraction", type=float, help="Share of the list held back. [default: 0.15]")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="Autocast dtype. [default: bf16]")
@click.option("--split-seed", type=int, help="Of which images are held back. [default: 0]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, order and augmentation.")
@click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True, help="Loader processes.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="CPU threads; 0 takes one a core.")
@map16_option
def train_command(
    variant: str,
    folders: tuple[Path, ...],
    splits: tuple[str, ...],
    layouts: tuple[str, ...],
    licences: tuple[str, ...],
    held_back: tuple[str, ...],
    draws: tuple[int, ...],
    initial_file: Path | None,
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
    """Train a network on labelled images; repeat the command to go on after an interruption.

    RUN/best.pt is the checkpoint to export, RUN/log.csv the log. With several GPUs:
    torchrun --nproc-per-node GPUS -m edge_irdet train ...

    \b
    Example: edge-irdet train --data nuaa_sirst --split split73_grouped_train.txt --run-dir runs/reduced
    """
    require_extra("train", "torch", "scipy", "pycocotools")
    import cv2
    import torch

    from edge_irdet.training.checkpoint import load_checkpoint
    from edge_irdet.training.presets import preset_config
    from edge_irdet.training.trainer import BEST, Trainer

    if threads:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    given = {name: value for name, value in changes.items() if value is not None}
    varied = {name: given.pop(name) for name in _AUGMENTATION if name in given}
    config = preset_config(preset, variant, size=size, seed=seed, draws=draws, **given)
    own = config.augmentation
    augmentation = replace(
        own, crop=own.crop if crop is None else crop or None, mined_clutter=mined_clutter, **varied
    )
    loss = config.loss
    if confidence_follows_iou is not None:
        loss = replace(loss, confidence_follows_iou=confidence_follows_iou)
    config = replace(config, augmentation=augmentation, loss=loss)
    initial = None
    if initial_file is not None:
        initial = load_checkpoint(initial_file)
        started_from = (
            f"{initial.config.variant}, {initial.data.name} {initial.data.split}, epoch {initial.epoch}"
        )
        if initial.config.started_from:
            started_from += f", itself from {initial.config.started_from}"
        config = replace(config, started_from=started_from)
    sources = _sources(folders, splits, layouts, licences, held_back)
    training_set = _read(sources, config.validation_fraction, config.split_seed, map16)
    console = Console(quiet=os.environ.get("RANK", "0") != "0")
    judged = len(training_set.validation) + len(training_set.frames)
    console.print(
        f"{variant}, preset {preset}: {len(training_set.train)} images to train on, "
        f"{judged} to validate, {config.epochs} epochs, run folder {run}"
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
        best = Trainer(config, training_set, run, workers, bar.step, bar.epoch, initial).run()
    console.print(
        f"done: best validation mAP@0.5 {best.best_map50:.4f}{_rate(best.best_rate)} after epoch "
        f"{best.best_epoch}, {best.seconds / 60:.0f} min\nnext: edge-irdet export {run / BEST} -o PACKAGE"
    )


@dataclass(frozen=True)
class _Source:
    """One data set as the command line names it."""

    folder: Path
    split: str
    layout: str
    licence: str
    held_back: str | None


def _sources(
    folders: tuple[Path, ...],
    splits: tuple[str, ...],
    layouts: tuple[str, ...],
    licences: tuple[str, ...],
    held_back: tuple[str, ...],
) -> list[_Source]:
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
    return [_Source(*row) for row in rows]


def _for_each(option: str, values: tuple[str, ...], count: int, default: str) -> tuple[str, ...]:
    if len(values) <= 1:
        return (values or (default,)) * count
    if len(values) != count:
        raise OptionError(
            f"there are {count} --data and {len(values)} {option}", f"give {option} once, or once for each"
        )
    return values


def _read(sources: list[_Source], fraction: float, seed: int, map16: SixteenBitSpec | None) -> TrainingSet:
    from edge_irdet.dataset.reading import DatasetLayout, detect_layout, read_dataset
    from edge_irdet.training.data import load_training_set, together

    parts = []
    for source in sources:
        layout = detect_layout(source.folder) if source.layout == "auto" else source.layout
        dataset = read_dataset(source.folder, source.split, layout)
        listed = None
        if source.held_back is not None:
            listed = read_dataset(source.folder, source.held_back, layout).names
        part = load_training_set(
            dataset,
            source.folder.resolve().name,
            Path(source.split).stem,
            source.licence,
            fraction,
            seed,
            map16,
            held_back=listed,
            by_centre=DatasetLayout(layout) is DatasetLayout.VIDEOS,
        )
        parts.append(part)
    return together(parts)


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
