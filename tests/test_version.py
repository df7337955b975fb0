"""The version is stated once; whoever needs it reads it there."""

from __future__ import annotations

import re
from pathlib import Path

import edge_irdet
from doubles.command_line import run
from edge_irdet.package import SCHEMA_VERSION
from edge_irdet.record import RECORD_SCHEMA

ROOT = Path(edge_irdet.__file__).parents[1]


def test_the_command_says_its_version_and_what_it_writes(tmp_path: Path) -> None:
    finished = run("--version", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == (
        f"edge-irdet {edge_irdet.__version__}, record schema {RECORD_SCHEMA}, "
        f"manifest schema {SCHEMA_VERSION}\n"
    )


def test_the_wheel_takes_it_from_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert '[tool.hatch.version]\npath = "edge_irdet/__init__.py"' in project


def test_no_other_file_states_it() -> None:
    stating = [
        path.name
        for path in (ROOT / "pyproject.toml", ROOT / "CMakeLists.txt", *(ROOT / "edge_irdet").rglob("*.py"))
        if re.search(rf"(?<![\d.]){re.escape(edge_irdet.__version__)}(?![\d.])", path.read_text("utf-8"))
    ]
    assert stating == ["__init__.py"]
