"""The exported graph against the torch model, on frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.engine.comparison import NO_DIFFERENCE, Comparison, compare
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.torch_runner import TorchRunner
from edge_irdet.errors import ParityError
from edge_irdet.export.graph import INPUT_NAME, DeployedGraph
from edge_irdet.package import InputSpec, PreprocessSpec

BOX_TOLERANCE = 0.01
"""Largest allowed difference of a live box, network pixels."""

SCORE_TOLERANCE = 1e-4
"""Largest allowed difference of a score."""

SALIENCY_TOLERANCE = 1e-3
"""Largest allowed difference of the saliency map."""


@dataclass(frozen=True)
class ParityReport:
    """Result of a parity check."""

    frames: int
    """Frames compared."""

    worst: Comparison
    """Worst difference of each kind over all frames."""

    @property
    def passed(self) -> bool:
        """Whether every difference is within its tolerance."""
        return (
            self.worst.box_pixels <= BOX_TOLERANCE
            and self.worst.score <= SCORE_TOLERANCE
            and self.worst.saliency <= SALIENCY_TOLERANCE
        )

    def require_passed(self) -> None:
        """Raise where the check failed.

        Raises:
            ParityError: a difference is beyond its tolerance, or no frame was compared.
        """
        if not self.frames:
            raise ParityError("no frame was compared", "name frames with --frames")
        if not self.passed:
            worst = self.worst
            raise ParityError(
                f"over {self.frames} frames torch and the exported graph differ by "
                f"{worst.box_pixels:.3g} px, score {worst.score:.3g}, saliency {worst.saliency:.3g}; "
                f"allowed are {BOX_TOLERANCE} px, {SCORE_TOLERANCE} and {SALIENCY_TOLERANCE}",
                "no package was written; compare the versions of torch, onnx and onnxsim with pyproject.toml",
            )


def check_parity(
    graph: DeployedGraph,
    content: bytes,
    preprocess: PreprocessSpec,
    network_input: InputSpec,
    frames: Iterable[NDArray[np.uint8] | NDArray[np.uint16]],
) -> ParityReport:
    """Run torch and the CPU runner on the same preprocessed frames and compare all outputs.

    Args:
        graph: the torch module.
        content: the exported ONNX graph, serialised.
        preprocess: from frames to the input.
        network_input: the input.
        frames: grey frames [H, W].
    """
    preprocessor = Preprocessor(preprocess, network_input)
    cpu = CpuRunner(content, origin="the exported graph")
    count, worst = 0, NO_DIFFERENCE
    with cpu:
        inputs = {INPUT_NAME: TensorSpec.of(preprocessor.tensor.shape, np.uint8)}
        with TorchRunner(graph, inputs, cpu.outputs) as reference:
            for frame in frames:
                preprocessor.reset()  # stills are no sequence
                preprocessor(frame)
                feeds = {INPUT_NAME: preprocessor.tensor}
                worst = worst.worst_with(compare(reference.infer(feeds), cpu.infer(feeds)))
                count += 1
    return ParityReport(count, worst)
