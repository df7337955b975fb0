"""What is measured in the frame itself at each detection: where the target is, and how far it stands out.

**Centroid.** The background is the mean of a ring around the box; weights are what exceeds it by more than
``SIGNAL_SIGMAS`` standard deviations of the ring, downwards for a target darker than its ring. They are
averaged in a Gaussian window that follows the average, as SExtractor's windowed positions do (Bertin and
Arnouts, A&AS 117, 1996; "Windowed positional parameters" in its manual): a neighbour beside the box then
hardly pulls.

**Signal-to-clutter ratio.** ``|mean of the target - mean of the background| / standard deviation of the
background``, the target being the pixels of the box and the background its surroundings (Gao et al.,
"Infrared patch-image model for small target detection in a single image", IEEE TIP 22(12), 2013). Both are
taken in the source frame's own counts, before any mapping to 8 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import FrameFormatError

GUARD = 1
"""Pixels around a box that belong to neither target nor background: the skirts of the optics' blur. They take
part in the centroid."""

RING = 9
"""Width in pixels of the background ring outside the guard. With it the neighbourhood of the
signal-to-clutter ratio reaches d = 10 pixels from the box; Gao et al. take 20, which on clouds holds more
than the target's surroundings."""

MIN_BACKGROUND_PIXELS = 16
"""A ring with fewer pixels inside the frame and outside all boxes is no measure of a background."""

SIGMA_FLOOR = math.sqrt(1.0 / 12.0)
"""Smallest standard deviation of a background, counts: the rounding of a count to a whole number."""

SIGNAL_SIGMAS = 2.0
"""What exceeds the background by less, in standard deviations, has no weight in the centroid."""

WINDOW_SIGMA = 0.45
"""Standard deviation of the centroid's window relative to the side of the box, which goes about a target's
half peak."""

MIN_WINDOW_SIGMA = 1.0
"""Smallest standard deviation of the window, pixels: about the blur of a point source in a good focus."""

WINDOW_STEPS = 2
"""Moves of the window."""

WINDOW_GAIN = 1.4
"""Part of the way to the average that each move goes. The window pulls the average towards its own middle;
this makes up for it where the window is some 1.6 times as wide as the target, and two moves do the rest."""

BATCH_SIDE = 32
"""Windows up to this side, pixels, are averaged together, padded to the largest; larger ones one by one."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in continuous pixels."""

Span = tuple[int, int, int, int]
"""Pixels of the frame: first column, first row, column and row past the last."""


@dataclass(frozen=True, slots=True)
class TargetMeasurements:
    """What was measured in the frame itself at each detection."""

    centroids: NDArray[np.float64]
    """[n, 2] x, y in continuous pixels: column ``i`` covers [i, i + 1). The middle of the box where nothing
    stands out from the background."""

    scr: NDArray[np.float64]
    """[n] signal-to-clutter ratio; NaN where there is none."""


def measure(image: NDArray[np.uint8] | NDArray[np.uint16], boxes: NDArray[np.float32]) -> TargetMeasurements:
    """Measure the targets of one frame.

    A box that covers no pixel of the frame, or one without ``MIN_BACKGROUND_PIXELS`` of background, keeps its
    middle and gets no ratio. Other boxes' pixels are no background; for a centroid they count where they are
    nearer to the middle of its own box. A centroid lies in its box.

    Args:
        image: [H, W] uint8 or uint16, the source frame.
        boxes: [n, 4] left, top, right, bottom in continuous pixels of the frame.

    Raises:
        FrameFormatError: another shape or dtype of the image.
    """
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise FrameFormatError(
            f"the frame is {image.dtype} of shape {image.shape}; a frame is [H, W] uint8 or uint16",
            "measure in the frame that was given to the detector",
        )
    centroids = (boxes[:, :2].astype(np.float64) + boxes[:, 2:]) * 0.5
    ratios = np.full(len(boxes), np.nan)
    height, width = image.shape
    inside = {
        index: box
        for index, row in enumerate(boxes.tolist())
        if (box := _clipped(row, width, height)) is not None
    }
    spans = {index: _touched(box) for index, box in inside.items()}
    neighbours = _neighbours(spans)
    small: list[_Window] = []
    for index, span in spans.items():
        others = [spans[other] for other in neighbours[index]]
        background = _background(image, span, others)
        if background is None:
            continue
        mean, sigma = background
        ratios[index] = abs(cv2.mean(_cut(image, span))[0] - mean) / max(sigma, SIGMA_FLOOR)
        weights = _weights(image, span, others, mean, sigma)
        if weights is None:
            continue
        window = _Window(index, inside[index], weights)
        if max(weights.shape) <= BATCH_SIDE:
            small.append(window)
        else:
            _centre([window], centroids)
    if small:
        _centre(small, centroids)
    return TargetMeasurements(centroids, ratios)


class _Window(NamedTuple):
    """Where one target's centroid is looked for: its box and the guard around it."""

    detection: int
    """Index of the box."""

    box: Box
    """The box inside the frame."""

    weights: NDArray[np.float64]
    """[h, w], not negative, and positive somewhere in the box."""


def _clipped(box: list[float], width: int, height: int) -> Box | None:
    left, top, right, bottom = box
    if not math.isfinite(left + top + right + bottom):
        return None
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _touched(box: Box) -> Span:
    left, top, right, bottom = box
    return int(left), int(top), math.ceil(right), math.ceil(bottom)


def _cut(image: NDArray[Any], span: Span) -> NDArray[Any]:
    left, top, right, bottom = span
    return image[top:bottom, left:right]


