"""Drawing records on frames, so that targets of a few pixels can be seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.stream.record import DetectionRecord, Record

Colour = tuple[int, int, int]

MARK: Colour = (60, 220, 60)
TEXT: Colour = (235, 235, 235)
MARK_GAP = 4
"""Picture pixels between a target and its brackets: the target itself is never painted over."""

SMALLEST_WIDTH = 640
"""Pictures are enlarged to at least this width, by a whole factor."""

DISPLAY_PERCENTILES = (0.5, 99.95)


def display_scale(width: int) -> int:
    """Whole factor by which a frame of this width is enlarged for looking at."""
    return max(1, -(-SMALLEST_WIDTH // width))


def display_grey(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """8-bit picture of a frame for looking at; 16-bit frames are stretched between two percentiles."""
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    low, high = np.percentile(image, DISPLAY_PERCENTILES)
    stretched = (image.astype(np.float32) - low) * (255.0 / max(high - low, 1.0))
    grey: NDArray[np.uint8] = np.clip(stretched, 0, 255).astype(np.uint8)
    return grey


def draw(
    image: NDArray[np.uint8] | NDArray[np.uint16],
    record: Record,
    scale: int,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """A frame enlarged, with brackets around each detection, its score, and the frame's number.

    Args:
        image: [H, W].
        record: of the same frame.
        scale: whole factor.
        out: [H * scale, W * scale, 3] to draw into.

    Returns:
        [H * scale, W * scale, 3] BGR.
    """
    height, width = image.shape
    grey = cv2.resize(display_grey(image), (width * scale, height * scale), interpolation=cv2.INTER_NEAREST)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=out), np.uint8)
    for found in record.detections:
        draw_detection(picture, found, scale)
    label(picture, f"#{record.sequence}  {len(record.detections)} found", (6, 16), TEXT)
    return picture


def draw_detection(
    picture: NDArray[np.uint8], found: DetectionRecord, scale: int, origin: tuple[float, float] = (0, 0)
) -> None:
    """Brackets and score of one detection; ``origin`` is the frame pixel at the picture's top left."""
    left, top, right, bottom = (
        round((edge - origin[index % 2]) * scale) for index, edge in enumerate(found.box)
    )
    left, top, right, bottom = left - MARK_GAP, top - MARK_GAP, right + MARK_GAP, bottom + MARK_GAP
    arm = max(3, min(right - left, bottom - top) // 4)
    for x, y, dx, dy in (
        (left, top, arm, arm),
        (right, top, -arm, arm),
        (left, bottom, arm, -arm),
        (right, bottom, -arm, -arm),
    ):
        cv2.line(picture, (x, y), (x + dx, y), MARK, 1)
        cv2.line(picture, (x, y), (x, y + dy), MARK, 1)
    text = f"{found.score:.2f}" if found.track_id is None else f"{found.track_id} {found.score:.2f}"
    label(picture, text, (right + 3, top + 4), MARK)


def label(picture: NDArray[np.uint8], text: str, place: tuple[int, int], colour: Colour) -> None:
    """Small text with a dark rim, readable on any background; kept inside the picture."""
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.42
    (width, height), _ = cv2.getTextSize(text, font, size, 1)
    x = max(1, min(place[0], picture.shape[1] - width - 2))
    y = max(height + 1, min(place[1], picture.shape[0] - 3))
    cv2.putText(picture, text, (x, y), font, size, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.putText(picture, text, (x, y), font, size, colour, 1, cv2.LINE_AA)
