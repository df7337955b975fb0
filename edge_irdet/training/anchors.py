"""Anchors from the training boxes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import LabelInvalidError
from edge_irdet.network.heads import ANCHORS_PER_LEVEL, STRIDES, Anchors

KMEANS_ROUNDS = 30


def kmeans_anchors(sides: NDArray[np.float32], layout: Literal["sorted", "small"], seed: int) -> Anchors:
    """Anchors by k-means of box sides, as YOLOv5 clusters them: whitened by the standard deviation.

    Args:
        sides: [T, 2] width and height of the training boxes in network pixels.
        layout: ``"sorted"`` gives nine clusters, three a level by area; ``"small"`` three clusters on P3, and
            these twice and four times as large on P4 and P5.
        seed: seed of the first centres.

    Raises:
        LabelInvalidError: there is no training box at all.
    """
    from scipy.cluster.vq import kmeans2

    if not len(sides):
        raise LabelInvalidError(
            "the training part has no box, so there is nothing to make anchors from",
            "check the labels and the split list of --data",
        )
    clusters = ANCHORS_PER_LEVEL * (len(STRIDES) if layout == "sorted" else 1)
    deviation = sides.std(0) + 1e-3
    points = (sides / deviation).astype(np.float64)
    # Fewer distinct sizes than clusters would leave clusters empty: spread them by a hundredth of a pixel.
    generator = np.random.default_rng(seed)
    if len(np.unique(points, axis=0)) < clusters:
        repeated = np.resize(points, (max(len(points), 4 * clusters), 2))
        points = repeated + generator.normal(0, 0.01, repeated.shape)
    centres, _ = kmeans2(points, clusters, iter=KMEANS_ROUNDS, minit="++", rng=generator)
    anchors = np.maximum(centres * deviation, 1.0)
    anchors = anchors[np.argsort(anchors.prod(1), kind="stable")]
    if layout == "small":
        anchors = np.concatenate([anchors * factor for factor in (1, 2, 4)])
    rounded = np.round(anchors, 2).reshape(len(STRIDES), ANCHORS_PER_LEVEL, 2)
    return tuple(tuple((float(w), float(h)) for w, h in level) for level in rounded)