def _widened(span: Span, reach: int) -> Span:
    # Only the low side is kept in the frame: NumPy's slices end with the array by themselves.
    left, top, right, bottom = span
    return max(left - reach, 0), max(top - reach, 0), right + reach, bottom + reach


def _seen_from(window: Span, span: Span) -> Span:
    """The span in the pixels of the window; what lies right of it or below ends with the array."""
    first, upper = window[0], window[1]
    left, top, right, bottom = span
    return max(left - first, 0), max(top - upper, 0), max(right - first, 0), max(bottom - upper, 0)


def _neighbours(spans: dict[int, Span]) -> dict[int, list[int]]:
    """For each box those whose guard reaches into its ring; two boxes are always each other's."""
    found: dict[int, list[int]] = {index: [] for index in spans}
    reach = 2 * GUARD + RING
    left_to_right = sorted(spans.items(), key=_first_column)
    for place, (index, (_, top, right, bottom)) in enumerate(left_to_right):
        for other, (left, other_top, _, other_bottom) in left_to_right[place + 1 :]:
            if left >= right + reach:
                break
            if other_top < bottom + reach and top < other_bottom + reach:
                found[index].append(other)
                found[other].append(index)
    return found


def _first_column(item: tuple[int, Span]) -> int:
    return item[1][0]


def _background(image: NDArray[Any], span: Span, others: list[Span]) -> tuple[float, float] | None:
    """Mean and standard deviation of the ring, counts."""
    window = _widened(span, GUARD + RING)
    ring = _cut(image, window)
    free = np.ones(ring.shape, np.uint8)
    for taken in (span, *others):
        _cut(free, _seen_from(window, _widened(taken, GUARD)))[...] = 0
    if cv2.countNonZero(free) < MIN_BACKGROUND_PIXELS:
        return None
    mean, sigma = cv2.meanStdDev(ring, mask=free)
    return mean.item(), sigma.item()


def _weights(
    image: NDArray[Any], span: Span, others: list[Span], mean: float, sigma: float
) -> NDArray[np.float64] | None:
    """The weights of a box and its guard, or None where nothing in the box stands out."""
    lowest, highest, _, _ = cv2.minMaxLoc(_cut(image, span))
    dark = mean - lowest > highest - mean
    least = SIGNAL_SIGMAS * sigma
    if not max(mean - lowest, highest - mean) > least:
        return None
    window = _widened(span, GUARD)
    weights = _cut(image, window).astype(np.float64)
    weights -= mean
    if dark:
        np.negative(weights, out=weights)
    weights -= least
    np.maximum(weights, 0.0, out=weights)
    for other in others:
        _leave_to(other, span, window, weights)
    return weights if not others or weights.any() else None


def _leave_to(other: Span, own: Span, window: Span, weights: NDArray[np.float64]) -> None:
    """Take the weight from pixels of another box that are nearer to its middle than to the own one's."""
    left, top, right, bottom = _seen_from(window, other)
    shared = weights[top:bottom, left:right]
    if shared.size:
        rows, columns = np.ogrid[0 : shared.shape[0], 0 : shared.shape[1]]
        # Twice the distances in whole numbers: pixels in the middle between both stay with both.
        x, y = 2 * (columns + left + window[0]) + 1, 2 * (rows + top + window[1]) + 1
        ours = (x - own[0] - own[2]) ** 2 + (y - own[1] - own[3]) ** 2
        theirs = (x - other[0] - other[2]) ** 2 + (y - other[1] - other[3]) ** 2
        shared[theirs < ours] = 0.0


def _centre(windows: list[_Window], centroids: NDArray[np.float64]) -> None:
    """Put the windows' centroids in their places, where they lie inside their boxes."""
    side = max(max(window.weights.shape) for window in windows)
    weights = np.zeros((len(windows), side, side))
    corners, starts = [], []
    for padded, window in zip(weights, windows, strict=True):
        rows, columns = window.weights.shape
        padded[:rows, :columns] = window.weights
        left, top, right, bottom = window.box
        first_column, first_row, _, _ = _widened(_touched(window.box), GUARD)
        corners.append((first_column, first_row))
        starts.append(
            (
                (left + right) * 0.5 - first_column,
                (top + bottom) * 0.5 - first_row,
                -0.5 / max(MIN_WINDOW_SIGMA, WINDOW_SIGMA * (right - left)) ** 2,
                -0.5 / max(MIN_WINDOW_SIGMA, WINDOW_SIGMA * (bottom - top)) ** 2,
            )
        )
    # [axis, window, 1]: x and y are worked on at once.
    centre, precision = np.array(starts).T.reshape(2, 2, -1, 1)
    places = np.arange(0.5, side)
    # [axis, window, power of the place, place]: what sums and first moments are made of.
    bases = np.empty((2, len(windows), 2, side))
    for _ in range(WINDOW_STEPS):
        distance = places - centre
        distance *= distance
        distance *= precision
        gaussian = np.exp(distance, out=bases[:, :, 0])
        np.multiply(gaussian, places, out=bases[:, :, 1])
        sums = bases[1] @ weights @ bases[0].transpose(0, 2, 1)
        moments = np.array((sums[:, 0, 1:], sums[:, 1, :1]))
        moments /= sums[:, 0, :1]
        centre = centre + WINDOW_GAIN * (moments - centre)
    for window, corner, x, y in zip(windows, corners, *centre[..., 0].tolist(), strict=True):
        left, top, right, bottom = window.box
        x, y = x + corner[0], y + corner[1]
        if left <= x <= right and top <= y <= bottom:
            centroids[window.detection] = x, y
