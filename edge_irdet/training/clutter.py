"""Where an image has what a small-target detector takes for a target: small bright spots that are none."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.detections import Detections

SPOT_SIDE = 11
"""Pixels; brighter structures that a square of this side does not fit into are spots."""

LEAST_EXCESS = 12.0
"""Grey levels by which a spot exceeds the opened image; weaker ones deceive nobody."""

MOST_SPOTS = 12
"""Spots an image; the strongest are taken."""

MINED_SCORE = 0.2
"""Least score of the false alarms that are mined."""

SPOT_DISTANCE = 12
"""Pixels between two spots, and between a spot and the rim of a target's box."""


def clutter_spots(sample: Sample) -> NDArray[np.float32]:
    """Centres of the strongest small bright spots that lie on no target.

    The white top-hat (image less its opening) keeps what is smaller than :data:`SPOT_SIDE`: lamps, posts,
    flecks of cloud, a ragged tree line.

    Args:
        sample: image of 8 bits.

    Returns:
        [n, 2] x, y in continuous pixels, strongest first; n is at most :data:`MOST_SPOTS` and may be 0.
    """
    image = np.asarray(sample.image, np.uint8)
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (SPOT_SIDE, SPOT_SIDE))
    excess = cv2.GaussianBlur(cv2.morphologyEx(image, cv2.MORPH_TOPHAT, square), (0, 0), 1.0)
    for left, top, right, bottom in sample.boxes.tolist():
        rows = slice(max(0, int(top) - SPOT_DISTANCE), int(np.ceil(bottom)) + SPOT_DISTANCE)
        excess[rows, max(0, int(left) - SPOT_DISTANCE) : int(np.ceil(right)) + SPOT_DISTANCE] = 0
    spots = []
    for _ in range(MOST_SPOTS):
        _, strongest, _, (x, y) = cv2.minMaxLoc(excess)
        if strongest < LEAST_EXCESS:
            break
        spots.append((x + 0.5, y + 0.5))
        excess[
            max(0, y - SPOT_DISTANCE) : y + SPOT_DISTANCE + 1,
            max(0, x - SPOT_DISTANCE) : x + SPOT_DISTANCE + 1,
        ] = 0
    return np.array(spots, np.float32).reshape(-1, 2)


def mined_spots(sample: Sample, found: Detections) -> NDArray[np.float32]:
    """Centres of the strongest false alarms of a detector.

    Args:
        sample: a labelled image.
        found: what the detector finds in it.

    Returns:
        [n, 2] x, y in continuous pixels, strongest first: detections of at least :data:`MINED_SCORE` that lie
        further than :data:`SPOT_DISTANCE` from every target's box; n is at most :data:`MOST_SPOTS`.
    """
    centres = found.centres[found.scores >= MINED_SCORE]
    scores = found.scores[found.scores >= MINED_SCORE]
    low, high = sample.boxes[None, :, :2], sample.boxes[None, :, 2:]
    offsets = np.maximum(np.maximum(low - centres[:, None], centres[:, None] - high), 0)
    apart = (np.hypot(offsets[..., 0], offsets[..., 1]) > SPOT_DISTANCE).all(1)
    strongest = np.argsort(-scores[apart], kind="stable")[:MOST_SPOTS]
    return np.asarray(centres[apart][strongest], np.float32).reshape(-1, 2)
