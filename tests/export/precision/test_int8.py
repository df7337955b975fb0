from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_irdet.errors import CalibrationDataError, RecipeError
from edge_irdet.export.precision.int8 import (
    apply_recipe,
    chosen_convolutions,
    float_source,
    quantize_all,
    quantize_int8,
    restrict_quantisation,
)
from edge_irdet.export.precision.lint import lint
from edge_irdet.export.precision.recipe import Int8Recipe, RangeMethod, Remainder

DetectorGraph = Callable[..., onnx.ModelProto]


def run(model: onnx.ModelProto, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return list(session.run(None, {session.get_inputs()[0].name: image}))


def quantised(model: onnx.ModelProto) -> list[str]:
    producer = {output: node for node in model.graph.node for output in node.output}
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and float_source(node.input[0], producer) != node.input[0]
    ]


def test_convolutions_but_the_last_are_quantised(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]
) -> None:
    source = detector_graph()
    model = quantize_int8(source, iter(scenes))
    assert source == detector_graph()
    assert quantised(model) == ["/network/backbone/first/Conv", "/network/neck/second/Conv"]
    assert [value.name for value in model.graph.output] == ["boxes", "scores"]
    scales = {
        node.input[0]: numpy_helper.to_array(tensor)
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
        for tensor in model.graph.initializer
        if tensor.name == node.input[1]
    }
    brightest = max(int(frame.max()) for frame in scenes) / 255
    assert scales["scaled"] == pytest.approx(brightest / 127, rel=1e-3)
    assert scales["first.weight"].shape == (4,)


def test_keep_float_equals_restricting_the_whole(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]
) -> None:
    recipe = Int8Recipe(keep_float=("*first*",))
    kept = quantize_int8(detector_graph(), scenes, recipe)
    assert quantised(kept) == ["/network/neck/second/Conv"]
    everything = quantize_all(detector_graph(), scenes, Int8Recipe())
    restricted = restrict_quantisation(everything, ["/network/neck/second/Conv"])
    assert restricted == kept == apply_recipe(everything, recipe)
    for expected, found in zip(run(kept, scenes[0]), run(restricted, scenes[0]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_restricting_to_nothing_is_fp32_again(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]
) -> None:
    model = restrict_quantisation(quantize_int8(detector_graph(), scenes), [])
    assert not any("Quantize" in node.op_type or "Dequantize" in node.op_type for node in model.graph.node)
    for expected, found in zip(run(detector_graph(), scenes[0]), run(model, scenes[0]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_fp16_remainder(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    recipe = Int8Recipe(keep_float=("*first*",), remainder=Remainder.FP16)
    model = quantize_int8(detector_graph(), scenes, recipe)
    onnx.checker.check_model(model, full_check=True)
    assert lint(model) == []
    assert quantised(model) == ["/network/neck/second/Conv"]
    assert any(tensor.data_type == TensorProto.FLOAT16 for tensor in model.graph.initializer)
    expected = run(quantize_int8(detector_graph(), scenes, Int8Recipe(keep_float=("*first*",))), scenes[0])
    np.testing.assert_allclose(run(model, scenes[0])[1], expected[1], atol=0.05)


def test_percentiles_clip(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    def input_scale(recipe: Int8Recipe) -> float:
        model = quantize_int8(detector_graph(), scenes, recipe)
        node = next(node for node in model.graph.node if node.input[0] == "scaled")
        return float(
            next(
                numpy_helper.to_array(item) for item in model.graph.initializer if item.name == node.input[1]
            )
        )

    widest = input_scale(Int8Recipe())
    everything = input_scale(Int8Recipe(method=RangeMethod.PERCENTILE, percentile=100.0))
    clipped = input_scale(Int8Recipe(method=RangeMethod.PERCENTILE, percentile=99.0))
    assert everything == pytest.approx(widest, rel=1e-3)
    assert clipped == pytest.approx(60 / 255 / 127, rel=0.05)  # the sky ends at 60, targets are 0.4 % of it


def test_too_few_frames(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    for count in (0, 1, 7):
        with pytest.raises(CalibrationDataError, match=f"{count} calibration frames"):
            quantize_int8(detector_graph(), scenes[:count])


@pytest.mark.parametrize(
    "frame",
    [np.zeros((1, 1, 64, 32), np.uint8), np.zeros((64, 64), np.uint8), np.zeros((1, 1, 64, 64), np.uint16)],
)
def test_frames_that_the_network_does_not_take(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]], frame: NDArray[np.uint8]
) -> None:
    with pytest.raises(CalibrationDataError, match="frame 8 is"):
        quantize_int8(detector_graph(), [*scenes[:8], frame])


def test_patterns(detector_graph: DetectorGraph) -> None:
    assert chosen_convolutions(detector_graph(), Int8Recipe()) == (
        "/network/backbone/first/Conv",
        "/network/neck/second/Conv",
    )
    with pytest.raises(RecipeError, match="matches no node"):
        chosen_convolutions(detector_graph(), Int8Recipe(keep_float=("/network/det/*",)))
    with pytest.raises(RecipeError, match="every convolution"):
        chosen_convolutions(detector_graph(), Int8Recipe(keep_float=("*",)))


def small_network(weights: NDArray[np.float32], last: NDArray[np.float32]) -> onnx.ModelProto:
    """image -> scale -> 1x1 convolution (quantised) -> 1x1 convolution (the last one)."""
    node = helper.make_node
    filters = weights.shape[0]
    graph = helper.make_graph(
        [
            node("Cast", ["image"], ["cast"], "/Cast", to=TensorProto.FLOAT),
            node("Mul", ["cast", "scale"], ["scaled"], "/Mul"),
            node("Conv", ["scaled", "w"], ["middle"], "/network/a/Conv"),
            node("Conv", ["middle", "last"], ["out"], "/network/b/Conv"),
        ],
        "small",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 1, 4, 4])],
        [
            numpy_helper.from_array(np.array(1 / 255, np.float32), "scale"),
            numpy_helper.from_array(weights.reshape(filters, 1, 1, 1), "w"),
            numpy_helper.from_array(last.reshape(1, filters, 1, 1), "last"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def int8(values: NDArray[np.float32], scale: np.float32 | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.rint(values / scale), -128, 127).astype(np.float32) * scale


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.floats(-4, 4, width=32).filter(lambda value: abs(value) > 1e-3), min_size=1, max_size=5),
    st.integers(0, 2**31),
)
def test_the_graph_computes_what_symmetric_int8_means(values: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    weights = np.array(values, np.float32)
    last = generator.normal(size=weights.shape).astype(np.float32)
    frames = [generator.integers(0, 256, (1, 1, 4, 4)).astype(np.uint8) for _ in range(8)]
    model = quantize_int8(small_network(weights, last), frames)
    largest = np.float32(max(frame.max() for frame in frames)) * np.float32(1 / 255)
    image = generator.integers(0, 256, (1, 1, 4, 4)).astype(np.uint8)
    scaled = image.astype(np.float32) * np.float32(1 / 255)
    activations = int8(scaled, np.float32(largest / 127))
    rounded = int8(weights, np.abs(weights) / np.float32(127))  # one weight a filter: exact but for rounding
    expected = np.einsum("bchw,f,f->bchw", activations, rounded, last)
    # A value half-way between two levels may round either way: one level of the input's scale.
    level = largest / 127 * np.abs(rounded * last).sum()
    assert np.abs(run(model, image)[0] - expected).max() <= level * 1.01
    assert np.mean(np.abs(run(model, image)[0] - expected) > 1e-4 * max(1.0, np.abs(expected).max())) <= 0.25
