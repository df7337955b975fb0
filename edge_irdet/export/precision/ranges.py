"""Ranges of tensors over frames, with clipping of the rarest values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from edge_irdet.export.precision.regions import element_types

BINS = 4096


def percentile_ranges(
    model: onnx.ModelProto, tensors: Sequence[str], frames: Sequence[NDArray[np.uint8]], percentile: float
) -> dict[str, float]:
    """Magnitude that the given share of a tensor's values stays under, over all frames.

    Args:
        model: an FP32 graph.
        tensors: names of float tensors in it.
        frames: network inputs [1, 1, H, W] uint8.
        percentile: share in percent, above 0 and at most 100 (the largest magnitude).

    Returns:
        Range of each tensor, above 0.
    """
    largest = dict.fromkeys(tensors, 0.0)
    for found in tensor_values(model, tensors, frames):
        for name, values in found.items():
            largest[name] = max(largest[name], float(np.abs(values).max(initial=0.0)))
    counts = {name: np.zeros(BINS, np.int64) for name in tensors}
    for found in tensor_values(model, tensors, frames):
        for name, values in found.items():
            if largest[name] > 0.0:
                places = (np.abs(values.ravel()) * (BINS / largest[name])).astype(np.int64)
                counts[name] += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    ranges = {}
    for name in tensors:
        share = np.cumsum(counts[name]) / max(1, int(counts[name].sum()))
        bin_index = int(np.searchsorted(share, percentile / 100.0))
        ranges[name] = (min(bin_index, BINS - 1) + 1) * largest[name] / BINS or 1.0
    return ranges


def tensor_values(
    model: onnx.ModelProto, tensors: Sequence[str], frames: Sequence[NDArray[np.uint8]]
) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Run a graph on network inputs [1, 1, H, W] and yield the named inner tensors, frame by frame."""
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    types = element_types(model)
    present = {output.name for output in watched.graph.output}
    names = list(dict.fromkeys(tensors))
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, types[name], None) for name in names if name not in present
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    network_input = session.get_inputs()[0].name
    for frame in frames:
        yield dict(zip(names, session.run(names, {network_input: frame}), strict=True))
