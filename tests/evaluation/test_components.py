from __future__ import annotations

import numpy as np
import pytest

from edge_irdet.evaluation.components import find_components


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8])
def test_boxes_centroids_and_areas_in_continuous_pixels(dtype):
    mask = np.zeros((12, 14), dtype)
    mask[5, 3] = 1
    mask[8:10, 6:9] = 1
    mask[10, 9] = 1
    found = find_components(mask)
    assert found.boxes.tolist() == [[3, 5, 4, 6], [6, 8, 10, 11]]
    assert found.areas.tolist() == [1, 7]
    np.testing.assert_allclose(found.centroids, [[3.5, 5.5], [(2 * 22.5 + 9.5) / 7, (3 * 18 + 10.5) / 7]])


def test_view_into_a_larger_array():
    whole = np.zeros((20, 30), np.uint8)
    whole[3, 4] = 200
    assert find_components(whole[::1, 2:20:2]).boxes.tolist() == [[1, 3, 2, 4]]


def test_empty_mask():
    found = find_components(np.zeros((4, 5), np.bool_))
    assert found.boxes.shape == (0, 4)
    assert found.centroids.shape == (0, 2)
    assert found.areas.shape == (0,)
