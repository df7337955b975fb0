"""Drawing records on frames, so that targets of a few pixels can be seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.record import DetectionRecord, Record, TrackRecord, TrackState

Colour = tuple[int, int, int]

MARK: Colour = (60, 220, 60)
COASTING: Colour = (40, 180, 250)
"""Of a track whose target was not seen in this frame."""

TEXT: Colour = (235, 235, 235)
MARK_GAP = 4
"""Picture pixels between a target and its brackets: the target itself is never painted over."""

SMALLEST_WIDTH = 640
"""Pictures are enlarged to at least this width, by a whole factor."""

DISPLAY_PERCENTILES = (0.5, 99.95)

TRAIL_SECONDS = 3.0
TRAIL_POINTS = 128
"""Points kept of a trail at most, whatever the frame rate."""

Box = tuple[float, float, float, float]


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


class Trails:
    """Where the tracks of one source were in the last seconds, so that motion can be seen in one picture.

    Args:
        seconds: how long a trail is, by capture time.
    """

    def __init__(self, seconds: float = TRAIL_SECONDS) -> None:
        self.seconds = seconds
        self._points: dict[int, deque[tuple[int, float, float]]] = {}

    def add(self, record: Record) -> None:
        """Take the places of a record's tracks; a track that is not in it any more loses its trail."""
        tracks = record.tracks or []
        self._points = {
            track.track_id: self._points.get(track.track_id) or deque(maxlen=TRAIL_POINTS) for track in tracks
        }
        oldest = record.capture_ns - self.seconds * 1e9
        for track in tracks:
            points = self._points[track.track_id]
            if points and points[-1][0] == record.capture_ns:
                continue  # the same frame drawn again
            points.append((record.capture_ns, *track.centre))
            while points[0][0] < oldest:
                points.popleft()

    def of(self, track_id: int) -> list[tuple[float, float, float]]:
        """x, y in pixels of the source frame and age in 0..1, oldest first; empty where there is no trail."""
        points = self._points.get(track_id)
        if not points:
            return []
        newest = points[-1][0]
        return [(x, y, (newest - ns) / (self.seconds * 1e9)) for ns, x, y in points]


def draw(
    image: NDArray[np.uint8] | NDArray[np.uint16],
    record: Record,
    scale: int,
    out: NDArray[np.uint8] | None = None,
    trails: Trails | None = None,
) -> NDArray[np.uint8]:
    """A frame enlarged, with brackets around each detection, its score, and the frame's number.

    Args:
        image: [H, W].
        record: of the same frame.
        scale: whole factor.
        out: [H * scale, W * scale, 3] to draw into.
        trails: of the frame's source; takes the record, and has its tracks drawn with their trails. Without
            it no track is drawn.

    Returns:
        [H * scale, W * scale, 3] BGR.
    """
    height, width = image.shape
    grey = cv2.resize(display_grey(image), (width * scale, height * scale), interpolation=cv2.INTER_NEAREST)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=out), np.uint8)
    if trails is not None:
        trails.add(record)
        draw_tracks(picture, record, scale, trails)
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


def draw_tracks(picture: NDArray[np.uint8], record: Record, scale: int, trails: Trails) -> None:
    """Trails that fade with age, and a dashed ring around the predicted place of each coasting track.

    A trail leaves the surroundings of every target free.
    """
    tracks = record.tracks or []
    margin = MARK_GAP / scale
    boxes = [found.box for found in record.detections] + [track.box for track in tracks]
    kept_free = [(box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin) for box in boxes]
    for track in tracks:
        colour = COASTING if track.state is TrackState.COASTING else MARK
        points = trails.of(track.track_id)
        for (x0, y0, age), (x1, y1, _) in pairwise(points):
            if _inside(x0, y0, kept_free) or _inside(x1, y1, kept_free):
                continue
            fresh = 1.0 - 0.8 * min(age, 1.0)
            shade = (colour[0] * fresh, colour[1] * fresh, colour[2] * fresh)
            start, end = (round(x0 * scale), round(y0 * scale)), (round(x1 * scale), round(y1 * scale))
            cv2.line(picture, start, end, shade, 1, cv2.LINE_AA)
        if track.state is TrackState.COASTING:
            _draw_coasting(picture, track, scale)


def _draw_coasting(picture: NDArray[np.uint8], track: TrackRecord, scale: int) -> None:
    x, y = round(track.centre[0] * scale), round(track.centre[1] * scale)
    extent = max(track.box[2] - track.box[0], track.box[3] - track.box[1]) / 2
    # Twice the standard deviation, so that the target is inside in 86 % of the cases; bounded, because the
    # prediction of a track that is about to be given up is worth no ring across the picture.
    radius = round(min(max(extent, 2 * track.sigma) * scale, max(picture.shape) / 8)) + MARK_GAP
    for start in range(0, 360, 45):
        cv2.ellipse(picture, (x, y), (radius, radius), 0, start, start + 25, COASTING, 1, cv2.LINE_AA)
    label(picture, f"{track.track_id} coasting", (x + radius + 3, y + 4), COASTING)


def _inside(x: float, y: float, boxes: Sequence[Box]) -> bool:
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)


def label(picture: NDArray[np.uint8], text: str, place: tuple[int, int], colour: Colour) -> None:
    """Small text with a dark rim, readable on any background; kept inside the picture."""
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.42
    (width, height), _ = cv2.getTextSize(text, font, size, 1)
    x = max(1, min(place[0], picture.shape[1] - width - 2))
    y = max(height + 1, min(place[1], picture.shape[0] - 3))
    cv2.putText(picture, text, (x, y), font, size, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.putText(picture, text, (x, y), font, size, colour, 1, cv2.LINE_AA)
