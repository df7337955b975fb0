"""The training run: resumable after a kill at any moment, the same whether interrupted or not."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from edge_irdet.dataset.orientations import ORIENTATIONS, oriented
from edge_irdet.errors import OptionError, OutputFailedError, TrainingDivergedError
from edge_irdet.network.heads import Anchors
from edge_irdet.network.network import Network
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.network.weights import NetworkWeights
from edge_irdet.package import PAD_VALUE
from edge_irdet.training.anchors import kmeans_anchors
from edge_irdet.training.augmentation import Augmenter
from edge_irdet.training.batches import Batch, EpochSampler, batch_loader
from edge_irdet.training.checkpoint import (
    Checkpoint,
    describe_training_device,
    load_checkpoint,
    save_checkpoint,
)
from edge_irdet.training.clutter import mined_spots
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet
from edge_irdet.training.ema import ExponentialMovingAverage
from edge_irdet.training.loss import JointLoss, LossTerms
from edge_irdet.training.processes import TrainingProcess, joined_processes
from edge_irdet.training.resuming import require_same_run
from edge_irdet.training.validation import detect_samples, inverted, validation_map50, validation_rate

LAST = "last.pt"
BEST = "best.pt"
LOG = "log.csv"

LARGEST_LOSS = 1e6
"""Losses of these networks start below 100; one of a million will not come back."""


@dataclass(frozen=True)
class StepReport:
    """Progress after one step, for a progress bar."""

    epoch: int
    step: int
    steps: int
    losses: dict[str, float]
    """Means over the epoch so far: total, box, confidence, classification, saliency."""


@dataclass(frozen=True)
class EpochReport:
    """Progress after one epoch."""

    epoch: int
    losses: dict[str, float]
    map50: float | None
    """Validation mAP@0.5, None where this epoch was not validated."""

    best_map50: float
    best_epoch: int
    seconds: float
    rate: float | None = None
    """Detection rate on the held-back video frames; None where this epoch was not validated or has none."""


class Trainer:
    """Trains one model in a run folder with ``last.pt``, ``best.pt`` and ``log.csv``.

    Args:
        config: what to train; a run folder that already has a ``last.pt`` goes on only with the same one.
        data: decoded training data.
        run: the run folder, made if absent.
        workers: processes that augment; 0 augments in this one.
        initial: weights and anchors that training starts from, instead of random ones.
        on_step, on_epoch: progress callbacks of the first process.
    """

    def __init__(
        self,
        config: TrainingConfig,
        data: TrainingSet,
        run: Path,
        workers: int = 0,
        on_step: Callable[[StepReport], None] = lambda report: None,
        on_epoch: Callable[[EpochReport], None] = lambda report: None,
        initial: NetworkWeights | None = None,
    ) -> None:
        self.config = config
        self.data = data
        self.run_folder = run
        self.workers = workers
        self.on_step = on_step
        self.on_epoch = on_epoch
        self.initial = initial

    def run(self) -> Checkpoint:
        """Train to the last epoch, going on from ``last.pt`` where there is one; returns the best checkpoint.

        Raises:
            CheckpointInvalidError: ``last.pt`` is damaged.
            CheckpointMismatchError: ``last.pt`` is of another configuration, class list or data.
            TrainingDivergedError: the loss is not finite any more; the state before that epoch is kept.
            OutputFailedError: the run folder cannot be written.
        """
        with joined_processes() as process:
            return _Run(self, process).train()


class _Run:
    """State of a run in one process."""

    def __init__(self, trainer: Trainer, process: TrainingProcess) -> None:
        self.config = config = trainer.config
        self.data = trainer.data
        self.folder = trainer.run_folder
        self.callbacks = trainer
        self.process = process
        if config.batch % process.count:
            raise OptionError(
                f"the batch {config.batch} does not divide by {process.count} processes",
                "choose a batch that does",
            )
        _make_folder(self.folder)
        torch.manual_seed(config.seed)
        if config.draws and len(config.draws) != len(self.data.sets):
            raise OptionError(
                f"there are {len(config.draws)} numbers of draws for {len(self.data.sets)} data sets",
                "give --draws once for each --data",
            )
        anchors = self._anchors() if trainer.initial is None else trainer.initial.anchors
        self.model = build_network(variant_config(config.variant, len(self.data.classes)), anchors)
        if trainer.initial is not None:
            trainer.initial.load_into(self.model, config.variant, self.data.classes)
        if process.device.type == "cuda" and process.count > 1:
            nn.SyncBatchNorm.convert_sync_batchnorm(self.model)  # type: ignore[no-untyped-call]
        self.model.to(process.device)
        self.average = (
            ExponentialMovingAverage(self.model, config.ema_decay) if config.ema_decay > 0 else None
        )
        optimizer = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = optimizer(self._parameter_groups(), lr=config.learning_rate, betas=(0.9, 0.999))
        mined = self._mine(trainer.initial) if config.augmentation.mined_clutter else None
        augmenter = Augmenter(self.data.train, config.size, config.augmentation, PAD_VALUE, mined)
        self.sampler = EpochSampler(
            len(self.data.train),
            config.samples_per_image,
            config.seed,
            process.rank,
            process.count,
            self.data.sets,
            config.draws,
        )
        self.loader = batch_loader(
            augmenter, self.sampler, config.batch // process.count, config.seed, trainer.workers
        )
        det = self.model.det
        self.joint_loss = JointLoss(config.loss, config.assignment, det.anchors, det.strides)
        self.validation = [
            oriented(sample, orientation)
            for sample in self.data.validation
            for orientation in ORIENTATIONS[: config.validation_orientations]
        ]
        self.fingerprint = self.data.fingerprint()
        self.frames = list(self.data.frames)
        if config.validation_inverted:
            self.validation += [inverted(sample) for sample in self.validation]
            self.frames += [inverted(sample) for sample in self.frames]
        self.epoch = 0
        self.seconds = 0.0
        self.best_map50 = -1.0
        self.best_epoch = 0
        self.best_rate: float | None = None
        self.best_score = -1.0
        self._resume()
        self.parallel: nn.Module = DistributedDataParallel(self.model) if process.count > 1 else self.model

    def train(self) -> Checkpoint:
        while self.epoch < self.config.epochs:
            started = time.monotonic()
            losses = self._epoch()
            self.epoch += 1
            validated = self.epoch % self.config.validate_every == 0 or self.epoch == self.config.epochs
            map50, rate = None, None
            if validated and self.process.rank == 0:
                map50 = validation_map50(self._exported(), self.validation, self.config.size, PAD_VALUE)
                rate = validation_rate(self._exported(), self.frames, self.config.size, PAD_VALUE)
            self.seconds += time.monotonic() - started
            if self.process.rank == 0:
                self._keep(losses, map50, rate)
            if self.process.count > 1:
                torch.distributed.barrier()
        return load_checkpoint(self.folder / BEST)

    def _epoch(self) -> dict[str, float]:
        self.sampler.epoch = self.epoch
        self._set_saliency_resolution()
        self.parallel.train()
        steps = len(self.loader)
        sums = torch.zeros(len(LossTerms._fields))
        bf16 = self.config.precision == "bf16"
        device = self.process.device
        means: dict[str, float] = {}
        batch: Batch
        for step, batch in enumerate(self.loader):
            for group in self.optimizer.param_groups:
                group["lr"] = self._learning_rate(self.epoch + step / steps)
            images = batch.images.to(device).float().div(255).expand(-1, 3, -1, -1)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                output = self.parallel(images)
            terms = self.joint_loss(output, batch.targets.to(device), batch.masks.to(device))
            self.optimizer.zero_grad()
            terms.total.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
            self._require_finite(float(terms.total.detach()), float(norm), step)
            self.optimizer.step()
            if self.average is not None:
                self.average.update(self.model)
            sums += torch.stack([term.detach() for term in terms]).cpu()
            means = dict(zip(LossTerms._fields, (sums / (step + 1)).tolist(), strict=True))
            if self.process.rank == 0:
                self.callbacks.on_step(StepReport(self.epoch + 1, step + 1, steps, means))
        return means

    def _require_finite(self, loss: float, gradient: float, step: int) -> None:
        """Stop before the weights take a step that they never recover from."""
        if not (math.isfinite(gradient) and abs(loss) <= LARGEST_LOSS):  # NaN fails the comparison too
            raise TrainingDivergedError(
                f"epoch {self.epoch + 1}, step {step + 1}: the loss is {loss:g}, the norm of its gradient "
                f"{gradient:g}",
                f"train with a lower learning rate in a new folder; {self.folder} holds the state of epoch "
                f"{self.epoch}",
            )

    def _learning_rate(self, epoch: float) -> float:
        config = self.config
        rate = config.learning_rate
        if epoch < config.warm_up_epochs:
            return rate * epoch / config.warm_up_epochs
        if config.schedule == "cosine":
            return rate * (0.01 + 0.99 * (1 + math.cos(math.pi * epoch / config.epochs)) / 2)
        return rate

    def _set_saliency_resolution(self) -> None:
        half = self.epoch < self.config.half_resolution_epochs * self.config.epochs
        self.model.halve_saliency_resolution(half)
        if self.average is not None:
            self.average.model.halve_saliency_resolution(half)

    def _mine(self, initial: NetworkWeights | None) -> list[NDArray[np.float32]]:
        # From the initial weights, not from the model: a resumed run then mines the same spots.
        if initial is None:
            raise OptionError(
                "clutter is mined with the weights that training starts from, and there are none",
                "name a checkpoint or a package with --init, or train without --mined-clutter",
            )
        model = build_network(variant_config(self.config.variant, len(self.data.classes)), initial.anchors)
        initial.load_into(model, self.config.variant, self.data.classes)
        found = detect_samples(model, self.data.train, self.config.size, PAD_VALUE)
        return [mined_spots(sample, own) for sample, own in zip(self.data.train, found, strict=True)]

    def _anchors(self) -> Anchors:
        sides = []
        for sample in self.data.train:
            scale = min(
                self.config.size[0] / sample.image.shape[1], self.config.size[1] / sample.image.shape[0]
            )
            sides.append((sample.boxes[:, 2:] - sample.boxes[:, :2]) * scale)
        ranges = self.config.assignment.side_range
        return kmeans_anchors(np.concatenate(sides), self.config.anchors, self.config.seed, ranges)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        # As YOLOv5: decay works on convolution weights, not on biases or batch normalisation.
        decayed = [weight for weight in self.model.parameters() if weight.ndim > 1]
        others = [weight for weight in self.model.parameters() if weight.ndim <= 1]
        return [
            {"params": decayed, "weight_decay": self.config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]

    def _exported(self) -> Network:
        return self.average.model if self.average is not None else self.model

    def _keep(self, losses: dict[str, float], map50: float | None, rate: float | None) -> None:
        # Both count alike: a model that gains on the videos what it loses on images is no better.
        measured = [value for value in (map50, rate) if value is not None]
        score = sum(measured) / len(measured) if measured else -1.0
        # Where nothing can ever be measured, the last epoch is as good a choice as any.
        better = score >= self.best_score if self.data.measurable else True
        better = better and (bool(measured) or not self.data.measurable)
        if better:
            self.best_score, self.best_epoch, self.best_rate = score, self.epoch, rate
            self.best_map50 = -1.0 if map50 is None else map50
        # The best first: a kill between the two repeats the epoch and writes the same best again.
        if better:
            save_checkpoint(replace(self._checkpoint(), resume={}), self.folder / BEST)
        self._log(losses, map50, rate)
        save_checkpoint(self._checkpoint(), self.folder / LAST)
        self.callbacks.on_epoch(
            EpochReport(self.epoch, losses, map50, self.best_map50, self.best_epoch, self.seconds, rate)
        )

    def _log(self, losses: dict[str, float], map50: float | None, rate: float | None) -> None:
        # Rows of epochs that are being repeated after a kill are dropped.
        path = self.folder / LOG
        rows: list[list[str]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8", errors="replace") as handle:
                rows = [
                    row
                    for row in csv.reader(line.replace("\0", "") for line in handle)
                    if row and row[0].isdecimal() and int(row[0]) < self.epoch
                ]
        learning_rate = self.optimizer.param_groups[0]["lr"]
        measured = ["" if value is None else f"{value:.5f}" for value in (map50, rate)]
        values = [f"{losses[name]:.6f}" for name in LossTerms._fields]
        rows.append([str(self.epoch), *values, *measured, f"{learning_rate:.3g}", f"{self.seconds:.1f}"])
        temporary = path.with_suffix(".part")
        with temporary.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            measures = ("validation_map50", "validation_rate")
            writer.writerow(["epoch", *LossTerms._fields, *measures, "learning_rate", "seconds"])
            writer.writerows(rows)
        temporary.replace(path)

    def _checkpoint(self) -> Checkpoint:
        resume: dict[str, Any] = {
            "model": _cpu(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.average is not None:
            resume["average"] = _cpu(self.average.model.state_dict())
            resume["average_steps"] = self.average.steps
        anchors = tuple(tuple((w, h) for w, h in level) for level in self.model.det.anchors.tolist())
        return Checkpoint(
            config=self.config,
            classes=self.data.classes,
            anchors=anchors,
            data=self.data.about,
            epoch=self.epoch,
            seconds=self.seconds,
            machine=describe_training_device(),
            best_map50=self.best_map50,
            best_epoch=self.best_epoch,
            best_rate=self.best_rate,
            best_score=self.best_score,
            further_data=self.data.further,
            sixteen_bit=self.data.sixteen_bit,
            fingerprint=self.fingerprint,
            weights=_cpu(self._exported().state_dict()),
            resume=resume,
        )

    def _resume(self) -> None:
        path = self.folder / LAST
        if not path.is_file():
            return
        last = load_checkpoint(path)
        require_same_run(last, self.config, self.data, path)
        self.model.load_state_dict(last.resume["model"])
        self.optimizer.load_state_dict(last.resume["optimizer"])
        if self.average is not None:
            self.average.model.load_state_dict(last.resume["average"])
            self.average.steps = last.resume["average_steps"]
        self.epoch, self.seconds = last.epoch, last.seconds
        self.best_map50, self.best_epoch = last.best_map50, last.best_epoch
        self.best_rate = last.best_rate
        self.best_score = last.best_score if last.best_score >= 0 else last.best_map50


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailedError(
            f"the run folder {folder} cannot be made: {error.strerror or error}",
            "name another folder with --run-dir",
        ) from error


def _cpu(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu() for name, value in state.items()}
