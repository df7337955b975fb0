"""Which track takes which detection."""

from __future__ import annotations

import math

import lap
import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def gate_of(probability: float) -> float:
    """Squared Mahalanobis distance within which a target's own measurement lies with a probability: the
    quantile of chi-square with two degrees of freedom."""
    return -2.0 * math.log1p(-probability)


def associate(
    position: NDArray[np.float64],
    variance: NDArray[np.float64],
    measured: NDArray[np.float64],
    gate: float,
) -> tuple[Indices, Indices]:
    """The most likely one-to-one association of tracks with detections inside their gates.

    A pair costs its squared Mahalanobis distance and the logarithm of the innovation covariance's
    determinant, that is minus twice its log-likelihood: of two tracks at equal distance in standard
    deviations the one that is surer of its place takes the detection. No pair costs more than to leave both
    of it alone.

    Args:
        position: [n, 2] predicted x, y.
        variance: [n] of the innovation on each axis.
        measured: [m, 2] x, y, finite.
        gate: greatest squared Mahalanobis distance, inclusive.

    Returns:
        Track indices and detection indices of the pairs, each [k].
    """
    x = measured[:, 0] - position[:, 0, None]
    y = measured[:, 1] - position[:, 1, None]
    distance = (x * x + y * y) / variance[:, None]
    near = distance <= gate
    rows, columns = np.nonzero(near)
    if rows.size < 2 or (_distinct(rows) and _distinct(columns)):
        return rows, columns
    # Only what is in some gate takes part. A pair outside costs nothing, as being left alone does, and every
    # pair inside costs less, so that the cheapest full assignment contains the best partial one.
    rows = np.flatnonzero(near.any(axis=1))
    columns = np.flatnonzero(near.any(axis=0))
    inside = near[np.ix_(rows, columns)]
    spread = 2.0 * np.log(variance[rows])
    cost = distance[np.ix_(rows, columns)] + spread[:, None]
    cost -= gate + float(spread.max()) + 1.0
    cost[~inside] = 0.0
    assigned, _ = lap.lapjv(cost, extend_cost=True, return_cost=False)
    chosen = assigned.astype(np.int64)
    kept = np.flatnonzero((chosen >= 0) & inside[np.arange(rows.size), chosen])
    return rows[kept], columns[chosen[kept]]


def _distinct(indices: Indices) -> bool:
    return len(set(indices.tolist())) == indices.size
