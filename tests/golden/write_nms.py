"""Writes tests/golden/nms anew: run it only when the suppression changes on purpose.

python tests/golden/write_nms.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.nms import select_detections
from edge_irdet.errors import RunnerError
from edge_irdet.package import NmsRule, PostprocessSpec

FOLDER = Path(__file__).parent / "nms"
Frame = tuple[NDArray[np.float32], NDArray[np.float32]]


def crowd(seed: int, count: int, classes: int = 1, side: float = 320.0, equal: bool = False) -> Frame:
    """Boxes in clusters, so that many suppress one another."""
    generator = np.random.default_rng(seed)
    middles = generator.uniform(0, side, (max(1, count // 6), 2))
    centre = middles[generator.integers(0, len(middles), count)] + generator.normal(0, 2, (count, 2))
    half = generator.uniform(1, 8, (count, 2)) / 2
    boxes = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
    scores = generator.uniform(0, 1, (count, classes)).astype(np.float32)
    if equal:
        scores = (np.round(scores * 4) / 4).astype(np.float32)
    return boxes, scores


def with_value(frame: Frame, kind: str, place: tuple[int, int], value: float) -> Frame:
    """A frame in which one number is another."""
    boxes, scores = frame[0].copy(), frame[1].copy()
    (boxes if kind == "boxes" else scores)[place] = value
    return boxes, scores


def row(lefts: list[float], width: float = 10.0) -> Frame:
    """Boxes of one size beside one another, with falling scores."""
    left = np.array(lefts, np.float32)
    boxes = np.stack([left, 0 * left, left + np.float32(width), 0 * left + np.float32(10)], 1)
    return boxes, np.linspace(0.9, 0.5, len(left), dtype=np.float32)[:, None]


def spec(rule: str, limit: float, threshold: float = 0.25, **fields: float) -> PostprocessSpec:
    """The specification of a case."""
    return PostprocessSpec(threshold, NmsRule(rule), limit, **fields)  # type: ignore[arg-type]


NAN, INFINITE = float("nan"), float("inf")
SMALL = crowd(1, 40)
CASES: dict[str, tuple[Frame, PostprocessSpec]] = {
    **{
        f"{rule}_{seed}": (crowd(seed, 300), spec(rule, limit))
        for seed in (2, 3)
        for rule, limit in (("iou", 0.45), ("distance", 3.0), ("nwd", 0.6))
    },
    **{
        f"{rule}_equal_scores": (crowd(4, 300, equal=True), spec(rule, limit))
        for rule, limit in (("iou", 0.3), ("distance", 2.5), ("nwd", 0.8))
    },
    **{
        f"{rule}_classes": (crowd(5, 200, classes=3), spec(rule, limit, 0.5))
        for rule, limit in (("iou", 0.45), ("distance", 3.0), ("nwd", 0.6))
    },
    "classes_equal": (crowd(6, 120, classes=4, equal=True), spec("iou", 0.45, 0.5)),
    "many_candidates": (crowd(7, 4000, side=2000), spec("distance", 1.0, 0.0)),
    "many_equal": (crowd(8, 3500, side=2000, equal=True), spec("iou", 0.2, 0.0)),
    "max_detections": (crowd(9, 300), spec("iou", 0.9, max_detections=7)),
    "one_detection": (crowd(9, 300), spec("nwd", 0.9, max_detections=1)),
    "none": (SMALL, spec("iou", 0.45, 1.0)),
    "threshold_0": (SMALL, spec("iou", 0.45, 0.0)),
    "threshold_hit": (with_value(SMALL, "scores", (3, 0), np.float32(0.7)), spec("iou", 0.45, 0.7)),
    "score_above_1": (with_value(SMALL, "scores", (3, 0), 1.0 + 5e-6), spec("iou", 0.45)),
    "nwd_scale": (crowd(10, 200), spec("nwd", 0.5, nwd_scale=2.0)),
    "distance_hit": (row([0, 3, 6, 9.5, 12.5]), spec("distance", 3.0)),
    "distance_tenth": (row([0, 0.1, 0.2, 0.5, 0.6]), spec("distance", 0.1)),
    "iou_hit": (row([0, 5, 10, 12.5]), spec("iou", 1 / 3)),
    "nwd_hit": (row([0, 4, 8, 12]), spec("nwd", float(np.exp(-0.5)))),
    "empty_boxes": (row([0, 0, 4, 4], width=0.0), spec("iou", 0.5)),
    "reversed_boxes": (row([0, 5, 8], width=-3.0), spec("iou", 0.5)),
    "score_nan": (with_value(SMALL, "scores", (39, 0), NAN), spec("iou", 0.45)),
    "score_infinite": (with_value(SMALL, "scores", (0, 0), INFINITE), spec("iou", 0.45)),
    "score_negative": (with_value(SMALL, "scores", (7, 0), -0.01), spec("iou", 0.45)),
    "score_2": (with_value(SMALL, "scores", (7, 0), 2.0), spec("iou", 0.45)),
    "class_nan": (with_value(crowd(5, 60, classes=3), "scores", (9, 1), NAN), spec("iou", 0.45)),
    "box_nan": (
        with_value(with_value(SMALL, "scores", (5, 0), 0.99), "boxes", (5, 2), NAN),
        spec("nwd", 0.5),
    ),
    "box_infinite": (
        with_value(with_value(SMALL, "scores", (5, 0), 0.99), "boxes", (5, 0), -INFINITE),
        spec("distance", 3.0),
    ),
    "box_far": (
        with_value(with_value(SMALL, "scores", (5, 0), 0.99), "boxes", (5, 3), 2e6),
        spec("iou", 0.5),
    ),
    "box_nan_below": (
        with_value(with_value(SMALL, "scores", (5, 0), 0.01), "boxes", (5, 2), NAN),
        spec("iou", 0.5),
    ),
}


def expected(frame: Frame, postprocess: PostprocessSpec) -> NDArray[np.float32] | None:
    """[n, 6] box, score, class; None where the frame is an error of the runner."""
    try:
        found = select_detections(*frame, postprocess)
    except RunnerError:
        return None
    return np.concatenate(
        [found.boxes, found.scores[:, None], found.classes[:, None].astype(np.float32)], 1, dtype=np.float32
    )


def main() -> None:
    """Write every case."""
    FOLDER.mkdir(exist_ok=True)
    lines = ["# name code rule limit threshold nwd_scale max_detections"]
    for name, (frame, postprocess) in CASES.items():
        result = expected(frame, postprocess)
        np.save(FOLDER / f"{name}.boxes.npy", frame[0])
        np.save(FOLDER / f"{name}.scores.npy", frame[1])
        if result is not None:
            np.save(FOLDER / f"{name}.out.npy", result)
        values = (
            name,
            "E601" if result is None else "ok",
            postprocess.nms.value,
            *(postprocess.nms_limit, postprocess.score_threshold, postprocess.nwd_scale),
            postprocess.max_detections,
        )
        lines.append(" ".join(str(value) for value in values))
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
