"""The paper's ablations (Tables V and VII) on the reduced model under one fixed budget, as tables and JSON.

    python benchmarks/ablation.py --data nuaa_sirst --runs runs/ablation --output ablation.json

Trains the reduced model with its parts in and out, each from random weights with the same recipe, images,
crops and epochs, and measures the last epoch's averaged weights on the test list: nothing is chosen, so the
test images may judge. The saliency module and SIWD are ablated by training, the suppression rule on the same
weights. Differences smaller than the spread over seeds say nothing.

Runs are resumed, and finished ones are only measured. Two of these processes may share a folder when each
has its own ``--only``.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
import torch
from rich.console import Console
from rich.table import Table

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.orientations import ORIENTATIONS, oriented
from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.detector import DEFAULT_NMS_LIMIT
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE, average_precision
from edge_irdet.evaluation.truth import Truth
from edge_irdet.export.package_writer import model_from_checkpoint
from edge_irdet.files import write_bytes_atomically
from edge_irdet.network.counting import count_network
from edge_irdet.package import PAD_VALUE, NmsRule, PostprocessSpec
from edge_irdet.training.checkpoint import Checkpoint, load_checkpoint
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet, load_training_set
from edge_irdet.training.presets import preset_config
from edge_irdet.training.trainer import LAST, EpochReport, Trainer
from edge_irdet.training.validation import detect_samples

BASE = "light-sgmtlm-reduced"
VARIANTS = {
    BASE: "everything in",
    f"{BASE}-without-head": "without the saliency head",
    f"{BASE}-without-saliency": "without head and feature extraction",
    f"{BASE}-without-siwd": "YOLOv5's backbone instead of SIWD",
    f"{BASE}-yolov5": "YOLOv5's backbone, no saliency module",
}
"""What is trained, and what it says in the table."""

TABLE_5 = {
    BASE: "96.66 / 97.43 / 93.40",
    f"{BASE}-without-head": "95.30 / 94.62 / 89.60",
    f"{BASE}-without-saliency": "93.66 / 91.50 / 85.48",
}
"""mAP@0.5 of the full model on Small-ExtIRShip, Small-SSDD and IHAST."""

TABLE_7 = {
    BASE: "96.66 / 97.43",
    f"{BASE}-without-saliency": "94.19 / 91.50",
    f"{BASE}-without-siwd": "96.82 / 97.66",
    f"{BASE}-yolov5": "92.27 / 92.60",
}
"""mAP@0.5 of Light-SGMTLM and YOLOv5x with and without SIWD on Small-ExtIRShip and Small-SSDD."""

SIZE = (320, 320)
KEYS = ("map50", "map50_oriented", "ap_3px")


@dataclass(frozen=True)
class Figures:
    """One trained network on the test list; rates are fractions."""

    nms: str
    """Suppression rule."""

    map50: float
    """mAP@0.5 of the images as they are."""

    map50_oriented: float
    """The same of every image in eight orientations, less a matter of luck."""

    ap_3px: float
    """Average precision at centre distance 3 px."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    variant: str
    seed: int
    parameters: int
    flops: int
    """As the paper counts them, at 320x320."""

    epochs: int
    crops: int
    seconds: float
    machine: str
    figures: tuple[Figures, ...]
    """One for each rule; other variants than the base have the paper's rule alone."""


def budget(variant: str, epochs: int, seed: int) -> TrainingConfig:
    """The one recipe: ours for small targets, judged at its last epoch only."""
    return preset_config(
        "small-target",
        variant,
        epochs=epochs,
        seed=seed,
        validate_every=epochs,
        validation_orientations=1,
    )


def measure(
    checkpoint: Checkpoint, samples: Sequence[Sample], rules: Sequence[NmsRule]
) -> tuple[Figures, ...]:
    """Figures of the last epoch's weights with each suppression rule."""
    model = model_from_checkpoint(checkpoint)
    turned = [oriented(sample, orientation) for sample in samples for orientation in ORIENTATIONS]
    figures = []
    for rule in rules:
        spec = PostprocessSpec(score_threshold=EVALUATION_SCORE, nms=rule, nms_limit=DEFAULT_NMS_LIMIT[rule])
        plain, all_ways = (
            average_precision(
                detect_samples(model, images, SIZE, PAD_VALUE, spec), [Truth.of(image) for image in images]
            )
            for images in (samples, turned)
        )
        assert plain.mean_iou50 is not None
        assert plain.mean_3px is not None
        assert all_ways.mean_iou50 is not None
        figures.append(Figures(rule.value, plain.mean_iou50, all_ways.mean_iou50, plain.mean_3px))
    return tuple(figures)


