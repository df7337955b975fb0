from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from doubles.command_line import refused, run
from edge_irdet.package import DEFAULT_PACKAGE, MANIFEST_NAME, SHIPPED_PACKAGES


@pytest.fixture
def received(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_PACKAGES / DEFAULT_PACKAGE, tmp_path / "received"))


def test_a_whole_package_states_its_hashes(received: Path, tmp_path: Path) -> None:
    manifest = hashlib.sha256((received / MANIFEST_NAME).read_bytes()).hexdigest()
    finished = run("package", "verify", "received", "--manifest-sha256", manifest.upper(), folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert f"{manifest}  (as given)" in finished.stdout
    assert finished.stdout.count("  ok") == 4  # three graphs and the weights
    assert "licence: " in finished.stdout
    shown = json.loads(run("package", "verify", "received", "--json", folder=tmp_path).stdout)
    assert shown["manifest_sha256"] == manifest
    assert set(shown["graphs"]) == {"fp32", "fp16", "int8"}
    assert shown["engines"] == shown["unnamed"] == []


@pytest.mark.parametrize("name", ["model.onnx", "model.fp16.onnx", "model.int8.onnx", "weights.safetensors"])
def test_one_altered_byte_in_any_file_is_found(received: Path, tmp_path: Path, name: str) -> None:
    content = bytearray((received / name).read_bytes())
    content[len(content) // 2] ^= 1
    (received / name).write_bytes(content)
    refused(run("package", "verify", "received", folder=tmp_path), "E203")


def test_a_graph_that_is_missing_and_a_manifest_of_somebody_else(received: Path, tmp_path: Path) -> None:
    refused(run("package", "verify", "received", "--manifest-sha256", "0" * 64, folder=tmp_path), "E203")
    (received / "model.int8.onnx").unlink()
    refused(run("package", "verify", "received", folder=tmp_path), "E203")


def test_engines_and_unnamed_files_are_said(received: Path, tmp_path: Path) -> None:
    (received / "engines").mkdir(exist_ok=True)
    (received / "engines" / "orin.engine").write_bytes(b"native code")
    (received / "notes.txt").write_text("hello")
    finished = run("package", "verify", "received", folder=tmp_path)
    assert finished.returncode == 0
    assert "engines/orin.engine: native code" in finished.stdout
    assert "notes.txt: not named by the manifest" in finished.stdout


def test_what_is_no_package(tmp_path: Path) -> None:
    refused(run("package", "verify", "nowhere", folder=tmp_path), "E201")


def test_it_says_where_a_package_lies(received: Path, tmp_path: Path) -> None:
    for arguments, expected in (
        ([], SHIPPED_PACKAGES / DEFAULT_PACKAGE),
        (["light-sgmtlm-reduced"], SHIPPED_PACKAGES / "light-sgmtlm-reduced"),
        (["received"], received),
    ):
        finished = run("package", "path", *arguments, folder=tmp_path)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout == f"{expected}\n", "one absolute path, for a shell"


@pytest.mark.parametrize("name", ["none", "light-sgmtlm-reduced/model.onnx", ""])
def test_what_is_no_package_lies_nowhere(name: str, tmp_path: Path) -> None:
    refused(run("package", "path", name, folder=tmp_path), "E201")
