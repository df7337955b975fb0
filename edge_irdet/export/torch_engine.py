"""Engines from a checkpoint's torch module instead of the package's ONNX graph, by torch-tensorrt."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge_irdet.export.graph import DeployedGraph
from edge_irdet.export.package_writer import model_from_checkpoint
from edge_irdet.export.parity import check_parity
from edge_irdet.package import Package, Precision
from edge_irdet.training.checkpoint import Checkpoint


def checked_graph(
    package: Package, checkpoint: Checkpoint, frames: Iterable[NDArray[np.uint8] | NDArray[np.uint16]]
) -> DeployedGraph:
    """The torch module of a checkpoint, after it has been compared with the package's FP32 graph.

    The accuracy gate measured the package, so the checkpoint must be what the package was exported from.

    Args:
        package: the package that the engine is for.
        checkpoint: what it was exported from.
        frames: grey frames [H, W] to compare on.

    Returns:
        A new module, for one build: in FP16 the build changes it in place.

    Raises:
        CheckpointMismatchError: the checkpoint is of another variant.
        ParityError: the two disagree: the package was exported from another checkpoint.
    """
    manifest = package.manifest
    saliency = any(output.name == "saliency" for output in manifest.outputs)
    graph = DeployedGraph(model_from_checkpoint(checkpoint, manifest.variant), saliency)
    content = package.read_graph(Precision.FP32)
    check_parity(graph, content, manifest.preprocess, manifest.input, frames).require_passed()
    return graph
