"""Targets in masks: 8-connected components."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Components:
    """The 8-connected components of a mask.

    Coordinates are continuous pixels: the pixel (3, 5) alone has its centroid at (3.5, 5.5).
    """

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom of each component's extent."""

    centroids: NDArray[np.float64]
    """[n, 2] x, y, the mean of the centres of the component's pixels."""

    areas: NDArray[np.int64]
    """[n] pixels."""


def find_components(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> Components:
    """Find the components of ``mask``, [H, W], non-zero on targets."""
    _, _, statistics, centroids = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask != 0).view(np.uint8), connectivity=8
    )
    boxes = np.asarray(statistics[1:, :4], np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return Components(
        boxes=boxes,
        centroids=np.asarray(centroids[1:], np.float64) + 0.5,
        areas=np.asarray(statistics[1:, cv2.CC_STAT_AREA], np.int64),
    )
