"""``edge-irdet data check``: every problem at once, and the census."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doubles.command_line import refused, run
from doubles.samples import write_images_and_masks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_images_and_masks(tmp_path / "set", count=3, side=32)
    return tmp_path / "set"


def test_a_sound_set_is_counted(root: Path) -> None:
    finished = run("data", "check", "set", folder=root.parent)
    assert finished.returncode == 0, finished.stderr
    assert "3, 0 of them without targets" in finished.stdout
    assert "32x32" in finished.stdout
    census = json.loads(run("data", "check", "set", "--json", folder=root.parent).stdout)
    assert census["images"] == 3
    assert census["targets"] == {"target": 3}
    assert sum(census["targets_by_size"].values()) == 3
    assert census["problems"] == []


def test_all_problems_are_listed_and_the_exit_code_says_so(root: Path) -> None:
    (root / "masks" / "i0.png").write_bytes(b"cut")
    (root / "images" / "i2.png").write_bytes(b"")
    finished = run("data", "check", "set", folder=root.parent)
    refused(finished, "E303")
    assert "i0.png" in finished.stdout
    assert "i2.png is empty" in finished.stdout
    assert "2 problems: 2 x E305 data set image" in finished.stderr
    problems = json.loads(run("data", "check", "set", "--json", folder=root.parent).stdout)["problems"]
    assert [problem["code"] for problem in problems] == ["E305", "E305"]


def test_names_in_brackets_are_text(tmp_path: Path) -> None:
    root = tmp_path / "[red]set"
    write_images_and_masks(root, count=1, side=32)
    assert "[red]set" in run("data", "check", str(root), folder=tmp_path).stdout


def test_a_folder_that_is_no_set(tmp_path: Path) -> None:
    refused(run("data", "check", "nowhere", folder=tmp_path), "E301")
    refused(run("data", "check", ".", folder=tmp_path), "E301")
