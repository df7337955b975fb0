from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("onnxsim")
pytest.importorskip("yaml")

from doubles.real_data import REAL_DATA
from edge_irdet.cli.calibrate import calibrate_command
from edge_irdet.errors import (
    CalibrationDataError,
    EdgeIrdetError,
    PackageMissingError,
    RecipeError,
    SplitEmptyError,
)
from edge_irdet.package import DEFAULT_PACKAGE, Package, Precision, shipped_packages


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(calibrate_command, [str(argument) for argument in arguments])


def error_of(result: Result) -> EdgeIrdetError:
    assert isinstance(result.exception, EdgeIrdetError), result.output
    return result.exception


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    for folder in ("images", "masks", "splits"):
        (root / folder).mkdir(parents=True)
    cv2.imwrite(str(root / "images" / "a.png"), np.zeros((64, 64), np.uint8))
    cv2.imwrite(str(root / "masks" / "a.png"), np.zeros((64, 64), np.uint8))
    (root / "splits" / "empty.txt").write_text("# none\n")
    (root / "splits" / "one.txt").write_text("a\n")
    return root


def test_the_help_says_what_fails() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert "keeps nothing of a precision" in " ".join(result.output.split())


def test_a_package_that_is_not_there(labelled: Path, tmp_path: Path) -> None:
    result = invoke(tmp_path / "absent", "--data", labelled, "--split", "one.txt")
    assert isinstance(error_of(result), PackageMissingError)


@pytest.mark.parametrize("value", ["fp32", "int4", "int8,", ""])
def test_unknown_precisions(labelled: Path, value: str) -> None:
    result = invoke("package", "--data", labelled, "--split", "one.txt", "--precision", value)
    assert result.exit_code == 2
    assert "is not one of int8, fp16" in result.output


def test_a_bad_recipe_is_found_first(labelled: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("int8: {keep_flaot: []}")
    result = invoke(tmp_path / "absent", "--data", labelled, "--split", "one.txt", "--recipe", recipe)
    assert isinstance(error_of(result), RecipeError)


shipped = pytest.mark.skipif(
    DEFAULT_PACKAGE not in shipped_packages(), reason="the package that is shipped is not in this checkout"
)


@shipped
def test_empty_and_one_image_splits(labelled: Path) -> None:
    result = invoke(DEFAULT_PACKAGE, "--data", labelled, "--split", "empty.txt")
    assert isinstance(error_of(result), SplitEmptyError)
    result = invoke(DEFAULT_PACKAGE, "--data", labelled, "--split", "one.txt")
    assert isinstance(error_of(result), CalibrationDataError)


@shipped
def test_the_shipped_package_holds_what_passed_its_gate() -> None:
    from edge_irdet.package import open_package

    package = open_package(DEFAULT_PACKAGE)
    held = set(package.manifest.graphs) - {Precision.FP32}
    if not held:
        pytest.skip("the shipped package is not calibrated yet")
    for precision in held:
        package.read_graph(precision)
        assert package.manifest.metrics[precision].gate.passed is True


@shipped
@pytest.mark.skipif(not (REAL_DATA / "nuaa_sirst").is_dir(), reason=f"no real frames under {REAL_DATA}")
def test_the_whole_command_on_real_frames(tmp_path: Path) -> None:
    import shutil

    from edge_irdet.package import open_package

    source = open_package(DEFAULT_PACKAGE)
    target = tmp_path / "package"
    target.mkdir()
    shutil.copy(source.graph_path(Precision.FP32), target / "model.onnx")
    import msgspec

    from edge_irdet.package import encode_manifest

    graphs = {Precision.FP32: source.manifest.graphs[Precision.FP32]}
    manifest = msgspec.structs.replace(source.manifest, graphs=graphs, metrics={})
    (target / "package.json").write_bytes(encode_manifest(manifest))
    recipe = Path(__file__).parents[2] / "calibration" / f"{source.manifest.variant}.yaml"
    result = invoke(
        target,
        *("--data", REAL_DATA / "nuaa_sirst", "--split", "split73_grouped_train.txt", "--recipe", recipe),
        *("--precision", "int8", "--orientations", "1", "--report", tmp_path / "report"),
    )
    assert result.exception is None, result.output
    assert set(Package(target).manifest.graphs) == {Precision.FP32, Precision.INT8}
    assert "validation part" in (tmp_path / "report" / "report.md").read_text()
