"""What a detector found in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detections:
    """The detections of one frame, best score first.

    Coordinates are continuous pixels of the *source* frame: pixel column ``i`` covers ``[i, i + 1)``, so a
    target that fills exactly the pixel (3, 5) has the box ``(3, 5, 4, 6)`` and the centre ``(3.5, 5.5)``.
    """

    boxes: NDArray[np.float32]
    """[n, 4] left, top, right, bottom."""

    scores: NDArray[np.float32]
    """[n] in 0..1, not increasing."""

    classes: NDArray[np.int64]
    """[n] index into the package's class list."""

    shutter: bool = False
    """The frame shows the camera's closed shutter (flat-field correction) or nothing at all."""

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def centres(self) -> NDArray[np.float32]:
        """[n, 2] x, y of the box centres."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) * np.float32(0.5)

    @staticmethod
    def none() -> Detections:
        """No detections: the honest answer to a frame without targets, never to a failure."""
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
