from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_irdet.errors import PrecisionConversionError, RecipeError
from edge_irdet.export.precision.emulation import emulate_fp16
from edge_irdet.export.precision.fp16 import half_precision, to_fp16
from edge_irdet.export.precision.regions import element_types, find_regions, with_named_nodes

DetectorGraph = Callable[..., onnx.ModelProto]


def run(model: onnx.ModelProto, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, {session.get_inputs()[0].name: image}))


def test_only_the_network_part_is_half_precision(detector_graph: DetectorGraph) -> None:
    source = detector_graph()
    model = to_fp16(source)
    assert source == detector_graph()
    types = element_types(model)
    regions = find_regions(with_named_nodes(source))
    for node in model.graph.node:
        wanted = TensorProto.FLOAT16 if node.name in regions.network else None
        if wanted is not None:
            assert {types[name] for name in node.output} == {wanted}
        elif node.op_type != "Cast":
            assert {types[name] for name in node.output} == {TensorProto.FLOAT}
    added = [node for node in model.graph.node if node.op_type == "Cast" and node.name != "/Cast"]
    assert [(node.input[0], node.attribute[0].i) for node in added] == [
        ("scaled", TensorProto.FLOAT16),
        ("logits", TensorProto.FLOAT),
    ]
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert all(item.type.tensor_type.elem_type == TensorProto.FLOAT for item in model.graph.output)


def test_it_computes_nearly_the_same(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    source = detector_graph()
    for model in (to_fp16(source), emulate_fp16(to_fp16(source))):
        for expected, found in zip(run(source, scenes[0]), run(model, scenes[0]), strict=True):
            np.testing.assert_allclose(found, expected, atol=0.01)


def test_patterns_keep_nodes_in_fp32(detector_graph: DetectorGraph) -> None:
    model = to_fp16(detector_graph(), ["/network/neck/*"])
    types = element_types(model)
    assert types["a"] == TensorProto.FLOAT16
    assert types["b"] == types["b.sigmoid"] == types["b.silu"] == TensorProto.FLOAT
    assert types["logits"] == TensorProto.FLOAT16
    with pytest.raises(RecipeError, match="matches no node"):
        to_fp16(detector_graph(), ["/nothing/*"])


def test_only_the_named_nodes(detector_graph: DetectorGraph) -> None:
    types = element_types(to_fp16(detector_graph(), only={"/network/neck/second/Conv"}))
    assert [name for name, kind in types.items() if kind == TensorProto.FLOAT16 and name in "ab"] == ["b"]


def change(model: onnx.ModelProto, name: str, factor: float) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(factor), name))
    return model


def test_weights_that_do_not_fit(detector_graph: DetectorGraph) -> None:
    with pytest.raises(PrecisionConversionError, match=r"'first.weight' of .*first/Conv holds 8.8\d*e\+06"):
        to_fp16(change(detector_graph(), "first.weight", 1e7))
    with pytest.raises(PrecisionConversionError, match=r"2 filters of 'second\.weight'"):
        to_fp16(change(detector_graph(), "second.weight", 1e-9))


def test_an_unknown_operator_is_refused_until_it_is_kept(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    index = next(index for index, node in enumerate(model.graph.node) if node.name.endswith("second/Sigmoid"))
    model.graph.node[index].op_type = "HardSwish"
    with pytest.raises(PrecisionConversionError, match="HardSwish"):
        to_fp16(model)
    to_fp16(model, ["/network/neck/second/Sigmoid"])


def test_a_graph_without_convolutions() -> None:
    graph = helper.make_graph(
        [helper.make_node("Cast", ["image"], ["out"], to=TensorProto.FLOAT)],
        "empty",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])],
    )
    with pytest.raises(PrecisionConversionError, match="'empty' has no convolution"):
        to_fp16(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=1, max_dims=4, max_side=4),
        elements=st.floats(-7e4, 7e4, width=32) | st.floats(-(2.0**-23), 2.0**-23, width=32),
    )
)
def test_constants_are_rounded_or_refused(values: NDArray[np.float32]) -> None:
    try:
        rounded = half_precision(values, "w", "n")
    except PrecisionConversionError:
        vanished = values.ndim > 1 and np.abs(values).max(initial=0.0) < 7e4
        assert np.abs(values).max() > 65504 or vanished
        return
    assert np.isfinite(rounded).all()
    np.testing.assert_allclose(rounded.astype(np.float32), values, rtol=2**-11, atol=2**-25)


def rounding_graph(size: int) -> onnx.ModelProto:
    """Cast to FP16 and back, as a graph."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["half"], "/down", to=TensorProto.FLOAT16),
            helper.make_node("Cast", ["half"], ["y"], "/up", to=TensorProto.FLOAT),
        ],
        "rounding",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [size])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


ROUNDING = rounding_graph(8)


@settings(deadline=None)
@given(hnp.arrays(np.float32, 8, elements=st.floats(-65000, 65000, width=32)))
def test_the_emulation_rounds_as_half_precision_does(values: NDArray[np.float32]) -> None:
    values = np.where(np.abs(values) < 2.0**-14, np.float32(0), values)  # subnormal in FP16
    expected = values.astype(np.float16).astype(np.float32)
    found = run(emulate_fp16(ROUNDING), values)[0]
    # Veltkamp's split rounds ties another way at most: one unit of the last place.
    np.testing.assert_allclose(found, expected, rtol=2**-10, atol=0)
    exact = np.abs(values - expected) < 2.0**-12 * np.abs(values) * 0.99
    np.testing.assert_array_equal(found[exact], expected[exact])


def test_the_emulation_rounds_where_the_cpu_runner_does_not() -> None:
    # The reason the emulation exists: 1 + 2^-12 is no FP16 number.
    values = np.full(8, 1 + 2**-12, np.float32)
    assert (run(emulate_fp16(ROUNDING), values)[0] == 1).all()
