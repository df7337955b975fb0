"""What ``import edge_irdet`` offers, at what price, and that it does what the command does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

import edge_irdet
from doubles.command_line import run
from edge_irdet.errors import OptionError
from edge_irdet.record import Record, decode_record

FACE = Path(edge_irdet.__file__)
SCENE = "synthetic:sea?frames=30&seed=7&bits=16"

PROGRAM = f"""
from edge_irdet import *
config = DetectorConfig(threads=1, sixteen_bit="linear-percentile@15")
with Detector("light-sgmtlm-reduced", config) as detector:
    print(detector.reason)
    source, sink = open_source("{SCENE}"), open_sink("program.jsonl")
    pipeline = Pipeline(source, detector, [sink], PipelineConfig(tracker=Tracker))
    with stopped_by_signals(pipeline):
        summary = pipeline.run()
summary.require_complete()
print(summary.frames, summary.detections)
"""


def typed_imports() -> dict[str, str]:
    """Name -> module, of the imports that type checkers and editors read."""
    (block,) = [
        node
        for node in ast.parse(FACE.read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    ]
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        found.update({alias.name: str(node.module) for alias in node.names})
    return found


def test_type_checkers_see_the_names_that_are_there() -> None:
    offered = {name: f"edge_irdet.{module}" for name, module in edge_irdet._MODULES.items()}
    assert typed_imports() == offered
    assert sorted(edge_irdet.__all__) == sorted([*offered, "__version__"])
    assert set(edge_irdet.__all__) <= set(dir(edge_irdet))


@pytest.mark.parametrize("name", sorted(edge_irdet._MODULES))
def test_a_name_is_the_one_of_its_module(name: str) -> None:
    found = getattr(edge_irdet, name)
    assert found is getattr(import_module(f"edge_irdet.{edge_irdet._MODULES[name]}"), name)
    assert found.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'edge_irdet' has no attribute 'Detecter'"):
        edge_irdet.Detecter  # noqa: B018 - the look-up is what is tested


@pytest.mark.parametrize(
    "program", ["import edge_irdet; dir(edge_irdet)", "from edge_irdet import decode_record, EdgeIrdetError"]
)
def test_the_import_is_cheap(program: str) -> None:
    heavy = "{'numpy', 'cv2', 'onnxruntime', 'click', 'rich'}"
    code = f"import sys; {program}; found = {heavy} & set(sys.modules); assert not found, found"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def without_times(line: bytes) -> Record:
    return msgspec.structs.replace(decode_record(line), capture_ns=0, emit_ns=0, queued=0)


def test_ten_lines_do_what_the_command_does(tmp_path: Path) -> None:
    statements = [line for line in PROGRAM.splitlines() if line]
    assert len(statements) == 10
    by_program = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert by_program.returncode == 0, by_program.stderr
    by_command = run(
        *("stream", "--source", SCENE, "--package", "light-sgmtlm-reduced", "--track", "--threads", "1"),
        *("--map16", "linear-percentile@15", "--output", "command.jsonl"),
        folder=tmp_path,
    )
    assert by_command.returncode == 0, by_command.stderr
    records = [
        [without_times(line) for line in (tmp_path / name).read_bytes().splitlines()]
        for name in ("program.jsonl", "command.jsonl")
    ]
    assert records[0] == records[1]
    assert len(records[0]) == 30
    detections = sum(len(record.detections) for record in records[0])
    assert detections > 30
    assert any(record.tracks for record in records[0])
    reason, figures = by_program.stdout.splitlines()
    assert figures == f"30 {detections}"
    assert reason in re.sub(r"\s+", " ", by_command.stderr), "both say what runs and why"


@pytest.mark.parametrize(
    ("source", "sink", "config"),
    [
        ("synthetic:", (), {}),
        (["synthetic:"], (), {}),
        (edge_irdet.open_source("synthetic:"), "out.jsonl", {}),
        (edge_irdet.open_source("synthetic:"), ["out.jsonl"], {}),
        (edge_irdet.open_source("synthetic:"), (), {"policy": "newest"}),
        (edge_irdet.open_source("synthetic:"), (), {"pace": "fast"}),
        (edge_irdet.open_source("synthetic:"), (), {"tracker": edge_irdet.Tracker()}),
    ],
    ids=["source", "sources", "output", "outputs", "policy", "pace", "tracker"],
)
def test_what_a_hurried_reader_gets_wrong_is_said(
    source: Any, sink: Any, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    detector = edge_irdet.Detector(config=edge_irdet.DetectorConfig(runtime="cpu"))
    with pytest.raises(OptionError):
        edge_irdet.Pipeline(source, detector, sink, edge_irdet.PipelineConfig(**config))
    assert not list(tmp_path.iterdir())


def test_text_names_a_policy() -> None:
    assert edge_irdet.PipelineConfig(policy="latest").policy is edge_irdet.FramePolicy.LATEST  # type: ignore[arg-type]
