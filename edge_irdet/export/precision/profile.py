"""Range and error of each layer: what its input spans, what rounding does to it, what has gathered so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from edge_irdet.errors import PrecisionConversionError
from edge_irdet.export.precision.fp16 import LARGEST_FP16
from edge_irdet.export.precision.ranges import tensor_values
from edge_irdet.export.precision.regions import with_named_nodes

INT8_LEVELS = 127
LARGEST_DECIBEL = 150.0
"""Ratio reported where there is no noise at all: what FP32 itself has."""


@dataclass(frozen=True)
class LayerProfile:
    """One convolution on real frames; signal to quantisation noise ratios (SQNR) are in dB."""

    name: str
    """Name of its node."""

    quantised: bool
    """Whether the INT8 graph quantises it."""

    input_range: float
    """Largest magnitude of its input."""

    input_sqnr: float
    """Of its input rounded to INT8 over ``input_range``; 6 dB are one bit."""

    weight_sqnr: float
    """Of its weight rounded to INT8 filter by filter."""

    output_sqnr: float
    """Of its output in the finished INT8 graph against FP32: the noise gathered from all layers before."""

    output_range: float
    """Largest magnitude of its output; FP16 ends at 65504."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the report."""
        return asdict(self)


def profile_layers(
    fp32: onnx.ModelProto, reduced: onnx.ModelProto, frames: list[NDArray[np.uint8]]
) -> tuple[LayerProfile, ...]:
    """Profile every convolution.

    Args:
        fp32: the package's graph.
        reduced: the INT8 graph made from it (or any graph with the same names of nodes and outputs).
        frames: network inputs [1, 1, H, W] uint8.
    """
    source = with_named_nodes(fp32)
    convolutions = [node for node in source.graph.node if node.op_type == "Conv"]
    inputs = {node.input[0]: _Noise() for node in convolutions}
    outputs = {node.output[0]: _Noise() for node in convolutions}
    for found in tensor_values(source, list(inputs), frames):
        for name, values in found.items():
            inputs[name].widen(values)
    pairs = zip(
        tensor_values(source, [*inputs, *outputs], frames),
        tensor_values(reduced, list(outputs), frames),
        strict=True,
    )
    for exact, rounded in pairs:
        for name, noise in inputs.items():
            noise.add(exact[name], _int8(exact[name], np.float32(noise.largest)))
        for name, noise in outputs.items():
            noise.widen(exact[name])
            noise.add(exact[name], rounded[name])
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in source.graph.initializer}
    producer = {output: node.op_type for node in reduced.graph.node for output in node.output}
    quantised = {
        node.name
        for node in reduced.graph.node
        if node.op_type == "Conv" and producer.get(node.input[0]) == "DequantizeLinear"
    }
    return tuple(
        LayerProfile(
            name=node.name,
            quantised=node.name in quantised,
            input_range=inputs[node.input[0]].largest,
            input_sqnr=inputs[node.input[0]].decibel,
            weight_sqnr=_weight_noise(weights[node.input[1]]).decibel,
            output_sqnr=outputs[node.output[0]].decibel,
            output_range=outputs[node.output[0]].largest,
        )
        for node in convolutions
    )


def require_fp16_ranges(profiles: Sequence[LayerProfile]) -> None:
    """Check that no convolution's input or output leaves FP16's range on the profiled frames.

    Raises:
        PrecisionConversionError: one does; the layers are named.
    """
    beyond = [
        f"{profile.name} ({max(profile.input_range, profile.output_range):.3g})"
        for profile in profiles
        if not max(profile.input_range, profile.output_range) <= LARGEST_FP16
    ]
    if beyond:
        raise PrecisionConversionError(
            f"{len(beyond)} layers leave FP16's range of {LARGEST_FP16:g}: {', '.join(beyond[:5])}",
            "keep them in FP32: add their names to fp16.keep_float of the recipe",
        )


@dataclass
class _Noise:
    """Sums over frames."""

    largest: float = 0.0
    signal: float = 0.0
    noise: float = 0.0

    def widen(self, values: NDArray[np.float32]) -> None:
        self.largest = max(self.largest, float(np.abs(values).max(initial=0.0)))

    def add(self, exact: NDArray[np.float32], rounded: NDArray[np.floating[Any]]) -> None:
        self.signal += float(np.square(exact, dtype=np.float64).sum())
        self.noise += float(np.square(exact - rounded.astype(np.float64)).sum())

    @property
    def decibel(self) -> float:
        if self.noise == 0.0:
            return LARGEST_DECIBEL
        return min(LARGEST_DECIBEL, 10.0 * math.log10(max(self.signal, 1e-30) / self.noise))


def _int8(
    values: NDArray[np.float32], largest: np.floating[Any] | NDArray[np.float32]
) -> NDArray[np.float32]:
    scale = np.where(largest > 0, largest, 1.0).astype(np.float32) / np.float32(INT8_LEVELS)
    return np.asarray(np.rint(values / scale) * scale, np.float32)


def _weight_noise(weight: NDArray[np.float32]) -> _Noise:
    largest = np.abs(weight).max(axis=tuple(range(1, weight.ndim)), keepdims=True)
    noise = _Noise()
    noise.add(weight, _int8(weight, largest))
    return noise
