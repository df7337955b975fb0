from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

onnx = pytest.importorskip("onnx")
pytest.importorskip("tensorrt_rtx", reason="pip install -e '.[tensorrt-rtx]'")

from onnx import TensorProto, helper, numpy_helper

from doubles.file_hashes import file_sha256
from edge_irdet.cli.build import build_command
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError, OptionError, PrecisionMissingError
from edge_irdet.package import (
    GraphFile,
    InputSpec,
    Manifest,
    OutputSpec,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    encode_manifest,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose graphs, FP32 and FP16, are one matrix product."""
    directory = tmp_path / "package"
    directory.mkdir()
    files = {}
    for precision, kind, dtype in (
        (Precision.FP32, TensorProto.FLOAT, np.float32),
        (Precision.FP16, TensorProto.FLOAT16, np.float16),
    ):
        graph = helper.make_graph(
            [
                helper.make_node("Cast", ["image"], ["wide"], to=kind),
                helper.make_node("MatMul", ["wide", "weights"], ["product"]),
                helper.make_node("Cast", ["product"], ["all"], to=TensorProto.FLOAT),
                helper.make_node("Reshape", ["all", "rows"], ["table"]),
                helper.make_node("Split", ["table", "split"], ["boxes", "scores"], axis=2),
            ],
            "product",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 4, 6])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 4, 4]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4, 1]),
            ],
            [
                numpy_helper.from_array(np.ones((6, 5), dtype), "weights"),
                numpy_helper.from_array(np.array([1, 4, 5]), "rows"),
                numpy_helper.from_array(np.array([4, 1]), "split"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = directory / f"{precision.value}.onnx"
        onnx.save(model, str(path))
        files[precision] = GraphFile(path.name, file_sha256(path))
    manifest = Manifest(
        schema=1,
        name="package",
        variant="light-sgmtlm-reduced",
        classes=["target"],
        parameters=24,
        input=InputSpec("image", 6, 4, 1, "uint8"),
        outputs=[OutputSpec("boxes", [1, 4, 4]), OutputSpec("scores", [1, 4, 1])],
        preprocess=PreprocessSpec(),
        postprocess=PostprocessSpec(),
        strides=[8],
        anchors=[[[4.0, 4.0]]],
        graphs=files,
    )
    (directory / "package.json").write_bytes(encode_manifest(manifest))
    return directory


def build(*arguments: Any) -> Result:
    """``edge-irdet build`` with NVIDIA's real builder."""
    given = [str(argument) for argument in arguments]
    result = CliRunner().invoke(build_command, [*given, "--module", "tensorrt_rtx"])
    if isinstance(result.exception, EdgeIrdetError):
        raise result.exception
    return result


def engines(package: Path) -> list[str]:
    return sorted(path.name.split("-")[0] + path.suffix for path in (package / "engines").iterdir())


def test_auto_builds_every_precision_of_the_manifest(package: Path) -> None:
    result = build(package, "--target", "8.6")
    assert result.exit_code == 0, result.output
    assert engines(package) == ["fp16.engine", "fp16.json", "fp32.engine", "fp32.json"]
    assert "not measured: the GPU that these engines are for is not here" in result.output


def test_auto_omits_int8_where_nothing_can_be_measured(package: Path) -> None:
    manifest = json.loads((package / "package.json").read_text())
    manifest["graphs"]["int8"] = manifest["graphs"]["fp32"]
    (package / "package.json").write_text(json.dumps(manifest))
    result = build(package)
    assert engines(package) == ["fp16.engine", "fp16.json", "fp32.engine", "fp32.json"]
    assert "int8 was not built" in result.output
    assert "--precision int8" in result.output
    result = build(package, "--precision", "int8")
    assert "int8.engine" in engines(package)
    assert "was not built" not in result.output


def test_one_precision(package: Path) -> None:
    assert build(package, "--precision", "fp16", "--workspace", "64").exit_code == 0
    assert engines(package) == ["fp16.engine", "fp16.json"]


def test_a_precision_that_is_not_in_the_manifest(package: Path) -> None:
    with pytest.raises(PrecisionMissingError):
        build(package, "--precision", "int8")
    assert not (package / "engines").exists()


@pytest.mark.parametrize("given", [["--via", "torch-tensorrt"], ["--checkpoint", "best.pt"]])
def test_torch_tensorrt_and_its_checkpoint_go_together(package: Path, given: list[str]) -> None:
    with pytest.raises(OptionError, match="go together"):
        build(package, *given)


def test_torch_tensorrt_that_is_not_installed(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(__import__("sys").modules, "torch_tensorrt", None)
    with pytest.raises(ExtraMissingError, match="torch-tensorrt"):
        build(package, "--precision", "fp32", "--via", "torch-tensorrt", "--checkpoint", "best.pt")


@pytest.mark.parametrize("given", [["--workspace", "0"], ["--precision", "fp8"], ["--module", "nvinfer"]])
def test_misuse_exits_with_2(package: Path, given: list[str]) -> None:
    assert CliRunner().invoke(build_command, [str(package), *given]).exit_code == 2
