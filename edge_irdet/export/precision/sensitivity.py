"""Which layers cost accuracy: each stage, then each layer of the guilty stages, reduced alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.export.precision.measure import GraphMeasurer

LIVE_SCORE = 0.1
"""Boxes that FP32 scores at least this count for the errors."""

GUILTY_SHARE = 0.9
"""Stages are guilty, the worst first, until they hold this share of the summed squared score error."""

Reduce = Callable[[Collection[str]], onnx.ModelProto]
"""From names of layers to a graph in which these, and no others, have the reduced precision."""


@dataclass(frozen=True)
class Cost:
    """What it costs to reduce the precision of some layers alone."""

    name: str
    """A stage (``backbone/stages.0``) or a layer."""

    layers: tuple[str, ...]
    """The layers that were reduced."""

    score_error: float
    """Root mean square change of the live boxes' scores."""

    box_error: float
    """Root mean square change of the live boxes' sides, network pixels."""

    map50_fall: float | None = None
    """Fall of mAP@0.5 as a fraction; None where no labelled frames were given."""

    ap_3px_fall: float | None = None
    """Fall of AP at 3 px as a fraction."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the report."""
        return {
            "name": self.name,
            "layers": len(self.layers),
            "score_error": self.score_error,
            "box_error": self.box_error,
            "map50_fall": self.map50_fall,
            "ap_3px_fall": self.ap_3px_fall,
        }


@dataclass(frozen=True)
class Sensitivity:
    """Costs of the stages, and of the layers of the guilty ones, each worst first."""

    stages: tuple[Cost, ...]
    layers: tuple[Cost, ...]

    def worst_layers(self, count: int = 5) -> str:
        """The worst layers in words, for a message."""
        return ", ".join(
            f"{cost.name} (score {cost.score_error:.3f}, {cost.box_error:.2f} px)"
            for cost in self.layers[:count]
        )


def stage_of(layer: str) -> str:
    """``/network/backbone/stages.0/pw/conv/Conv`` -> ``backbone/stages.0``."""
    parts = [part for part in layer.split("/") if part and part != "network"]
    return "/".join(parts[:2])


def find_sensitivity(
    measurer: GraphMeasurer,
    fp32: onnx.ModelProto,
    reduce_layers: Reduce,
    layers: Sequence[str],
    frames: list[NDArray[np.uint8]],
    labelled: LabelledDataset | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Sensitivity:
    """Reduce stages one by one, then the layers of the guilty stages one by one.

    Args:
        measurer: of the package.
        fp32: its FP32 graph.
        reduce_layers: makes the graphs.
        layers: names of all layers that may be reduced.
        frames: network inputs [1, 1, H, W] for the errors.
        labelled: frames for the falls of average precision; None leaves them out.
        progress: called after each graph with those done and those known of.
    """
    reference = measurer.outputs(fp32, frames)
    before = None if labelled is None else measurer.evaluate(fp32, labelled)
    stages: dict[str, list[str]] = {}
    for layer in layers:
        stages.setdefault(stage_of(layer), []).append(layer)
    done = 0

    def cost(name: str, reduced: tuple[str, ...], total: int) -> Cost:
        nonlocal done
        graph = reduce_layers(reduced)
        score_error, box_error = _errors(reference, measurer.outputs(graph, frames))
        falls: dict[str, float] = {}
        if labelled is not None and before is not None:
            after = measurer.evaluate(graph, labelled)
            falls = {
                f"{key}_fall": (getattr(before, key) or 0.0) - (getattr(after, key) or 0.0)
                for key in ("map50", "ap_3px")
            }
        done += 1
        progress(done, total)
        return Cost(name, reduced, score_error, box_error, **falls)

    stage_costs = sorted(
        (cost(name, tuple(members), len(stages)) for name, members in stages.items()), key=_worst_first
    )
    guilty = [layer for stage in _guilty(stage_costs) for layer in stage.layers]
    total = done + len(guilty)
    layer_costs = sorted((cost(layer, (layer,), total) for layer in guilty), key=_worst_first)
    return Sensitivity(tuple(stage_costs), tuple(layer_costs))


def _worst_first(cost: Cost) -> tuple[float, str]:
    return -cost.score_error, cost.name


def _guilty(stages: Sequence[Cost]) -> list[Cost]:
    whole = sum(stage.score_error**2 for stage in stages)
    guilty: list[Cost] = []
    gathered = 0.0
    for stage in stages:
        if gathered >= GUILTY_SHARE * whole:
            break
        guilty.append(stage)
        gathered += stage.score_error**2
    return guilty


def _errors(
    reference: list[dict[str, NDArray[np.float32]]], found: list[dict[str, NDArray[np.float32]]]
) -> tuple[float, float]:
    score_sum = box_sum = 0.0
    score_count = box_count = 0
    for expected, actual in zip(reference, found, strict=True):
        live = expected["scores"].max(-1) >= LIVE_SCORE
        scores = (expected["scores"] - actual["scores"])[live].astype(np.float64)
        boxes = (expected["boxes"] - actual["boxes"])[live].astype(np.float64)
        score_sum += float(np.square(scores).sum())
        box_sum += float(np.square(boxes).sum())
        score_count += scores.size
        box_count += boxes.size
    return (score_sum / max(1, score_count)) ** 0.5, (box_sum / max(1, box_count)) ** 0.5
