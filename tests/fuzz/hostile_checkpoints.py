"""Checkpoints for the fuzz target; they need torch, which the other targets do not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import torch
from mutation import Mutator

from edge_irdet.provenance import TrainingData
from edge_irdet.training.checkpoint import Checkpoint, save_checkpoint
from edge_irdet.training.presets import preset_config

_KEPT: dict[str, Any] = {}
"""What :func:`_state` made first."""


def _state(folder: Path) -> dict[str, Any]:
    """A small checkpoint as torch reads it."""
    checkpoint = Checkpoint(
        config=preset_config("small-target", "light-sgmtlm-reduced"),
        classes=("target",),
        anchors=(((4.0, 5.0),),),
        data=TrainingData("blobs", "all", 10, "none", "annotated"),
        epoch=3,
        seconds=1.5,
        machine="test",
        best_map50=0.5,
        best_epoch=2,
        weights={"a": torch.ones(3)},
        resume={},
    )
    save_checkpoint(checkpoint, folder / "first.pt")
    state: dict[str, Any] = torch.load(folder / "first.pt", weights_only=True)
    return state


def write_checkpoint(mutator: Mutator, path: Path) -> None:
    """Write a checkpoint that is changed in its description, its parts or its bytes."""
    if not _KEPT:
        _KEPT.update(_state(path.parent))
    state = dict(_KEPT)
    kind = mutator.random.random()
    if kind < 0.6:
        state["about"] = mutator.encoded(json.loads(state["about"])).decode("utf-8", "replace")
    elif kind < 0.8:
        key = mutator.random.choice(sorted(state))
        state[key] = mutator.random.choice((None, 1, [], {}, "text", {"a": 1}, {1: torch.ones(1)}))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    path.write_bytes(mutator.bytes(content) if kind > 0.7 else content)
