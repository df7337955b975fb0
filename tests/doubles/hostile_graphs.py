"""Graphs that do not end, or ask for much memory; their border is that of a package for frames of 8x8."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from doubles.file_hashes import file_sha256
from edge_irdet.package import MANIFEST_NAME


def _model(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> bytes:
    """boxes [1, 6, 4] and scores [1, 6, 1] of zeros, after the tensor ``end`` was computed."""
    nodes = [
        *nodes,
        helper.make_node("Mul", ["end", "no_boxes"], ["boxes"]),
        helper.make_node("Mul", ["end", "no_scores"], ["scores"]),
    ]
    constants = {
        **constants,
        "no_boxes": np.zeros((1, 6, 4), np.float32),
        "no_scores": np.zeros((1, 6, 1), np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "hostile",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 8, 8])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 6, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 6, 1]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def endless_graph(only_bright: bool = False) -> bytes:
    """A loop that never ends; ``only_bright``: it ends for frames that are black, such as the warm-up's."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["on"]),
            helper.make_node("Add", ["x", "one"], ["y"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(np.ones(1, np.float32), "one")],
    )
    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["wide"], ["brightest"], keepdims=0),
        helper.make_node("Cast", ["brightest"], ["bright"], to=TensorProto.BOOL),
        helper.make_node("Loop", ["", "bright" if only_bright else "always", "zero"], ["end"], body=body),
    ]
    return _model(nodes, {"always": np.array(True), "zero": np.zeros(1, np.float32)})


def large_constant_graph(values: int) -> bytes:
    """A constant that loading makes in full: four bytes per value."""
    nodes = [
        helper.make_node("ConstantOfShape", ["count"], ["constant"]),
        helper.make_node("ReduceMax", ["constant"], ["end"]),
    ]
    return _model(nodes, {"count": np.array([values])})


def hostile_package(folder: Path, content: bytes) -> Path:
    """A package of such a graph, valid in all else."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(content)
    manifest = {
        "schema": 1,
        "name": "hostile",
        "variant": "hostile",
        "classes": ["target"],
        "parameters": 1,
        "input": {"name": "image", "width": 8, "height": 8, "channels": 1, "dtype": "uint8"},
        "outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 6, 1]}],
        "preprocess": {},
        "postprocess": {},
        "strides": [8],
        "anchors": [[[4.0, 4.0]]],
        "graphs": {"fp32": {"file": "model.onnx", "sha256": file_sha256(folder / "model.onnx")}},
    }
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    return folder
