from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from edge_irdet.errors import LabelInvalidError
from edge_irdet.training.anchors import kmeans_anchors


def test_three_clear_clusters_are_found() -> None:
    generator = np.random.default_rng(0)
    centres = np.array([[3, 3], [6, 4], [12, 12]], np.float32)
    sides = np.repeat(centres, 50, 0) + generator.normal(0, 0.05, (150, 2)).astype(np.float32)
    anchors = np.array(kmeans_anchors(sides, "small", 0))
    np.testing.assert_allclose(anchors[0], centres, atol=0.1)
    np.testing.assert_allclose(anchors[1], 2 * anchors[0], atol=0.011)
    np.testing.assert_allclose(anchors[2], 4 * anchors[0], atol=0.021)


def test_nine_anchors_are_sorted_by_area_over_the_levels() -> None:
    sides = np.random.default_rng(1).uniform(2, 40, (400, 2)).astype(np.float32)
    areas = np.array(kmeans_anchors(sides, "sorted", 0)).prod(-1).ravel()
    assert (np.diff(areas) >= 0).all()


def test_the_seed_decides() -> None:
    sides = np.random.default_rng(1).uniform(2, 40, (100, 2)).astype(np.float32)
    assert kmeans_anchors(sides, "sorted", 5) == kmeans_anchors(sides, "sorted", 5)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("layout", ["sorted", "small"])
def test_a_few_equal_boxes_are_enough(count: int, layout: str) -> None:
    anchors = np.array(kmeans_anchors(np.full((count, 2), 5.0, np.float32), layout, 0))
    assert np.isfinite(anchors).all()
    assert (anchors >= 1).all()


def test_no_box_is_an_error() -> None:
    with pytest.raises(LabelInvalidError, match="no box"):
        kmeans_anchors(np.zeros((0, 2), np.float32), "sorted", 0)
