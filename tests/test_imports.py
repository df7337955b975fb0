"""The runtime installs and runs without torch; these imports must not need what only training needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import edge_irdet

RUNTIME = [
    "edge_irdet.cli",
    "edge_irdet.package",
    "edge_irdet.detection.detector",
    "edge_irdet.engine.cpu_runner",
    "edge_irdet.scene",
    "edge_irdet.stream.pipeline",
    "edge_irdet.stream.sources",
    "edge_irdet.stream.sinks",
    "edge_irdet.stream.tracking",
    "edge_irdet.stream.preview",
    "edge_irdet.stream.watchdog",
    "edge_irdet.dataset.reading",
    "edge_irdet.evaluation.detection_probability",
]
FORBIDDEN = (
    *("torch", "onnx", "onnxsim", "scipy", "pycocotools", "matplotlib"),
    *("aiohttp", "prometheus_client", "zmq", "paho"),
)


def test_the_runtime_imports_nothing_of_training() -> None:
    code = (
        "import sys\n"
        f"for name in {FORBIDDEN!r}: sys.modules[name] = None\n"  # an import of it then fails
        f"for name in {RUNTIME!r}: __import__(name)\n"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


PACKAGE = Path(edge_irdet.__file__).parent
FORBIDDEN_DIRECTIONS = {
    "network": ("training", "export", "engine", "detection", "stream", "cli", "dataset", "evaluation"),
    "engine": ("network", "training", "export", "stream", "cli"),
    "detection": ("network", "training", "export", "stream", "cli", "dataset", "evaluation"),
    "dataset": ("network", "training", "export", "engine", "stream", "cli", "evaluation"),
    "evaluation": ("network", "training", "export", "engine", "stream", "cli"),
    "scene": ("network", "training", "export", "engine", "detection", "stream", "cli", "dataset"),
    "stream": ("network", "training", "export", "cli"),
    "training": ("export", "stream", "cli"),
    "export": ("stream", "cli"),
}


@pytest.mark.parametrize("room", FORBIDDEN_DIRECTIONS)
def test_nothing_imports_to_its_left(room: str) -> None:
    found = []
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                parts = name.split(".")
                if parts[0] == "edge_irdet" and len(parts) > 1 and parts[1] in FORBIDDEN_DIRECTIONS[room]:
                    found.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert not found
