"""FP32 graph -> strongly typed FP16 graph with the decode in FP32.

Only the nodes between the input's scale and the last convolutions (and these) become FP16. A cast stands on
every edge that crosses the border and nowhere else; the input stays uint8 and the outputs float32. The decode
multiplies offsets by strides of up to 32 px, where FP16 would err by a quarter of a pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_irdet.errors import PrecisionConversionError
from edge_irdet.export.precision.recipe import matching_nodes
from edge_irdet.export.precision.regions import element_types, find_regions, with_named_nodes

LARGEST_FP16 = 65504.0
"""Largest finite half-precision number."""

DATA_INPUTS: dict[str, int | None] = {
    "Add": None,
    "AveragePool": None,
    "Concat": None,
    "Conv": None,
    "GlobalAveragePool": None,
    "LeakyRelu": None,
    "MaxPool": None,
    "Mul": None,
    "Relu": None,
    "Reshape": 1,
    "Resize": 1,  # its scales stay float32 by specification
    "Sigmoid": None,
    "Slice": 1,
    "Sub": None,
    "Transpose": None,
}
"""Operators that can become FP16 -> how many of their inputs are data (None: all) and change type with it."""


def to_fp16(
    model: onnx.ModelProto, keep_float: Sequence[str] = (), *, only: Collection[str] | None = None
) -> onnx.ModelProto:
    """Convert the network part of an exported FP32 graph to FP16.

    Args:
        model: opset 17 graph as :func:`edge_irdet.export.graph.export_onnx` writes it; it is not changed.
        keep_float: patterns (as in a shell) of node names that stay FP32.
        only: node names that may become FP16; None allows all. For finding out which layers cost accuracy.

    Returns:
        A graph of the same inputs and outputs, accepted by ``onnx.checker`` with strict shape inference.

    Raises:
        RecipeError: a pattern matches no node.
        PrecisionConversionError: a weight does not fit FP16, a filter would vanish, or an operator of the
            network part is unknown here.
    """
    converted = with_named_nodes(model)
    regions = find_regions(converted)
    kept = set(matching_nodes(keep_float, regions.network))
    half = {name for name in regions.network if name not in kept and (only is None or name in only)}
    graph = converted.graph
    types = element_types(converted)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    border = _Border(
        constants, types, {output for node in graph.node if node.name in half for output in node.output}
    )
    graph_outputs = {output.name for output in graph.output}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.name in half and node.op_type not in DATA_INPUTS:
            raise PrecisionConversionError(
                f"the operator {node.op_type} of {node.name} is not known to the FP16 converter",
                f"keep it in FP32: add {node.name!r} to fp16.keep_float of the recipe",
            )
        count = DATA_INPUTS.get(node.op_type)
        for position, name in enumerate(node.input):
            if not name:
                continue
            if node.name not in half:
                node.input[position] = border.as_float(name, nodes)
            elif count is None or position < count:
                node.input[position] = border.as_half(name, nodes, node.name)
        nodes.append(node)
        if node.name in half and graph_outputs & set(node.output):
            raise PrecisionConversionError(
                f"the output {node.output[0]!r} comes straight from {node.name}; outputs stay float32",
                f"keep it in FP32: add {node.name!r} to fp16.keep_float of the recipe",
            )
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]  # the types of before; the checker infers them anew
    used = {name for node in nodes for name in node.input}
    initializers = [*graph.initializer, *border.new_constants]
    del graph.initializer[:]
    graph.initializer.extend(tensor for tensor in initializers if tensor.name in used)
    onnx.checker.check_model(converted, full_check=True)
    return converted


class _Border:
    """Makes, once each, the casts and the FP16 constants that the border needs."""

    def __init__(
        self, constants: dict[str, TensorProto], types: dict[str, int], half_tensors: Collection[str]
    ) -> None:
        self._constants = constants
        self._types = types
        self._half_tensors = half_tensors
        self._made: dict[str, str] = {}
        self.new_constants: list[TensorProto] = []

    def as_float(self, name: str, nodes: list[onnx.NodeProto]) -> str:
        if name not in self._half_tensors:
            return name
        return self._cast(name, TensorProto.FLOAT, "float32", nodes)

    def as_half(self, name: str, nodes: list[onnx.NodeProto], node: str) -> str:
        if name in self._half_tensors or self._types[name] != TensorProto.FLOAT:
            return name
        if name not in self._constants:
            return self._cast(name, TensorProto.FLOAT16, "float16", nodes)
        if name not in self._made:
            self._made[name] = f"{name}_float16"
            array = half_precision(numpy_helper.to_array(self._constants[name]), name, node)
            self.new_constants.append(numpy_helper.from_array(array, self._made[name]))
        return self._made[name]

    def _cast(self, name: str, to: int, suffix: str, nodes: list[onnx.NodeProto]) -> str:
        if name not in self._made:
            self._made[name] = f"{name}_{suffix}"
            nodes.append(helper.make_node("Cast", [name], [self._made[name]], f"{name}_to_{suffix}", to=to))
        return self._made[name]


def half_precision(values: NDArray[np.float32], name: str, node: str) -> NDArray[np.float16]:
    """Round a constant to FP16.

    Numbers under 6e-8 become 0: harmless beside larger ones, an error where a whole filter vanishes.

    Args:
        values: the constant, any shape; axis 0 counts the filters of a convolution's weight.
        name: its name, for the message.
        node: name of the node that reads it, for the message.

    Raises:
        PrecisionConversionError: a value is above 65504 or not a number, or a filter vanishes.
    """
    next_step = f"keep the node in FP32: add {node!r} to fp16.keep_float of the recipe"
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= LARGEST_FP16:  # also true for NaN
        raise PrecisionConversionError(
            f"the constant {name!r} of {node} holds {largest:g}; FP16 ends at {LARGEST_FP16:g}", next_step
        )
    rounded = values.astype(np.float16)
    if values.ndim > 1:
        axes = tuple(range(1, values.ndim))
        vanished = np.flatnonzero(values.any(axis=axes) & ~rounded.any(axis=axes))
        if vanished.size:
            raise PrecisionConversionError(
                f"{vanished.size} filters of {name!r} ({node}) are smaller than FP16 can hold and would "
                f"become 0, the first is filter {vanished[0]}",
                next_step,
            )
    return rounded
