"""One-to-one matching of predicted points to true points."""

from __future__ import annotations

from dataclasses import dataclass

import lap
import numpy as np
from numpy.typing import NDArray

MATCH_DISTANCE = 3.0
"""Pixels within which a prediction counts as the target (MODEL's evaluation rule; usual for Pd and Fa)."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which prediction is which target in one image."""

    pairs: NDArray[np.int64]
    """[k, 2] prediction index, target index; ascending prediction index."""

    false_alarms: NDArray[np.int64]
    """Indices of the predictions without a target, ascending."""

    missed: NDArray[np.int64]
    """Indices of the targets without a prediction, ascending."""


def match_points(
    predicted: NDArray[np.floating], true: NDArray[np.floating], distance: float = MATCH_DISTANCE
) -> Match:
    """Match predicted to true points, at most ``distance`` apart, each at most once.

    Of all such matchings one with the most pairs is taken, and of these one with the least sum of distances.
    (Taking for each target the first or the nearest prediction, as widely copied code does, can use up the
    only prediction another target had.)

    Args:
        predicted: [n, 2] x, y.
        true: [m, 2] x, y.
        distance: the greatest distance of a pair, inclusive, in the units of the points.
    """
    offsets = predicted[:, None, :].astype(np.float64) - true[None, :, :].astype(np.float64)
    separations = np.hypot(offsets[..., 0], offsets[..., 1])
    near = separations <= distance
    rows = np.flatnonzero(near.any(axis=1))
    columns = np.flatnonzero(near.any(axis=0))
    if rows.size:
        near = near[np.ix_(rows, columns)]
        # A forbidden pair costs more than all allowed pairs together can, so the cheapest full assignment
        # uses as few forbidden pairs as possible: that is the greatest number of allowed ones.
        forbidden = (min(rows.size, columns.size) + 1) * distance
        cost = np.where(near, separations[np.ix_(rows, columns)], forbidden)
        assigned, _ = lap.lapjv(cost, extend_cost=True, return_cost=False)
        kept = np.flatnonzero((assigned >= 0) & near[np.arange(rows.size), assigned])
        pairs = np.stack([rows[kept], columns[assigned[kept]]], axis=1).astype(np.int64)
    else:
        pairs = np.zeros((0, 2), np.int64)
    return Match(
        pairs=pairs,
        false_alarms=np.setdiff1d(np.arange(len(predicted)), pairs[:, 0]),
        missed=np.setdiff1d(np.arange(len(true)), pairs[:, 1]),
    )
