"""Figures of one graph of a package on labelled frames, on the CPU runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import onnx
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE
from edge_irdet.evaluation.image_report import EvaluationReport
from edge_irdet.evaluation.predicting import evaluate_images
from edge_irdet.package import Package, SixteenBitSpec

WARM_UP = 3


@dataclass(frozen=True)
class GraphMeasurer:
    """Measures graphs that stand for the package's own, with its preprocess, thresholds and suppression."""

    package: Package
    """The package."""

    threads: int = 1
    """CPU threads of one inference."""

    sixteen_bit: SixteenBitSpec | None = None
    """Mapping for 16-bit images; None takes the package's."""

    def evaluate(
        self,
        graph: onnx.ModelProto,
        dataset: LabelledDataset,
        progress: Callable[[int, int], None] | None = None,
    ) -> EvaluationReport:
        """Evaluate a graph as ``edge-irdet evaluate`` does.

        Raises:
            RunnerError: ONNX Runtime refuses the graph, or its outputs are not numbers.
            DatasetImageError, LabelInvalidError, SixteenBitUnmappedError: from the images.
        """
        config = DetectorConfig(
            score_threshold=EVALUATION_SCORE, sixteen_bit=self.sixteen_bit, threads=self.threads
        )
        with Detector(self.package, config, self._runner(graph)) as detector:
            return evaluate_images(detector, dataset, progress=progress)

    def outputs(
        self, graph: onnx.ModelProto, frames: list[NDArray[np.uint8]]
    ) -> list[dict[str, NDArray[np.float32]]]:
        """Raw outputs of a graph for network inputs [1, 1, H, W]."""
        name = self.package.manifest.input.name
        with self._runner(graph) as runner:
            return [
                {key: array.copy() for key, array in runner.infer({name: frame}).items()} for frame in frames
            ]

    def milliseconds(self, graph: onnx.ModelProto, frame: NDArray[np.uint8], repetitions: int = 20) -> float:
        """Median time of one inference, without preprocess and suppression."""
        name = self.package.manifest.input.name
        times = []
        with self._runner(graph) as runner:
            for _ in range(WARM_UP + repetitions):
                begin = perf_counter()
                runner.infer({name: frame})
                times.append(perf_counter() - begin)
        return 1000.0 * float(np.median(times[WARM_UP:]))

    def _runner(self, graph: onnx.ModelProto) -> CpuRunner:
        border = GraphBorder.of(self.package.manifest)
        return CpuRunner(graph.SerializeToString(), self.threads, border=border)
