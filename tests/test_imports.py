"""Who may import whom: CONTRIBUTING.md's table is the allow-list, and what a device runs needs no torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import edge_irdet

PACKAGE = Path(edge_irdet.__file__).parent
TABLE = PACKAGE.parent / "CONTRIBUTING.md"

DEVICE_MODULES = [
    "edge_irdet.cli",
    "edge_irdet.package",
    "edge_irdet.record",
    "edge_irdet.detection.detector",
    "edge_irdet.engine.cpu_runner",
    "edge_irdet.engine.selection",
    "edge_irdet.scene",
    "edge_irdet.stream.pipeline",
    *(
        f"edge_irdet.stream.{folder}.{path.stem}"
        for folder in ("sources", "sinks")
        for path in sorted((PACKAGE / "stream" / folder).glob("[a-z]*.py"))
    ),
    "edge_irdet.stream.sources.v4l2",
    "edge_irdet.tracking",
    "edge_irdet.preview",
    "edge_irdet.stream.watchdog",
    "edge_irdet.scoring",
    "edge_irdet.dataset.opening",
    "edge_irdet.evaluation.detection_probability",
]
TRAINING_ONLY = ("torch", "onnx", "onnxsim", "scipy", "pycocotools", "matplotlib")
EXTRAS = ("aiohttp", "prometheus_client", "zmq", "paho")


def imports_without(modules: list[str], forbidden: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Import modules in a process of their own, in which an import of a forbidden one fails."""
    code = (
        "import sys\n"
        f"for name in {forbidden!r}: sys.modules[name] = None\n"
        f"for name in {modules!r}: __import__(name)\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_device_imports_nothing_of_training() -> None:
    finished = imports_without(DEVICE_MODULES, (*TRAINING_ONLY, *EXTRAS))
    assert finished.returncode == 0, finished.stderr


def test_records_are_read_without_numpy_and_opencv() -> None:
    finished = imports_without(["edge_irdet.record"], ("numpy", "cv2", "onnxruntime"))
    assert finished.returncode == 0, finished.stderr


def allowed_imports() -> dict[str, frozenset[str]]:
    """CONTRIBUTING.md's table: room -> the rooms it may import."""
    table: dict[str, frozenset[str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| `edge_irdet/([a-z_]+)(?:/|\.py)` \|.*\|(.*)\|$", line)
        if match:
            table[match[1]] = frozenset(re.findall(r"`([a-z_]+)`", match[2]))
    return table


def existing_rooms() -> set[str]:
    """Folders and files directly in the package, by name."""
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    return rooms | {path.stem for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}


def found_imports() -> dict[str, dict[str, list[str]]]:
    """Room -> imported room -> the files that do so; imports inside of functions count too."""
    rooms = existing_rooms()
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        room = relative.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported_names(node):
                other = name.split(".")[1] if name.startswith("edge_irdet.") else ""
                if other != room and other in rooms:
                    found[room][other].append(str(relative))
    return found


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide the room"
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def test_the_table_names_every_room_and_no_other() -> None:
    assert set(allowed_imports()) == existing_rooms()


@pytest.mark.parametrize("room", sorted(allowed_imports()))
def test_a_room_imports_what_the_table_allows(room: str) -> None:
    allowed = allowed_imports()[room]
    beyond = {other: files for other, files in found_imports()[room].items() if other not in allowed}
    assert not beyond
    unused = allowed - set(found_imports()[room])
    assert not unused, f"CONTRIBUTING.md allows {room} what it does not use"


def test_the_table_has_no_circle() -> None:
    left = dict(allowed_imports())
    while left:
        free = [room for room, needs in left.items() if not needs & set(left)]
        assert free, f"a circle among {sorted(left)}"
        for room in free:
            del left[room]


def test_every_room_is_reached_by_the_search() -> None:
    """The search itself: it sees an import that is known to be there, also one inside of a function."""
    found = found_imports()
    assert "engine" in found["detection"]
    assert any(file.endswith("build.py") for file in found["cli"]["training"])
