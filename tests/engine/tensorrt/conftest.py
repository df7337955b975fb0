from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from doubles.file_hashes import file_sha256
from edge_irdet.package import (
    GraphFile,
    InputSpec,
    Manifest,
    OutputSpec,
    Package,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    encode_manifest,
)

sys.path.insert(0, str(Path(__file__).parent))  # the fakes beside this file

WritePackage = Callable[..., Package]


def small_graph(seed: int = 0, half: bool = False, extra: str | None = None) -> onnx.ModelProto:
    """image uint8 [1, 1, 4, 6] -> boxes [1, 3, 4] and scores [1, 3, 1]; the body in FP16 where asked for."""
    weights = np.random.default_rng(seed).standard_normal((24, 15)).astype(np.float16 if half else np.float32)
    body = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["image"], ["cast"], "to_float", to=body),
        helper.make_node("Reshape", ["cast", "row"], ["flat"], "flatten"),
        helper.make_node("MatMul", ["flat", "weights"], ["body"], "body"),
        helper.make_node("Cast", ["body"], ["wide"], "to_decode", to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["wide", "split"], ["rows"], "decode_reshape"),
        helper.make_node("Slice", ["rows", "zero", "four", "last"], ["boxes"], "boxes"),
        helper.make_node("Slice", ["rows", "four", "five", "last"], ["scores"], "scores"),
    ]
    if extra is not None:
        nodes.append(helper.make_node(extra, ["boxes", "scores"], ["unused"], "extra"))
    constants = {
        "row": np.array([1, 24]),
        "split": np.array([1, 3, 5]),
        "zero": np.array([0]),
        "four": np.array([4]),
        "five": np.array([5]),
        "last": np.array([2]),
    }
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 4, 6])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 3, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3, 1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]
        + [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def stated_outputs(graph: onnx.GraphProto) -> list[OutputSpec]:
    """The graph's outputs; those of the small graph where it has others, which no manifest may state."""
    found = [
        OutputSpec(output.name, [size.dim_value or 1 for size in output.type.tensor_type.shape.dim])
        for output in graph.output
    ]
    if {"boxes", "scores"} <= {output.name for output in found}:
        return found
    return [OutputSpec("boxes", [1, 3, 4]), OutputSpec("scores", [1, 3, 1])]


def write_package(directory: Path, graphs: dict[Precision, onnx.ModelProto]) -> Package:
    """A package of the given graphs, with the manifest that the first of them asks for."""
    directory.mkdir()
    files = {}
    for precision, graph in graphs.items():
        path = directory / f"model.{precision.value}.onnx"
        onnx.save(graph, str(path))
        files[precision] = GraphFile(file=path.name, sha256=file_sha256(path))
    first = next(iter(graphs.values())).graph
    _, channels, height, width = (size.dim_value for size in first.input[0].type.tensor_type.shape.dim)
    manifest = Manifest(
        schema=1,
        name=directory.name,
        variant="small",
        classes=["target"],
        parameters=1,
        input=InputSpec("image", width, height, channels, "uint8"),
        outputs=stated_outputs(first),
        preprocess=PreprocessSpec(),
        postprocess=PostprocessSpec(),
        strides=[8, 16, 32],
        anchors=[[[4.0, 4.0]]] * 3,
        graphs=files,
        training_data=[],
    )
    (directory / "package.json").write_bytes(encode_manifest(manifest))
    return Package(directory)


@pytest.fixture
def small_package(tmp_path: Path) -> Package:
    """FP32 and FP16 of the small graph."""
    graphs = {Precision.FP32: small_graph(), Precision.FP16: small_graph(half=True)}
    return write_package(tmp_path / "small", graphs)


@pytest.fixture
def package_of(tmp_path: Path) -> WritePackage:
    """Write a package of given graphs into a fresh folder."""
    return lambda graphs, name="package": write_package(tmp_path / name, graphs)


@pytest.fixture
def graph_of() -> Callable[..., onnx.ModelProto]:
    """:func:`small_graph`."""
    return small_graph
