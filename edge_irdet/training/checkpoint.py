"""Checkpoints: plain tensors and text, loaded without running any pickled code."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from edge_irdet.errors import CheckpointInvalidError
from edge_irdet.files import written_atomically
from edge_irdet.machine.processor import describe_processor
from edge_irdet.network.heads import Anchors
from edge_irdet.package import SixteenBitSpec
from edge_irdet.provenance import TrainingData
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.fingerprint import DataFingerprint

CHECKPOINT_SCHEMA = 1


@dataclass(frozen=True)
class RunState:
    """What is known about a run after a whole number of epochs; stored as text."""

    config: TrainingConfig
    """The run's configuration."""

    classes: tuple[str, ...]
    """Class names."""

    anchors: Anchors
    """[level][anchor] = (width, height) in network pixels."""

    data: TrainingData
    """What it is trained on, or the first of several data sets."""

    epoch: int
    """Epochs done."""

    seconds: float
    """Training time so far, over all resumes, validation included."""

    machine: str
    """Where it was trained."""

    best_map50: float
    """Validation mAP@0.5 of the best epoch so far; -1 before the first validation."""

    best_epoch: int
    """Epochs done when the best epoch was, by the score that chooses it."""

    best_rate: float | None = field(default=None, kw_only=True)
    """Detection rate of the best epoch on the held-back video frames; None without such."""

    best_score: float = field(default=-1.0, kw_only=True)
    """What the best epoch was chosen by: the mAP@0.5, or with video frames its mean with their rate; -1 in
    checkpoints written when there was only the mAP@0.5."""

    further_data: tuple[TrainingData, ...] = field(default=(), kw_only=True)
    """The second and later data sets it is trained on."""

    sixteen_bit: SixteenBitSpec | None = field(default=None, kw_only=True)
    """Mapping that made 16-bit training images 8-bit ones; None where none was named, and in checkpoints of
    before it was kept."""

    fingerprint: DataFingerprint | None = field(default=None, kw_only=True)
    """Of the data; None in checkpoints of before it was kept."""


@dataclass(frozen=True)
class Checkpoint(RunState):
    """A run's state with its tensors."""

    weights: dict[str, Tensor]
    """State of the model to export: the averaged weights where the run averages, else the model's."""

    resume: dict[str, Any]
    """Model, optimiser and average, for going on; empty in a checkpoint that is only for export."""


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint; a kill at any moment leaves the old file or the new one.

    Raises:
        OutputFailedError: it could not be written.
    """
    about = {one.name: getattr(checkpoint, one.name) for one in fields(RunState)}
    with written_atomically(path) as temporary:
        state = {
            "edge_irdet_checkpoint": CHECKPOINT_SCHEMA,
            "about": msgspec.json.encode(about).decode(),
            "weights": checkpoint.weights,
            "resume": checkpoint.resume,
        }
        try:
            torch.save(state, temporary)
        except RuntimeError as error:
            # torch's zip writer reports a full disk as RuntimeError.
            raise OSError(str(error).splitlines()[0]) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint on the CPU with ``weights_only``: a file that needs code to load is refused.

    Raises:
        CheckpointInvalidError: not there, not a checkpoint of this package, damaged, or not plain data.
    """
    next_step = "name a checkpoint that edge-irdet train wrote (RUN/best.pt or RUN/last.pt)"
    if not path.is_file():
        raise CheckpointInvalidError(f"there is no checkpoint {path}", next_step)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or state.get("edge_irdet_checkpoint") != CHECKPOINT_SCHEMA:
            raise CheckpointInvalidError(f"{path} is not a checkpoint of this edge-irdet", next_step)
        plain = msgspec.json.decode(state["about"])
        # Before there was a seed of its own, the training's decided which images were held back.
        plain["config"].setdefault("split_seed", plain["config"]["seed"])
        about = msgspec.convert(plain, RunState)
        return Checkpoint(**vars(about), weights=state["weights"], resume=state["resume"])
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        KeyError,
        TypeError,
        msgspec.MsgspecError,
        OSError,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointInvalidError(f"{path} could not be loaded: {reason}", next_step) from error
    except (zipfile.BadZipFile, ValueError) as error:
        raise CheckpointInvalidError(f"{path} is damaged: {error}", next_step) from error


def describe_training_device() -> str:
    """GPUs or processor that trains, for the manifest."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return describe_processor()
