"""A picture sheet of what an evaluation missed, raised falsely and hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.evaluation.image_report import EvaluationReport, ImageOutcome
from edge_irdet.files import write_bytes_atomically

CROP = 48
"""Side of the part of the image that a tile shows, in pixels of the image."""

ZOOM = 4
"""Screen pixels for each pixel of the image, without interpolation: the pixels of a target are to be seen."""

CAPTION_HEIGHT = 34
HEADER_HEIGHT = 30
GAP = 6

_BACKGROUND = (32, 32, 32)
_OUTSIDE = (64, 48, 48)
_TEXT = (235, 235, 235)

Colour = tuple[int, int, int]
"""Blue, green, red."""


class Finding(Enum):
    """What a tile is about, worst kind first; with its colour."""

    MISS = "missed"
    FALSE_ALARM = "false alarm"
    HIT = "hit"

    @property
    def colour(self) -> Colour:
        """Red for a miss, yellow for a false alarm, green for a hit."""
        return {
            Finding.MISS: (64, 64, 255),
            Finding.FALSE_ALARM: (0, 220, 255),
            Finding.HIT: (80, 220, 80),
        }[self]


@dataclass(frozen=True, slots=True)
class _Mark:
    """One target or detection to be shown."""

    finding: Finding
    image: str
    box: tuple[float, float, float, float]
    score: float
    severity: float
    """Greater is worse within the same finding."""


def write_sheet(
    report: EvaluationReport, dataset: LabelledDataset, path: Path, *, each: int = 24, columns: int = 6
) -> None:
    """Write a PNG with enlarged crops around misses, false alarms and hits.

    Three sections, each with at most ``each`` tiles and the worst first: misses from those that left no
    detection at all to those just below the threshold, false alarms from the most confident down, hits from
    the least confident up. A tile shows ``CROP`` pixels at ``ZOOM``, with the grey range of its whole image
    (0.1 and 99.9 percentiles) stretched; its own box is drawn thick, others in view thin; the caption has the
    image's name and the score (for a miss the best score below the threshold).

    Args:
        report: of :func:`evaluate`, with its ``outcomes``.
        dataset: the set it was made from; the shown images are decoded again.
        path: of the PNG.
        each: tiles in each section, at least 1.
        columns: tiles in a row, at least 1.

    Raises:
        OptionError: ``each`` or ``columns`` is below 1, or the set does not hold the report's images.
        DatasetImageError: an image cannot be read any more.
        OutputFailedError: the file cannot be written.
    """
    for name, value in (("each", each), ("columns", columns)):
        if value < 1:
            raise OptionError(f"{name} is {value}", "choose at least 1")
    marks = {outcome.name: _marks(outcome) for outcome in report.outcomes}
    index_of = {name: index for index, name in enumerate(dataset.names)}
    unknown = [name for name in marks if name not in index_of]
    if unknown:
        raise OptionError(
            f"the data set {dataset.name} has no image {unknown[0]!r}",
            "pass the set the report was made from",
        )
    width = columns * (CROP * ZOOM + GAP) + GAP
    parts = [_header(_summary(report), _TEXT, width)]
    images: dict[str, NDArray[np.uint8]] = {}
    for finding in Finding:
        found = [mark for listed in marks.values() for mark in listed if mark.finding is finding]
        found.sort(key=lambda mark: -mark.severity)
        shown = found[:each]
        for mark in shown:
            if mark.image not in images:
                images[mark.image] = _stretched(dataset[index_of[mark.image]].image)
        parts.append(_header(f"{finding.value}: {len(shown)} of {len(found)} shown", finding.colour, width))
        tiles = [_tile(mark, marks[mark.image], images[mark.image]) for mark in shown]
        parts.extend(_rows(tiles, columns, width))
    encoded, content = cv2.imencode(".png", np.concatenate(parts))
    if not encoded:
        raise OutputFailedError(f"{path} could not be encoded as PNG", "ask for fewer tiles: a smaller each")
    write_bytes_atomically(path, content.tobytes())


def _marks(outcome: ImageOutcome) -> list[_Mark]:
    marks = []
    boxes, scores = outcome.detections.boxes.tolist(), outcome.detections.scores.tolist()
    targets, best = outcome.target_boxes.tolist(), outcome.target_scores.tolist()
    for index in outcome.match.missed.tolist():
        marks.append(_Mark(Finding.MISS, outcome.name, tuple(targets[index]), best[index], -best[index]))
    for index in outcome.match.false_alarms.tolist():
        marks.append(
            _Mark(Finding.FALSE_ALARM, outcome.name, tuple(boxes[index]), scores[index], scores[index])
        )
    for index in outcome.match.pairs[:, 0].tolist():
        marks.append(_Mark(Finding.HIT, outcome.name, tuple(boxes[index]), scores[index], -scores[index]))
    return marks


def _summary(report: EvaluationReport) -> str:
    def shown(value: float | None, form: str) -> str:
        return "none" if value is None else format(value, form)

    return (
        f"{report.dataset}: {report.images} images, {report.targets} targets, "
        f"mAP50 {shown(report.map50, '.4f')}, AP 3 px {shown(report.ap_3px, '.4f')}; at score "
        f"{report.score_threshold:g}: Pd {shown(report.pd, '.4f')}, Fa {shown(report.fa, '.2e')}, "
        f"{report.false_alarms} false alarms"
    )


def _stretched(image: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """[H, W] 8 bit, for looking at."""
    low, high = np.percentile(image, (0.1, 99.9))
    scale = 255.0 / max(float(high - low), 1.0)
    stretched: NDArray[np.uint8] = np.clip((image.astype(np.float32) - low) * scale, 0, 255).astype(np.uint8)
    return stretched


def _tile(mark: _Mark, marks: Sequence[_Mark], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    left = round((mark.box[0] + mark.box[2] - CROP) / 2)
    top = round((mark.box[1] + mark.box[3] - CROP) / 2)
    crop = np.full((CROP, CROP, 3), _OUTSIDE, np.uint8)
    rows = slice(max(top, 0), min(top + CROP, image.shape[0]))
    columns = slice(max(left, 0), min(left + CROP, image.shape[1]))
    crop[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[
        rows, columns
    ][..., None]
    side = CROP * ZOOM
    tile = np.full((side + CAPTION_HEIGHT, side, 3), _BACKGROUND, np.uint8)
    picture = np.repeat(np.repeat(crop, ZOOM, axis=0), ZOOM, axis=1)
    for other in marks:
        if other is not mark:
            _draw_box(picture, other, left, top, thickness=1)
    _draw_box(picture, mark, left, top, thickness=2)
    tile[:side] = picture
    _write(tile, mark.image, (2, side + 13), _TEXT)
    caption = f"{mark.finding.value} {mark.score:.3f}"
    if mark.finding is Finding.MISS:
        caption = f"missed, best {mark.score:.3f}" if mark.score > 0 else "missed, nothing near"
    _write(tile, caption, (2, side + 28), mark.finding.colour)
    return tile


def _draw_box(picture: NDArray[np.uint8], mark: _Mark, left: int, top: int, thickness: int) -> None:
    # Two screen pixels off the box, so that the line hides no pixel of the target.
    start = round((mark.box[0] - left) * ZOOM) - 3, round((mark.box[1] - top) * ZOOM) - 3
    end = round((mark.box[2] - left) * ZOOM) + 2, round((mark.box[3] - top) * ZOOM) + 2
    cv2.rectangle(picture, start, end, mark.finding.colour, thickness)


def _rows(tiles: Sequence[NDArray[np.uint8]], columns: int, width: int) -> list[NDArray[np.uint8]]:
    rows = []
    for start in range(0, len(tiles), columns):
        height, side = tiles[start].shape[:2]
        row = np.full((height + GAP, width, 3), _BACKGROUND, np.uint8)
        for position, tile in enumerate(tiles[start : start + columns]):
            offset = GAP + position * (side + GAP)
            row[:height, offset : offset + side] = tile
        rows.append(row)
    return rows


def _header(text: str, colour: Colour, width: int) -> NDArray[np.uint8]:
    header = np.full((HEADER_HEIGHT, width, 3), _BACKGROUND, np.uint8)
    _write(header, text, (GAP, HEADER_HEIGHT - 10), colour, scale=0.5)
    return header


def _write(
    picture: NDArray[np.uint8], text: str, at: tuple[int, int], colour: Colour, scale: float = 0.4
) -> None:
    """Write ``text``, shortened in front to fit; the font has ASCII only, other characters become ``?``."""
    room = picture.shape[1] - at[0]
    text = text.encode("ascii", "replace").decode()
    shown = text
    while len(shown) > 4 and cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0] > room:
        text = text[1:]
        shown = f"...{text}"
    cv2.putText(picture, shown, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
