"""What the graphs are run on, and how far two runners may be apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acceptance.isolation import CheckFailedError
from edge_irdet.engine.comparison import NO_DIFFERENCE, Comparison, compare
from edge_irdet.engine.runner import Runner

SCENE_FRAMES = 16
"""Synthetic frames that outputs are compared on."""

SCENE_SIZE = (320, 256)
"""Width and height of these frames."""


@dataclass(frozen=True)
class Bounds:
    """Largest allowed differences between a GPU and the CPU runtime on one graph."""

    box_pixels: float
    """Of a live box, network pixels."""

    score: float


BOUNDS = {
    "fp32": Bounds(0.02, 5e-4),
    "fp16": Bounds(0.25, 0.015),
    "int8": Bounds(1.0, 0.1),
}
"""By precision, chosen before any run on a GPU, on CPUs, from the reduced model on synthetic frames.

FP32: ONNX Runtime and OpenVINO differ by 3e-5 px; a GPU's Winograd convolutions are less exact by two orders.
FP16: rounding after every operator differs by 0.06 px and 0.003 from ONNX Runtime, which computes FP16 graphs
in FP32 on x86. INT8: it differs from FP32 by 0.44 px and 0.046, and a value on the edge between two steps may
fall on either side. What such differences cost is judged on labelled frames."""


def scene_frames(size: tuple[int, int] = SCENE_SIZE) -> list[NDArray[np.uint8]]:
    """Synthetic infrared frames [H, W] uint8, the same at every call."""
    from edge_irdet.scene import SceneConfig, SyntheticScene

    scene = SyntheticScene(SceneConfig(width=size[0], height=size[1]))
    return [scene.render(index).image.astype(np.uint8, copy=False) for index in range(SCENE_FRAMES)]


def network_inputs(package: Any) -> list[NDArray[np.uint8]]:
    """The synthetic frames through a package's own preprocessing, each [1, 1, H, W] uint8."""
    from edge_irdet.detection.preprocess import Preprocessor

    manifest = package.manifest
    preprocessor = Preprocessor(manifest.preprocess, manifest.input)
    inputs = []
    for image in scene_frames():
        preprocessor.reset()  # stills are no sequence
        preprocessor(image)
        inputs.append(preprocessor.tensor.copy())
    return inputs


Outputs = Mapping[str, NDArray[np.float32]]


def outputs_of(runner: Runner, name: str, inputs: list[NDArray[np.uint8]]) -> list[Outputs]:
    """Outputs of an active runner for each input, copied."""
    return [
        {output: array.copy() for output, array in runner.infer({name: image}).items()} for image in inputs
    ]


def compare_all(
    expected: list[Outputs], found: list[Outputs], how: Callable[[Outputs, Outputs], Comparison] = compare
) -> Comparison:
    """The worst of each difference over all frames."""
    worst = NO_DIFFERENCE
    for one, other in zip(expected, found, strict=True):
        worst = worst.worst_with(how(one, other))
    return worst


def require_close(worst: Comparison, bounds: Bounds) -> dict[str, Any]:
    """The comparison as figures.

    Raises:
        CheckFailedError: it is beyond the bounds, or there was no live box to compare.
    """
    figures = {**asdict(worst), "bounds": asdict(bounds)}
    if not worst.live_boxes:
        raise CheckFailedError(f"no box scored enough on either runtime to be compared: {figures}")
    if worst.box_pixels > bounds.box_pixels or worst.score > bounds.score:
        raise CheckFailedError(f"the outputs are too far from the CPU runtime's: {figures}")
    return figures


def data_folder() -> Path | None:
    """The labelled data of ``EDGE_IRDET_DATA``; None where it is not set."""
    text = os.environ.get("EDGE_IRDET_DATA")
    return Path(text) if text else None
