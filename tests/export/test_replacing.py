"""What an export takes away from the package that it replaces."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from edge_irdet.errors import OptionError
from edge_irdet.export.package_directory import lost_by_replacing, require_package_place
from edge_irdet.package import MANIFEST_NAME, SHIPPED_PACKAGES


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_PACKAGES / "light-sgmtlm-reduced", tmp_path / "package"))


def test_reduced_precisions_threshold_and_engines_are_named(package: Path) -> None:
    (package / "engines").mkdir()
    (package / "engines" / "KEY.engine").write_bytes(b"plan")
    precisions, threshold, engines = lost_by_replacing(package)
    assert precisions == "its FP16 and INT8"
    assert threshold.startswith("the score threshold 0.")
    assert engines == "its engines"


def test_a_package_of_an_export_alone_loses_nothing(package: Path) -> None:
    manifest = json.loads((package / MANIFEST_NAME).read_text())
    manifest["graphs"] = {"fp32": manifest["graphs"]["fp32"]}
    manifest["operating_point"] = {}
    (package / MANIFEST_NAME).write_text(json.dumps(manifest))
    assert lost_by_replacing(package) == []
    assert lost_by_replacing(package / "none") == []
    (package / MANIFEST_NAME).write_text("no manifest")
    assert lost_by_replacing(package) == []


def test_only_a_package_or_an_empty_folder_is_replaced(package: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data").write_text("mine")
    os.symlink("nowhere", tmp_path / "link")
    for name in ("package", "empty", "new"):
        require_package_place(tmp_path / name)
    for name in ("file", "mine", "link"):
        with pytest.raises(OptionError, match="not a model package"):
            require_package_place(tmp_path / name)
