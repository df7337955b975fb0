"""FP32 graph -> symmetric QDQ INT8 graph that TensorRT 8.5's parser and TensorRT 11 both accept.

Convolutions between the input's scale and the last convolutions get a Quantize/Dequantize pair on their data
input and one on their weight; everything else stays FP32. No pair stands on a convolution's output: the next
convolution's input has its own, and quantising the value before its activation as well would only add error.
The additions inside SIWD are not quantised: both of their terms come out of an activation in floating point,
so TensorRT has no integer convolution to fuse them with.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edge_irdet.errors import CalibrationDataError, RecipeError
from edge_irdet.export.precision.fp16 import to_fp16
from edge_irdet.export.precision.ranges import percentile_ranges
from edge_irdet.export.precision.recipe import (
    MINIMUM_IMAGES,
    Int8Recipe,
    RangeMethod,
    Remainder,
    matching_nodes,
)
from edge_irdet.export.precision.regions import find_regions, with_named_nodes

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"


def quantize_int8(
    model: onnx.ModelProto, frames: Iterable[NDArray[np.uint8]], recipe: Int8Recipe | None = None
) -> onnx.ModelProto:
    """Quantise the network part of an exported FP32 graph.

    Args:
        model: opset 17 graph as :func:`edge_irdet.export.graph.export_onnx` writes it; it is not changed.
        frames: network inputs [1, 1, H, W] uint8, as :class:`edge_irdet.detection.preprocess.Preprocessor`
            makes them from real frames; read once.
        recipe: method and convolutions to keep; its image count and seed are for whoever draws the frames.

    Returns:
        A graph of the same inputs and outputs.

    Raises:
        RecipeError: a pattern matches no convolution, or all of them.
        CalibrationDataError: fewer than 8 frames, or one of another shape or dtype.
        PrecisionConversionError: the graph is not one that edge-irdet exported.
    """
    recipe = recipe or Int8Recipe()
    chosen_convolutions(model, recipe)  # a misspelt pattern is found before minutes of calibration
    return apply_recipe(quantize_all(model, frames, recipe), recipe)


def quantize_all(
    model: onnx.ModelProto, frames: Iterable[NDArray[np.uint8]], recipe: Int8Recipe
) -> onnx.ModelProto:
    """As :func:`quantize_int8`, with every convolution that may be quantised; the recipe gives the method."""
    source = with_named_nodes(model)
    convolutions = find_regions(source).convolutions
    checked = [*_checked(source.graph.input[0], frames)]
    return restrict_quantisation(_quantize_static(source, checked, list(convolutions), recipe), convolutions)


def apply_recipe(everything: onnx.ModelProto, recipe: Int8Recipe) -> onnx.ModelProto:
    """Take a recipe's ``keep_float`` and ``remainder`` to a graph of :func:`quantize_all`.

    Raises:
        RecipeError: a pattern matches no convolution, or all of them.
    """
    chosen = chosen_convolutions(everything, recipe)
    quantised = restrict_quantisation(everything, chosen)
    if recipe.remainder is Remainder.FP32:
        return quantised
    pairs = (node.name for node in quantised.graph.node if node.op_type in (QUANTISE, DEQUANTISE))
    return to_fp16(quantised, only=set(find_regions(quantised).network).difference(chosen, pairs))


def chosen_convolutions(model: onnx.ModelProto, recipe: Int8Recipe) -> tuple[str, ...]:
    """Names of the convolutions that a recipe quantises.

    Raises:
        RecipeError: a pattern matches no convolution, or all of them.
    """
    convolutions = find_regions(with_named_nodes(model)).convolutions
    kept = set(matching_nodes(recipe.keep_float, convolutions))
    if kept.issuperset(convolutions):
        raise RecipeError("the recipe keeps every convolution in FP32", "shorten its int8.keep_float")
    return tuple(name for name in convolutions if name not in kept)


def restrict_quantisation(model: onnx.ModelProto, chosen: Collection[str]) -> onnx.ModelProto:
    """Keep the Quantize/Dequantize pairs of the chosen convolutions only.

    Nodes other than these read the floating-point tensor, also where a pair stands beside it.

    Args:
        model: a graph that :func:`quantize_int8` made; it is not changed.
        chosen: names of convolutions.
    """
    restricted = onnx.ModelProto()
    restricted.CopyFrom(model)
    graph = restricted.graph
    producer = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type in (QUANTISE, DEQUANTISE) or node.name in chosen:
            continue
        for position, name in enumerate(node.input):
            node.input[position] = float_source(name, producer)
    _remove_unused(graph)
    return restricted


def float_source(name: str, producer: dict[str, onnx.NodeProto]) -> str:
    """The floating-point tensor behind a Quantize/Dequantize pair; ``name`` itself where there is none."""
    dequantise = producer.get(name)
    if dequantise is None or dequantise.op_type != DEQUANTISE:
        return name
    quantise = producer.get(dequantise.input[0])
    return name if quantise is None else quantise.input[0]


def _remove_unused(graph: onnx.GraphProto) -> None:
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    initializers = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    values = [value for value in graph.value_info if value.name in needed]
    del graph.value_info[:]
    graph.value_info.extend(values)


def _checked(
    network_input: onnx.ValueInfoProto, frames: Iterable[NDArray[np.uint8]]
) -> Iterator[NDArray[np.uint8]]:
    shape = tuple(size.dim_value for size in network_input.type.tensor_type.shape.dim)
    count = 0
    for frame in frames:
        if frame.shape != shape or frame.dtype != np.uint8:
            raise CalibrationDataError(
                f"calibration frame {count} is {frame.dtype} {frame.shape}, the network takes uint8 {shape}",
                "pass frames through the package's Preprocessor first",
            )
        count += 1
        yield frame
    if count < MINIMUM_IMAGES:
        raise CalibrationDataError(
            f"{count} calibration frames; ranges need at least {MINIMUM_IMAGES}",
            "name a split with more images: --split train.txt",
        )


def _quantize_static(
    source: onnx.ModelProto, frames: list[NDArray[np.uint8]], chosen: list[str], recipe: Int8Recipe
) -> onnx.ModelProto:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    overrides: dict[str, list[dict[str, Any]]] = {}
    if recipe.method is RangeMethod.PERCENTILE:
        inputs = dict.fromkeys(node.input[0] for node in source.graph.node if node.name in chosen)
        ranges = percentile_ranges(source, list(inputs), frames, recipe.percentile)
        overrides = {
            name: [{"rmin": np.float32(-limit), "rmax": np.float32(limit)}] for name, limit in ranges.items()
        }
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it recommends a preprocessing that the exporter has already done
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "int8.onnx"
            quantize_static(
                source,
                path,
                _FrameReader(source.graph.input[0].name, frames),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_quantize=chosen,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "AddQDQPairToWeight": True,
                    "QuantizeBias": False,
                    "OpTypesToExcludeOutputQuantization": ["Conv"],
                    "TensorQuantOverrides": overrides,
                },
            )
            return onnx.load(str(path))
    finally:
        root.setLevel(level)


class _FrameReader:
    """onnxruntime's calibration reader over network inputs."""

    def __init__(self, name: str, frames: Iterable[NDArray[np.uint8]]) -> None:
        self._name = name
        self._frames = iter(frames)

    def get_next(self) -> dict[str, Any] | None:
        frame = next(self._frames, None)
        return None if frame is None else {self._name: frame}
