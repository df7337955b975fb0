"""Anchors from the training boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import LabelInvalidError
from edge_irdet.network.heads import ANCHORS_PER_LEVEL, Anchors

KMEANS_ROUNDS = 30

AnchorLayout = Literal["sorted", "small", "ranges"]
"""How clusters become levels; see :func:`kmeans_anchors`."""

LEAST_BOXES = 4 * ANCHORS_PER_LEVEL
"""Fewer boxes in a level's range say nothing about it."""


def kmeans_anchors(
    sides: NDArray[np.float32], layout: AnchorLayout, seed: int, side_range: Sequence[tuple[float, float]]
) -> Anchors:
    """Anchors by k-means of box sides, as YOLOv5 clusters them: whitened by the standard deviation.

    Args:
        sides: [T, 2] width and height of the training boxes in network pixels.
        layout: ``"sorted"`` clusters all boxes and gives three clusters to each level by area; ``"small"``
            three clusters on the finest level, and these twice and four times as large on the next ones;
            ``"ranges"`` three clusters on each level of the boxes in its range. A level whose range has next
            to no box gets the anchors before it, twice as large.
        seed: seed of the first centres.
        side_range: per level the smallest and largest longer side that it answers for.

    Raises:
        LabelInvalidError: there is no training box at all.
    """
    if not len(sides):
        raise LabelInvalidError(
            "the training part has no box, so there is nothing to make anchors from",
            "check the labels and the split list of --data",
        )
    levels = len(side_range)
    if layout == "sorted":
        anchors = _clusters(sides, ANCHORS_PER_LEVEL * levels, seed)
    elif layout == "small":
        first = _clusters(sides, ANCHORS_PER_LEVEL, seed)
        anchors = np.concatenate([first * 2**level for level in range(levels)])
    else:
        anchors = np.concatenate(_clusters_by_range(sides, side_range, seed))
    rounded = np.round(anchors, 2).reshape(levels, ANCHORS_PER_LEVEL, 2)
    return tuple(tuple((float(w), float(h)) for w, h in level) for level in rounded)


def _clusters_by_range(
    sides: NDArray[np.float32], side_range: Sequence[tuple[float, float]], seed: int
) -> list[NDArray[np.float64]]:
    longer = sides.max(1)
    levels: list[NDArray[np.float64]] = []
    for low, high in side_range:
        own = sides[(longer >= low) & (longer <= high)]
        if len(own) >= LEAST_BOXES:
            levels.append(_clusters(own, ANCHORS_PER_LEVEL, seed))
        else:
            levels.append(2 * levels[-1] if levels else _clusters(sides, ANCHORS_PER_LEVEL, seed))
    return levels


def _clusters(sides: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.float64]:
    from scipy.cluster.vq import kmeans2

    deviation = sides.std(0) + 1e-3
    points = (sides / deviation).astype(np.float64)
    # Fewer distinct sizes than clusters would leave clusters empty: spread them by a hundredth of a pixel.
    generator = np.random.default_rng(seed)
    if len(np.unique(points, axis=0)) < clusters:
        repeated = np.resize(points, (max(len(points), 4 * clusters), 2))
        points = repeated + generator.normal(0, 0.01, repeated.shape)
    centres, _ = kmeans2(points, clusters, iter=KMEANS_ROUNDS, minit="++", rng=generator)
    anchors: NDArray[np.float64] = np.maximum(centres * deviation, 1.0)
    return anchors[np.argsort(anchors.prod(1), kind="stable")]
