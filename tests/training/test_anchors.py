from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from edge_irdet.errors import LabelInvalidError
from edge_irdet.training.anchors import kmeans_anchors

RANGES = ((0.0, 20.0), (8.0, 48.0), (32.0, 1e9))


def test_three_clear_clusters_are_found() -> None:
    generator = np.random.default_rng(0)
    centres = np.array([[3, 3], [6, 4], [12, 12]], np.float32)
    sides = np.repeat(centres, 50, 0) + generator.normal(0, 0.05, (150, 2)).astype(np.float32)
    anchors = np.array(kmeans_anchors(sides, "small", 0, RANGES))
    np.testing.assert_allclose(anchors[0], centres, atol=0.1)
    np.testing.assert_allclose(anchors[1], 2 * anchors[0], atol=0.011)
    np.testing.assert_allclose(anchors[2], 4 * anchors[0], atol=0.021)


def test_nine_anchors_are_sorted_by_area_over_the_levels() -> None:
    sides = np.random.default_rng(1).uniform(2, 40, (400, 2)).astype(np.float32)
    areas = np.array(kmeans_anchors(sides, "sorted", 0, RANGES)).prod(-1).ravel()
    assert (np.diff(areas) >= 0).all()


def test_the_seed_decides() -> None:
    sides = np.random.default_rng(1).uniform(2, 40, (100, 2)).astype(np.float32)
    assert kmeans_anchors(sides, "sorted", 5, RANGES) == kmeans_anchors(sides, "sorted", 5, RANGES)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("layout", ["sorted", "small", "ranges"])
def test_a_few_equal_boxes_are_enough(count: int, layout: str) -> None:
    anchors = np.array(kmeans_anchors(np.full((count, 2), 5.0, np.float32), layout, 0, RANGES))
    assert np.isfinite(anchors).all()
    assert (anchors >= 1).all()


def test_no_box_is_an_error() -> None:
    with pytest.raises(LabelInvalidError, match="no box"):
        kmeans_anchors(np.zeros((0, 2), np.float32), "sorted", 0, RANGES)


def test_ranges_cluster_each_level_by_itself() -> None:
    generator = np.random.default_rng(0)
    sides = np.concatenate(
        [np.full((50, 2), side) + generator.normal(0, 0.05, (50, 2)) for side in (3, 6, 14, 30, 60)]
    ).astype(np.float32)
    anchors = np.array(kmeans_anchors(sides, "ranges", 0, RANGES))
    np.testing.assert_allclose(anchors[0].mean(1), [3, 6, 14], atol=0.2)
    assert ((anchors[1] > 8) & (anchors[1] < 48)).all()
    np.testing.assert_allclose(anchors[2], 60, atol=0.3)


def test_a_range_without_boxes_doubles_the_anchors_before_it() -> None:
    sides = np.random.default_rng(0).uniform(2, 7, (60, 2)).astype(np.float32)
    anchors = np.array(kmeans_anchors(sides, "ranges", 0, RANGES))
    np.testing.assert_allclose(anchors[1], 2 * anchors[0], atol=0.011)
    np.testing.assert_allclose(anchors[2], 4 * anchors[0], atol=0.021)


@pytest.mark.parametrize("layout", ["sorted", "small", "ranges"])
def test_there_are_as_many_levels_as_ranges(layout: str) -> None:
    sides = np.random.default_rng(0).uniform(2, 60, (90, 2)).astype(np.float32)
    assert len(kmeans_anchors(sides, layout, 0, RANGES[:2])) == 2
