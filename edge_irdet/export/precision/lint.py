"""Rules that every graph of a package must keep; each stands for a parser that refuses or lost accuracy.

The rules on quantisation are those of TensorRT 8.5's parser (opset 17, float32 scales, zero points present
and 0) and of TensorRT 11 (symmetric INT8 only, strongly typed). Those on the tail keep the decode in FP32: a
quantised decode gives zero detections while the outputs' cosine stays at 0.9999.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from edge_irdet.errors import GraphRuleError
from edge_irdet.export.precision.regions import Regions, element_types, find_regions, with_named_nodes

OPSET = 17
"""The newest opset that TensorRT 8.5's parser reads."""

FORBIDDEN = frozenset(
    {
        "ConvInteger",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "NonMaxSuppression",
        "QLinearConv",
        "QLinearMatMul",
        "RoiAlign",
        "TopK",
    }
)
"""Operators that TensorRT's parsers refuse, or that make the outputs' sizes depend on the data."""

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
QUANTISED_OPERATORS = ("Conv", "Add")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule."""

    rule: str
    """Name of the rule, as docs/background/precision.md lists them."""

    node: str
    """Name of the node, or of the graph's input or output."""

    what: str
    """What is there."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.node}: {self.what}"


def lint(model: onnx.ModelProto) -> list[Violation]:
    """Check all rules.

    Args:
        model: an FP32, FP16 or INT8 graph.

    Returns:
        The broken rules in the order of the graph; empty for a graph that keeps them all.

    Raises:
        PrecisionConversionError: the graph has no convolution.
    """
    named = with_named_nodes(model)
    graph = _Graph(named)
    checks = (_opset, _operators, _border, _scales, _pairs, _bias, _coverage, _final, _tail)
    return [violation for check in checks for violation in check(named, graph)]


def require_clean(model: onnx.ModelProto, name: str) -> None:
    """Raise where a rule is broken.

    Args:
        model: the graph.
        name: what to call it in the message.

    Raises:
        GraphRuleError: at least one rule is broken.
    """
    violations = lint(model)
    if violations:
        more = "" if len(violations) < 4 else f"; and {len(violations) - 3} more"
        raise GraphRuleError(
            f"{name} breaks {len(violations)} rules: {'; '.join(map(str, violations[:3]))}{more}",
            "make it again from the FP32 graph: edge-irdet calibrate PACKAGE --data DIR --split LIST",
        )


class _Graph:
    """What the checks look up."""

    def __init__(self, model: onnx.ModelProto) -> None:
        nodes = model.graph.node
        self.regions: Regions = find_regions(model)
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self.producer = {output: node for node in nodes for output in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def dequantised(self, name: str) -> onnx.NodeProto | None:
        node = self.producer.get(name)
        return node if node is not None and node.op_type == DEQUANTISE else None


def _opset(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    found = {entry.domain: entry.version for entry in model.opset_import}
    used = {node.domain for node in model.graph.node}
    if found.get("", found.get("ai.onnx")) != OPSET:
        yield Violation("opset", "graph", f"opset {found.get('', 'none')}; it must be {OPSET}")
    for domain in sorted(used - {"", "ai.onnx"}):
        yield Violation("opset", "graph", f"operators of the domain {domain!r}")


def _operators(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for node in model.graph.node:
        if node.op_type in FORBIDDEN:
            yield Violation("operator", node.name, f"{node.op_type} is not allowed in a deployed graph")


def _border(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for values, wanted, kind in (
        (model.graph.input, TensorProto.UINT8, "uint8"),
        (model.graph.output, TensorProto.FLOAT, "float32"),
    ):
        for value in values:
            tensor = value.type.tensor_type
            if tensor.elem_type != wanted:
                found = TensorProto.DataType.Name(tensor.elem_type).lower()
                yield Violation("border", value.name, f"{found}; it must be {kind}")
            if not all(size.dim_value > 0 for size in tensor.shape.dim):
                yield Violation("border", value.name, "a size that is not fixed")


def _scales(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for node in model.graph.node:
        if node.op_type not in (QUANTISE, DEQUANTISE):
            continue
        scale = graph.constants.get(node.input[1])
        if scale is None:
            yield Violation("scale", node.name, "a scale that is computed, not stored")
        elif scale.data_type != TensorProto.FLOAT:
            found = TensorProto.DataType.Name(scale.data_type).lower()
            yield Violation("scale", node.name, f"a scale of {found}; it must be float32")
        else:
            values = numpy_helper.to_array(scale)
            if not (np.isfinite(values).all() and (values > 0).all()):
                yield Violation("scale", node.name, f"a scale of {values.min():g}; scales are above 0")
        point = graph.constants.get(node.input[2]) if len(node.input) > 2 else None
        if point is None:
            yield Violation(
                "zero-point", node.name, "no stored zero point; TensorRT 8.5 wants it written out"
            )
        elif point.data_type != TensorProto.INT8:
            found = TensorProto.DataType.Name(point.data_type).lower()
            yield Violation("int8", node.name, f"quantised to {found}; TensorRT takes int8 only")
        elif numpy_helper.to_array(point).any():
            yield Violation("zero-point", node.name, "a zero point that is not 0: TensorRT is symmetric")


def _pairs(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for node in model.graph.node:
        if node.op_type == DEQUANTISE:
            quantise = graph.producer.get(node.input[0])
            if quantise is None or quantise.op_type != QUANTISE:
                yield Violation("pair", node.name, "dequantises what no QuantizeLinear made")
            elif list(quantise.input[1:]) != list(node.input[1:]):
                yield Violation("pair", node.name, f"another scale or zero point than {quantise.name}")
            for reader in graph.readers.get(node.output[0], []):
                if reader.op_type not in QUANTISED_OPERATORS:
                    yield Violation("pair", node.name, f"read by the {reader.op_type} {reader.name}")
        elif node.op_type == QUANTISE:
            for reader in graph.readers.get(node.output[0], []):
                if reader.op_type != DEQUANTISE:
                    yield Violation("pair", node.name, f"read by the {reader.op_type} {reader.name}")


def _bias(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for node in model.graph.node:
        if node.op_type == "Conv" and len(node.input) > 2 and graph.dequantised(node.input[2]) is not None:
            yield Violation("bias", node.name, "a quantised bias; TensorRT wants it in floating point")


def _coverage(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        data, weight = (graph.dequantised(name) for name in node.input[:2])
        if (data is None) != (weight is None):
            which = "weight" if data is not None else "input"
            yield Violation("coverage", node.name, f"its {which} is not quantised, the other is")
        if weight is None:
            continue
        quantise = graph.producer.get(weight.input[0])
        stored = graph.constants.get(quantise.input[0]) if quantise is not None else None
        scale = graph.constants.get(weight.input[1])
        if stored is None or stored.data_type != TensorProto.FLOAT:
            yield Violation("weight", node.name, "its weight is not stored as float32 before QuantizeLinear")
        elif scale is not None and list(scale.dims) != [stored.dims[0]]:
            yield Violation(
                "weight",
                node.name,
                f"{list(scale.dims)} scales for {stored.dims[0]} filters: not per channel",
            )
        elif _axis(weight) != 0:
            yield Violation("weight", node.name, f"scales along axis {_axis(weight)}; filters are axis 0")


def _final(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    final = set(graph.regions.final_convolutions)
    for node in model.graph.node:
        if node.name in final and any(graph.dequantised(name) is not None for name in node.input):
            yield Violation("final-convolution", node.name, "quantised; its outputs are offsets and logits")


def _tail(model: onnx.ModelProto, graph: _Graph) -> Iterator[Violation]:
    try:
        types = element_types(model)
    except onnx.shape_inference.InferenceError as error:
        yield Violation("types", "graph", f"types or shapes do not fit: {str(error).splitlines()[0]}")
        types = {}
    tail = set(graph.regions.tail)
    for node in model.graph.node:
        if node.name not in tail:
            continue
        if node.op_type in (QUANTISE, DEQUANTISE):
            yield Violation("tail", node.name, f"{node.op_type} after the last convolution")
        for name in node.output:
            if types.get(name) == TensorProto.FLOAT16:
                yield Violation("tail", node.name, "float16 after the last convolution; the decode is FP32")


def _axis(node: onnx.NodeProto) -> int:
    return next((int(item.i) for item in node.attribute if item.name == "axis"), 1)
