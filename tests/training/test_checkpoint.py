"""Checkpoints of elsewhere: plain tensors and text within bounds, or an error with a code."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import edge_irdet.training.checkpoint as checkpoint
from edge_irdet.errors import CheckpointInvalidError
from edge_irdet.provenance import TrainingData
from edge_irdet.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from edge_irdet.training.presets import preset_config


def small_checkpoint() -> Checkpoint:
    return Checkpoint(
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(small_checkpoint(), tmp_path / "best.pt")
    return tmp_path / "best.pt"


def test_a_checkpoint_comes_back(path: Path) -> None:
    found = load_checkpoint(path)
    assert found.config == small_checkpoint().config
    assert torch.equal(found.weights["a"], torch.ones(3))


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def about(**fields: object) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state["about"] = json.dumps({**json.loads(state["about"]), **fields})

    return change


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another schema": lambda state: state.update(edge_irdet_checkpoint=99),
    "no description": lambda state: state.pop("about"),
    "a description of numbers": lambda state: state.update(about=7),
    "no JSON": lambda state: state.update(about="{"),
    "deep JSON": lambda state: state.update(about="[" * 100_000),
    "a list": lambda state: state.update(about="[]"),
    "weights that are none": lambda state: state.update(weights=[torch.ones(1)]),
    "weights of text": lambda state: state.update(weights={"a": "b"}),
    "weights by number": lambda state: state.update(weights={1: torch.ones(1)}),
    "no state": lambda state: state.update(resume=None),
    "no configuration": about(config=[]),
    "an empty configuration": about(config={}),
    "an epoch of text": about(epoch="many"),
    "a class that is no name": about(classes=["\x1b[2J"]),
    "a class of 1 MB": about(classes=["x" * 1_000_000]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_content_is_refused(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    changed(path, change)
    with pytest.raises(CheckpointInvalidError, match="best"):
        load_checkpoint(path)


def test_a_value_that_no_run_has_is_refused_as_a_checkpoint(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    plain = json.loads(state["about"])
    plain["config"]["epochs"] = -3
    changed(path, about(config=plain["config"]))
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(path)


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /nowhere/at/all",)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", pickle.dumps({"a": 1}), pickle.dumps(Code()), b"PK\x03\x04" + b"\xff" * 90],
    ids=["empty", "text", "a bare pickle", "code", "a broken archive"],
)
def test_what_is_no_archive_is_not_unpickled(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(path)


def test_an_archive_that_holds_code_is_refused(path: Path) -> None:
    torch.save({"edge_irdet_checkpoint": 1, "about": Code()}, path)
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(path)


def test_an_archive_that_unpacks_to_more_than_itself_is_refused(path: Path) -> None:
    inside = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in inside.namelist():
            archive.writestr(member, inside.read(member))
        archive.writestr("archive/data/1", b"\0" * 10_000_000)
    with pytest.raises(CheckpointInvalidError, match="compress"):
        load_checkpoint(path)


def test_a_checkpoint_is_a_regular_file_of_bounded_size(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    for place, reason in ((tmp_path / "pipe.pt", "pipe"), (tmp_path, "folder"), (tmp_path / "no.pt", "no")):
        with pytest.raises(CheckpointInvalidError, match=reason):
            load_checkpoint(place)
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(tmp_path / ("x" * 300))
    monkeypatch.setattr(checkpoint, "MAX_CHECKPOINT_BYTES", 100)
    with pytest.raises(CheckpointInvalidError, match="more than the 100"):
        load_checkpoint(path)
