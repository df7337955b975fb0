from __future__ import annotations

import numpy as np

from edge_irdet.engine.comparison import NO_DIFFERENCE, compare


def outputs(score: float = 0.5, left: float = 1.0, saliency: float | None = None) -> dict[str, np.ndarray]:
    arrays = {
        "boxes": np.array([[[left, 1, 3, 3], [left * 9, 9, 9, 9]]], np.float32),
        "scores": np.array([[[score], [0.001]]], np.float32),
    }
    if saliency is not None:
        arrays["saliency"] = np.full((1, 1, 2, 2), saliency, np.float32)
    return arrays


def test_equal_runs_do_not_differ() -> None:
    found = compare(outputs(), outputs())
    assert (found.box_pixels, found.score, found.saliency, found.live_boxes) == (0.0, 0.0, 0.0, 1)


def test_boxes_count_where_either_run_is_live() -> None:
    found = compare(outputs(left=1.0), outputs(left=1.5))
    assert found.box_pixels == 0.5, "the second box moved by 4.5 px, but scores 0.001"
    assert found.live_boxes == 1
    assert compare(outputs(score=0.001, left=1), outputs(score=0.5, left=2)).box_pixels == 1.0


def test_saliency_and_scores() -> None:
    found = compare(outputs(saliency=0.25), outputs(score=0.75, saliency=0.5))
    assert (found.score, found.saliency) == (0.25, 0.25)


def test_what_is_not_a_number_is_infinitely_wrong() -> None:
    broken = outputs()
    broken["scores"][0, 0, 0] = np.nan
    assert compare(outputs(), broken).score == float("inf")
    broken = outputs()
    broken["boxes"][0, 0, 0] = np.inf
    assert compare(outputs(), broken).box_pixels == float("inf")


def test_the_worst_of_several_frames() -> None:
    worst = NO_DIFFERENCE
    for other in (outputs(left=1.25), outputs(score=0.75), outputs()):
        worst = worst.worst_with(compare(outputs(), other))
    assert (worst.box_pixels, worst.score, worst.live_boxes) == (0.25, 0.25, 3)
