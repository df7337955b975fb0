"""Both readers take and refuse the same packages, with the same code."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from golden import write_manifests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity.cpp_library import CppError, CppLibrary

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.package import SHIPPED_PACKAGES, open_package

PACKAGE = SHIPPED_PACKAGES / "light-sgmtlm-reduced"


def python_code(folder: Path, **config: object) -> str:
    """What opening and reading the graph gives in Python."""
    try:
        detector = Detector(open_package(folder), DetectorConfig(runtime="cpu", threads=1, **config))  # type: ignore[arg-type]
        with detector:
            return "ok"
    except EdgeIrdetError as error:
        return error.code


def cpp_code(cpp: CppLibrary, folder: Path, **settings_: object) -> str:
    """What opening gives in C++."""
    try:
        with cpp.detector(folder, threads=1, **settings_):
            return "ok"
    except CppError as error:
        return error.code


@pytest.mark.parametrize("name", sorted(write_manifests.contents()))
def test_golden_manifests(cpp: CppLibrary, name: str, tmp_path: Path) -> None:
    content = write_manifests.contents()[name]
    (tmp_path / "package.json").write_bytes(content)
    if name.startswith("good_"):
        return  # there is no graph beside it
    assert cpp_code(cpp, tmp_path) == write_manifests.verdict(content, tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1))
def test_mutated_manifests(cpp: CppLibrary, tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    content = bytearray((PACKAGE / "package.json").read_bytes())
    for _ in range(int(generator.integers(1, 4))):
        place = int(generator.integers(0, len(content)))
        kind = int(generator.integers(0, 4))
        if kind == 0:
            content[place] = int(generator.integers(32, 127))
        elif kind == 1:
            del content[place : place + int(generator.integers(1, 8))]
        elif kind == 2:
            digits = b"0123456789-.eE"
            content[place:place] = bytes([digits[int(generator.integers(0, len(digits)))]])
        else:
            other = int(generator.integers(0, len(content) - 20))
            content[place : place + 12] = content[other : other + 12]
    (tmp_path / "package.json").write_bytes(content)
    try:
        expected = "ok"
        open_package(tmp_path)
    except EdgeIrdetError as error:
        expected = error.code
    found = cpp_code(cpp, tmp_path)
    if expected == "ok":
        # There is no graph beside it: the manifest itself was taken. An input of other kind is refused there.
        assert found in ("E202", "E203"), found
    else:
        assert found == expected


@pytest.mark.parametrize("case", ["altered", "missing", "precision", "folder"])
def test_graphs(cpp: CppLibrary, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "package"
    shutil.copytree(PACKAGE, folder)
    graph = folder / "model.onnx"
    settings_: dict[str, object] = {}
    if case == "altered":
        graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    elif case == "missing":
        graph.unlink()
    elif case == "folder":
        graph.unlink()
        graph.mkdir()
    else:
        text = (
            (folder / "package.json").read_text().replace('"int8": {\n      "file"', '"x": {\n      "file"')
        )
        (folder / "package.json").write_text(text)
        settings_["precision"] = "int8"
    assert cpp_code(cpp, folder, **settings_) == python_code(folder, **settings_) != "ok"
