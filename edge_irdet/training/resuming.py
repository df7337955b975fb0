"""Whether a run folder's last state is of this run, and by what it differs where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from edge_irdet.errors import CheckpointMismatchError
from edge_irdet.provenance import TrainingData
from edge_irdet.training.checkpoint import RunState
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet


def require_same_run(last: RunState, config: TrainingConfig, data: TrainingSet, path: Path) -> None:
    """Check that a run may go on from its last state; more epochs than before are fine.

    Args:
        last: state of the run folder.
        config: what is asked for now.
        data: what is trained on now.
        path: the checkpoint, for the message.

    Raises:
        CheckpointMismatchError: names each option with both values, and what of the data differs.
    """
    grown = replace(last.config, epochs=max(last.config.epochs, config.epochs))
    differences = config_differences(grown, config)
    if last.classes != data.classes:
        differences.append(f"classes: {', '.join(last.classes)} then, {', '.join(data.classes)} now")
    sets = (last.data, *last.further_data), (data.about, *data.further)
    if sets[0] != sets[1]:
        then, now = (
            ", ".join(f"{one.name} {one.split} ({one.images} images)" for one in side) for side in sets
        )
        differences.append(f"data: {then} then, {now} now")
    elif last.fingerprint is not None:
        found = last.fingerprint.differences(data.fingerprint())
        differences += [f"{side} of the data changed since" for side in found]
    if differences:
        raise CheckpointMismatchError(
            f"{path} belongs to another run: {'; '.join(differences)}",
            "repeat the options and the data of that run to go on, or name another folder with --run-dir",
        )


def _named(sets: Iterable[TrainingData]) -> str:
    return ", ".join(f"{one.name} {one.split} ({one.images} images)" for one in sets)


def config_differences(then: TrainingConfig, now: TrainingConfig) -> list[str]:
    """Fields in which two configurations differ, each with both values."""
    return _differences("", then, now)


def _differences(prefix: str, then: Any, now: Any) -> list[str]:
    found = []
    for field in fields(then):
        before, after = getattr(then, field.name), getattr(now, field.name)
        if is_dataclass(before) and is_dataclass(after):
            found += _differences(f"{prefix}{field.name}.", before, after)
        elif before != after:
            found.append(f"{prefix}{field.name}: {before} then, {after} now")
    return found