def finished(
    config: TrainingConfig, folder: Path, data: TrainingSet, samples: Sequence[Sample], console: Console
) -> Run:
    """Train a run to its end, or go on with it, and measure it once."""
    kept = folder / "figures.json"
    if kept.is_file():
        return msgspec.json.decode(kept.read_bytes(), type=Run)

    def report(epoch: EpochReport) -> None:
        console.print(
            f"{folder.name} epoch {epoch.epoch}: {epoch.losses['total']:.3f}, {epoch.seconds:.0f} s"
        )

    Trainer(config, data, folder, on_epoch=report).run()
    checkpoint = load_checkpoint(folder / LAST)
    counted = count_network(model_from_checkpoint(checkpoint), SIZE)
    rules = tuple(NmsRule) if config.variant == BASE else (NmsRule.IOU,)
    run = Run(
        variant=config.variant,
        seed=config.seed,
        parameters=counted.parameters,
        flops=counted.torchstat_flops,
        epochs=config.epochs,
        crops=config.epochs * config.samples_per_image * len(data.train),
        seconds=checkpoint.seconds,
        machine=checkpoint.machine,
        figures=measure(checkpoint, samples, rules),
    )
    write_bytes_atomically(kept, msgspec.json.encode(run))
    return run


def spread(values: Sequence[float]) -> str:
    """Mean in percent, with the standard deviation where there are several."""
    mean = f"{100 * statistics.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * statistics.stdev(values):.2f}"


def print_tables(runs: Sequence[Run], console: Console) -> None:
    """The trained variants beside Table V, then the suppression rules on the base's weights."""
    first = runs[0]
    table = Table(title=f"{first.epochs} epochs, {first.crops} crops of 192 px, {first.machine}")
    measured = ("mAP@0.5 %", "in 8 orientations", "AP@3px %")
    for name in ("", "seeds", "params M", "FLOPs G", *measured, "Table V", "Table VII"):
        table.add_column(name)
    for variant, text in VARIANTS.items():
        own = [run for run in runs if run.variant == variant]
        if own:
            best = [run.figures[0] for run in own]
            table.add_row(
                text,
                " ".join(str(run.seed) for run in own),
                f"{own[0].parameters / 1e6:.3f}",
                f"{own[0].flops / 1e9:.3f}",
                *(
                    spread([getattr(one, key) for one in best])
                    for key in ("map50", "map50_oriented", "ap_3px")
                ),
                TABLE_5.get(variant, ""),
                TABLE_7.get(variant, ""),
            )
    console.print(table)
    rules = Table(title="suppression rules, on the weights with everything in")
    for name in ("rule", *measured):
        rules.add_column(name)
    base = [run for run in runs if run.variant == BASE]
    for index, rule in enumerate(NmsRule):
        if base:
            own_rule = [run.figures[index] for run in base]
            rules.add_row(rule.value, *(spread([getattr(one, key) for one in own_rule]) for key in KEYS))
    console.print(rules)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="NUAA-SIRST.")
@click.option("--split", default="split73_grouped_train.txt", show_default=True)
@click.option("--test-split", default="split73_grouped_test.txt", show_default=True)
@click.option("--runs", "folder", type=click.Path(path_type=Path), required=True, help="Folder of the runs.")
@click.option("--epochs", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Of every variant.")
@click.option("--base-seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Of the base.")
@click.option("--only", multiple=True, help="Train only this run, such as VARIANT-seed0; repeat for more.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Keep the result as JSON.")
def main(
    data: Path,
    split: str,
    test_split: str,
    folder: Path,
    epochs: int,
    seeds: int,
    base_seeds: int,
    only: tuple[str, ...],
    threads: int,
    output: Path | None,
) -> None:
    """Train what is not trained yet, then print the tables of all that is."""
    torch.set_num_threads(threads)
    console = Console()
    planned = [(v, seed) for v in VARIANTS for seed in range(base_seeds if v == BASE else seeds)]
    names = {f"{variant}-seed{seed}": (variant, seed) for variant, seed in planned}
    unknown = [name for name in only if name not in names]
    if unknown:
        raise click.UsageError(f"there is no run {unknown[0]!r}; there are {', '.join(names)}")
    try:
        training = load_training_set(
            read_dataset(data, split), data.resolve().name, Path(split).stem, "not stated", 0.15, 0
        )
        samples = list(read_dataset(data, test_split))
        runs = []
        for name in only or names:
            config = budget(names[name][0], epochs, names[name][1])
            runs.append(finished(config, folder / name, training, samples, console))
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    print_tables(runs, console)
    if output is not None:
        content: dict[str, Any] = {
            "data": data.resolve().name,
            "test_split": Path(test_split).stem,
            "recipe": "small-target, last epoch, averaged weights, FP32 in torch",
            "runs": [asdict(run) for run in runs],
        }
        write_bytes_atomically(output, (json.dumps(content, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
