from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_irdet.errors import GraphRuleError
from edge_irdet.export.precision.fp16 import to_fp16
from edge_irdet.export.precision.int8 import quantize_int8
from edge_irdet.export.precision.lint import lint, require_clean

DetectorGraph = Callable[..., onnx.ModelProto]


@pytest.fixture
def int8(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> onnx.ModelProto:
    return quantize_int8(detector_graph(), scenes)


def rules(model: onnx.ModelProto) -> set[str]:
    return {violation.rule for violation in lint(model)}


def node_of(model: onnx.ModelProto, kind: str, reads: str = "") -> onnx.NodeProto:
    return next(
        node for node in model.graph.node if node.op_type == kind and (not reads or reads in node.input[0])
    )


def constant(model: onnx.ModelProto, name: str) -> TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def replace_constant(model: onnx.ModelProto, name: str, values: NDArray[np.generic]) -> None:
    constant(model, name).CopyFrom(numpy_helper.from_array(values, name))


def test_what_is_made_here_is_clean(detector_graph: DetectorGraph, int8: onnx.ModelProto) -> None:
    assert lint(detector_graph()) == []
    assert lint(to_fp16(detector_graph())) == []
    assert lint(int8) == []
    require_clean(int8, "it")


def test_opset(int8: onnx.ModelProto) -> None:
    int8.opset_import[0].version = 19
    assert "opset" in rules(int8)
    int8.opset_import[0].version = 16
    assert "opset" in rules(int8)


def test_a_foreign_domain(int8: onnx.ModelProto) -> None:
    int8.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert lint(int8) == []  # imported and not used: harmless
    node_of(int8, "Sigmoid").domain = "com.microsoft"
    assert "opset" in rules(int8)


@pytest.mark.parametrize("operator", ["NonMaxSuppression", "QLinearConv", "TopK", "DynamicQuantizeLinear"])
def test_forbidden_operators(detector_graph: DetectorGraph, operator: str) -> None:
    model = detector_graph()
    model.graph.node.append(helper.make_node(operator, ["boxes", "scores"], ["kept"], "/forbidden"))
    assert "operator" in rules(model)


def test_the_border(detector_graph: DetectorGraph) -> None:
    floating = detector_graph()
    floating.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    assert rules(floating) == {"border"}
    dynamic = detector_graph()
    dynamic.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert rules(dynamic) == {"border"}


def test_half_precision_outputs(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    cast = helper.make_node("Cast", ["scores"], ["half"], "/half", to=TensorProto.FLOAT16)
    model.graph.node.append(cast)
    model.graph.output.append(helper.make_tensor_value_info("half", TensorProto.FLOAT16, [1, 4096, 1]))
    assert rules(model) == {"border", "tail"}


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_are_positive_numbers(int8: onnx.ModelProto, scale: float) -> None:
    replace_constant(int8, node_of(int8, "QuantizeLinear", "scaled").input[1], np.array(scale, np.float32))
    assert rules(int8) == {"scale"}


def test_scales_are_float32(int8: onnx.ModelProto) -> None:
    replace_constant(int8, node_of(int8, "QuantizeLinear", "scaled").input[1], np.array(1, np.float16))
    assert rules(int8) == {"scale"}


def test_computed_scales(int8: onnx.ModelProto) -> None:
    quantise = node_of(int8, "QuantizeLinear", "scaled")
    computed = helper.make_node("Identity", [quantise.input[1]], ["computed"], "/computed")
    int8.graph.node.insert(0, computed)
    quantise.input[1] = "computed"
    assert "scale" in rules(int8)


def test_zero_points_are_zero(int8: onnx.ModelProto) -> None:
    replace_constant(int8, node_of(int8, "QuantizeLinear", "scaled").input[2], np.array(3, np.int8))
    assert rules(int8) == {"zero-point"}


def test_zero_points_are_there(int8: onnx.ModelProto) -> None:
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        for node in int8.graph.node:
            if node.op_type == kind and len(node.input) > 2:
                del node.input[2]
    assert "zero-point" in rules(int8)


def test_uint8_quantisation(int8: onnx.ModelProto) -> None:
    zero_point = node_of(int8, "QuantizeLinear", "scaled").input[2]
    users = [node for node in int8.graph.node if len(node.input) > 2 and node.input[2] == zero_point]
    assert {node.op_type for node in users} == {"QuantizeLinear", "DequantizeLinear"}
    replace_constant(int8, zero_point, np.array(0, np.uint8))
    assert rules(int8) == {"int8"}


def test_a_quantised_bias(int8: onnx.ModelProto) -> None:
    conv = node_of(int8, "Conv", "a.silu")
    pair = node_of(int8, "QuantizeLinear", "scaled")
    quantise = helper.make_node("QuantizeLinear", [conv.input[2], *pair.input[1:]], ["bias.q"], "/q")
    dequantise = helper.make_node("DequantizeLinear", ["bias.q", *pair.input[1:]], ["bias.dq"], "/dq")
    int8.graph.node.insert(0, quantise)
    int8.graph.node.insert(1, dequantise)
    conv.input[2] = "bias.dq"
    assert rules(int8) == {"bias"}


def test_half_a_pair_of_a_convolution(int8: onnx.ModelProto) -> None:
    node_of(int8, "Conv", "a.silu").input[0] = "a.silu"
    assert "coverage" in rules(int8)


def test_a_weight_with_one_scale(int8: onnx.ModelProto) -> None:
    quantise = node_of(int8, "QuantizeLinear", "second.weight")
    replace_constant(int8, quantise.input[1], np.float32([0.1]))
    replace_constant(int8, quantise.input[2], np.int8([0]))
    assert rules(int8) == {"weight"}


def test_a_weight_stored_as_int8(int8: onnx.ModelProto) -> None:
    dequantise = node_of(int8, "DequantizeLinear", "second.weight")
    quantise = node_of(int8, "QuantizeLinear", "second.weight")
    int8.graph.node.remove(quantise)
    int8.graph.initializer.append(
        numpy_helper.from_array(np.zeros((2, 4, 1, 1), np.int8), dequantise.input[0])
    )
    assert rules(int8) == {"pair", "weight"}


def test_a_weight_scaled_along_its_inputs(int8: onnx.ModelProto) -> None:
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        node = node_of(int8, kind, "first.weight")
        next(item for item in node.attribute if item.name == "axis").i = 1
    assert rules(int8) == {"weight"}


def test_pairs_share_their_scale(int8: onnx.ModelProto) -> None:
    dequantise = node_of(int8, "DequantizeLinear", "scaled")
    int8.graph.initializer.append(numpy_helper.from_array(np.array(0.5, np.float32), "other"))
    dequantise.input[1] = "other"
    assert rules(int8) == {"pair"}


def test_only_convolutions_and_additions_read_quantised_tensors(int8: onnx.ModelProto) -> None:
    dequantised = node_of(int8, "DequantizeLinear", "a.silu").output[0]
    int8.graph.node.append(helper.make_node("Sigmoid", [dequantised], ["unused"], "/reader"))
    assert rules(int8) == {"pair"}


def _quantise_input(model: onnx.ModelProto, reader: str, position: int) -> None:
    """Put a pair on one input of a node."""
    pair = node_of(model, "QuantizeLinear", "scaled")
    index = next(index for index, node in enumerate(model.graph.node) if node.name == reader)
    node = model.graph.node[index]
    name = node.input[position]
    quantise = helper.make_node("QuantizeLinear", [name, *pair.input[1:]], [f"{name}.q"], "/tail.q")
    dequantise = helper.make_node(
        "DequantizeLinear", [f"{name}.q", *pair.input[1:]], [f"{name}.dq"], "/tail.dq"
    )
    node.input[position] = f"{name}.dq"
    model.graph.node.insert(index, dequantise)
    model.graph.node.insert(index, quantise)


def test_the_last_convolution_stays_in_floating_point(int8: onnx.ModelProto) -> None:
    _quantise_input(int8, "/network/det/Conv", 0)
    assert rules(int8) == {"final-convolution", "coverage"}


def test_no_quantisation_in_the_decode(int8: onnx.ModelProto) -> None:
    _quantise_input(int8, "/Add", 0)
    violations = lint(int8)
    assert {violation.rule for violation in violations} == {"tail"}
    assert {violation.node for violation in violations} == {"/tail.q", "/tail.dq"}


def test_no_half_precision_in_the_decode(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    graph = model.graph
    index = next(index for index, node in enumerate(graph.node) if node.name == "/Sigmoid")
    graph.node[index].input[0], graph.node[index].output[0] = "flat.half", "scores.half"
    graph.node.insert(
        index, helper.make_node("Cast", ["flat"], ["flat.half"], "/down", to=TensorProto.FLOAT16)
    )
    graph.node.append(helper.make_node("Cast", ["scores.half"], ["scores"], "/up", to=TensorProto.FLOAT))
    assert rules(model) == {"tail"}


def test_types_that_do_not_fit(int8: onnx.ModelProto) -> None:
    node_of(int8, "Sigmoid").op_type = "Not"
    assert "types" in rules(int8)


def test_the_error_counts_and_names(int8: onnx.ModelProto) -> None:
    for node in int8.graph.node:
        if node.op_type == "QuantizeLinear":
            replace_constant(int8, node.input[1], -numpy_helper.to_array(constant(int8, node.input[1])))
    with pytest.raises(GraphRuleError, match=r"the int8 graph breaks 8 rules: scale: .*and 5 more") as error:
        require_clean(int8, "the int8 graph")
    assert "edge-irdet calibrate" in error.value.next_step
