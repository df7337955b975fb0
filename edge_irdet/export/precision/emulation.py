"""What FP16 arithmetic does to a graph, computed in FP32.

ONNX Runtime has no FP16 convolution on x86 CPUs: it removes the casts and computes in FP32, so that running
the FP16 graph there shows the rounding of the weights only. The emulation rounds after every operator.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_irdet.export.precision.regions import element_types, with_named_nodes

EXACT = frozenset({"Concat", "MaxPool", "Reshape", "Slice", "Transpose"})
"""Operators whose outputs are copies of their inputs' values: nothing to round."""

SPLITTER = float(2**13 + 1)
"""Veltkamp's constant: splits the 11 significant bits of FP16 off the 24 of FP32 (T. J. Dekker, "A
floating-point technique for extending the available precision", Numerische Mathematik 18, 1971)."""


def emulate_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """An FP32 graph that computes what a graph with FP16 parts computes, rounding after every operator.

    Values that FP16 holds as subnormals (below 6e-5) keep more bits than they would, and values above 65504
    do not overflow: the ranges are checked by themselves (:mod:`edge_irdet.export.precision.profile`).

    Args:
        model: a graph of :func:`edge_irdet.export.precision.fp16.to_fp16`; it is not changed.
    """
    emulated = with_named_nodes(model)
    types = element_types(emulated)
    graph = emulated.graph
    for index, tensor in enumerate(graph.initializer):
        if tensor.data_type == TensorProto.FLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            graph.initializer[index].CopyFrom(numpy_helper.from_array(values, tensor.name))
    graph.initializer.append(numpy_helper.from_array(np.float32(SPLITTER), "fp16_splitter"))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        output = node.output[0]
        if types.get(output) == TensorProto.FLOAT16 and node.op_type not in EXACT:
            exact = f"{output}_exact"
            if node.op_type == "Cast":
                nodes.append(helper.make_node("Identity", list(node.input), [exact], node.name))
            else:
                node.output[0] = exact
                nodes.append(node)
            nodes.extend(_rounded(exact, output))
        elif node.op_type == "Cast" and types.get(node.input[0]) == TensorProto.FLOAT16:
            nodes.append(helper.make_node("Identity", list(node.input), [output], node.name))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return emulated


def _rounded(source: str, target: str) -> list[onnx.NodeProto]:
    scaled, rest = f"{source}_scaled", f"{source}_rest"
    return [
        helper.make_node("Mul", [source, "fp16_splitter"], [scaled], f"{target}_scaled"),
        helper.make_node("Sub", [scaled, source], [rest], f"{target}_rest"),
        helper.make_node("Sub", [scaled, rest], [target], f"{target}_rounded"),
    ]
