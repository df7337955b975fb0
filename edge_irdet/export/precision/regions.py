"""Which part of an exported graph may leave FP32: between its first and its last convolutions."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
from onnx import numpy_helper

from edge_irdet.errors import PrecisionConversionError


@dataclass(frozen=True)
class Regions:
    """Names of a graph's nodes by what they are for; every node is in exactly one of the three."""

    head: tuple[str, ...]
    """Nodes before any convolution: cast and scale of the input."""

    network: tuple[str, ...]
    """All convolutions, and every node with a convolution before and one after it."""

    tail: tuple[str, ...]
    """Nodes after the last convolutions: the decode, and what follows the saliency convolution."""

    convolutions: tuple[str, ...]
    """Convolutions that another one follows, in graph order."""

    final_convolutions: tuple[str, ...]
    """Convolutions that none follows: those of the detection head and of the saliency head. Their outputs are
    logits and offsets, of which one quantisation step is a pixel or a lost target."""


def find_regions(model: onnx.ModelProto) -> Regions:
    """Sort the nodes of a graph without Constant nodes (see :func:`with_named_nodes`).

    Raises:
        PrecisionConversionError: the graph has no convolution.
    """
    nodes = model.graph.node
    producer = {output: index for index, node in enumerate(nodes) for output in node.output}
    after = [False] * len(nodes)
    before = [False] * len(nodes)
    sources = [[producer[name] for name in node.input if name in producer] for node in nodes]
    for index in range(len(nodes)):
        after[index] = any(after[source] or nodes[source].op_type == "Conv" for source in sources[index])
    for index in reversed(range(len(nodes))):
        for source in sources[index]:
            before[source] = before[source] or before[index] or nodes[index].op_type == "Conv"
    head: list[str] = []
    network: list[str] = []
    tail: list[str] = []
    convolutions: list[str] = []
    final: list[str] = []
    for index, node in enumerate(nodes):
        if node.op_type == "Conv":
            network.append(node.name)
            (convolutions if before[index] else final).append(node.name)
        elif after[index] and before[index]:
            network.append(node.name)
        else:
            (tail if after[index] else head).append(node.name)
    if not final:
        raise PrecisionConversionError(
            f"the graph {model.graph.name!r} has no convolution",
            "convert a graph that edge-irdet exported: edge-irdet export CHECKPOINT -o PACKAGE",
        )
    return Regions(tuple(head), tuple(network), tuple(tail), tuple(convolutions), tuple(final))


def with_named_nodes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which every node has a unique name and Constant nodes are initializers.

    Raises:
        PrecisionConversionError: a Constant holds something else than a tensor.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    kept = []
    taken: set[str] = set()
    for node in copied.graph.node:
        if node.op_type == "Constant":
            copied.graph.initializer.append(_constant(node))
            continue
        name = node.name or f"/{node.op_type}"
        unique, count = name, 0
        while unique in taken:
            count += 1
            unique = f"{name}_{count}"
        node.name = unique
        taken.add(unique)
        kept.append(node)
    del copied.graph.node[:]
    copied.graph.node.extend(kept)
    return copied


def _constant(node: onnx.NodeProto) -> onnx.TensorProto:
    if len(node.attribute) != 1 or node.attribute[0].name != "value":
        raise PrecisionConversionError(
            f"the Constant {node.name!r} holds {', '.join(item.name for item in node.attribute)}, no tensor",
            "export the package again: edge-irdet export CHECKPOINT -o PACKAGE",
        )
    return numpy_helper.from_array(numpy_helper.to_array(node.attribute[0].t), node.output[0])


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Element type (onnx.TensorProto enum) of every tensor, by shape inference."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}
