"""Checkpoints: plain tensors and text, loaded without running any pickled code."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import torch
from torch import Tensor

from edge_irdet.errors import CheckpointInvalidError, EdgeIrdetError
from edge_irdet.files import written_atomically
from edge_irdet.intake import (
    MEBIBYTE,
    ContentMissingError,
    ContentRefusedError,
    decode_json,
    first_line,
    open_regular_file,
)
from edge_irdet.machine.processor import describe_processor
from edge_irdet.manifest_limits import check_name
from edge_irdet.network.heads import Anchors
from edge_irdet.package import SixteenBitSpec
from edge_irdet.provenance import TrainingData
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.fingerprint import DataFingerprint

CHECKPOINT_SCHEMA = 1

MAX_CHECKPOINT_BYTES = 4096 * MEBIBYTE
"""Largest checkpoint that is read; the largest variant's, with what a resumed training needs, has 0.8 GB."""

MAX_ABOUT_CHARACTERS = 16 * MEBIBYTE
"""Longest description of a run."""


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
    try:
        with open_regular_file(path, MAX_CHECKPOINT_BYTES) as handle:
            _require_plain_archive(handle)
            state = torch.load(handle, map_location="cpu", weights_only=True)
        return _checkpoint_of(state)
    except ContentMissingError as error:
        raise CheckpointInvalidError(f"there is no checkpoint {path}", next_step) from error
    except ContentRefusedError as error:
        raise CheckpointInvalidError(f"{path} {error.reason}", next_step) from error
    except EdgeIrdetError as error:  # of a value of the configuration
        raise CheckpointInvalidError(
            f"{path} holds a configuration that is none: {error.what}", next_step
        ) from error
    except Exception as error:  # those of torch's reader have no common base but Exception
        raise CheckpointInvalidError(f"{path} could not be loaded: {first_line(error)}", next_step) from error


def _require_plain_archive(handle: BinaryIO) -> None:
    """Check that a file is an archive that unpacks to nothing larger than itself, as torch writes them."""
    if not zipfile.is_zipfile(handle):
        raise ContentRefusedError("is not a checkpoint: it is no archive of torch's")
    handle.seek(0)
    with zipfile.ZipFile(handle) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ContentRefusedError("is not a checkpoint: torch does not compress them")
    if sum(member.file_size for member in members) > MAX_CHECKPOINT_BYTES:
        raise ContentRefusedError(f"unpacks to more than {MAX_CHECKPOINT_BYTES} bytes")
    handle.seek(0)


def _checkpoint_of(state: Any) -> Checkpoint:
    if not isinstance(state, dict) or state.get("edge_irdet_checkpoint") != CHECKPOINT_SCHEMA:
        raise ContentRefusedError("is not a checkpoint of this edge-irdet")
    about, weights, resume = (state.get(name) for name in ("about", "weights", "resume"))
    if not isinstance(about, str) or len(about) > MAX_ABOUT_CHARACTERS:
        raise ContentRefusedError("does not describe its run")
    if not isinstance(weights, dict) or not isinstance(resume, dict):
        raise ContentRefusedError("holds no weights")
    if not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in weights.items()):
        raise ContentRefusedError("holds weights that are not tensors by name")
    plain = decode_json(about, dict[str, Any])
    # Before there was a seed of its own, the training's decided which images were held back.
    if isinstance(plain.get("config"), dict):
        plain["config"].setdefault("split_seed", plain["config"].get("seed"))
    run = msgspec.convert(plain, RunState)
    for name in run.classes:
        check_name(name)
    return Checkpoint(**vars(run), weights=weights, resume=resume)


def describe_training_device() -> str:
    """GPUs or processor that trains, for the manifest."""
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return describe_processor()
