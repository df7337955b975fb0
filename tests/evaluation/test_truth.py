from __future__ import annotations

import numpy as np

from edge_irdet.evaluation.truth import Truth


def test_targets_of_an_annotated_mask_are_its_components(masked_dataset):
    truth = Truth.of(masked_dataset[0])
    boxes, centres = truth.targets()
    assert boxes.tolist() == [[5, 2, 9, 5], [40, 30, 42, 32]]
    assert centres.tolist() == [[7.0, 3.5], [41.0, 31.0]]


def test_centroid_of_a_bent_target_is_not_its_boxs_centre():
    mask = np.zeros((10, 10), np.uint8)
    mask[2, 2:8] = 1
    mask[3:8, 2] = 1
    boxes, centres = Truth(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), mask).targets()
    assert boxes.tolist() == [[2, 2, 8, 8]]
    assert (centres < 5.0).all()


def test_targets_of_a_set_with_boxes_only(boxed_dataset):
    sample = boxed_dataset[0]
    truth = Truth.of(sample)
    assert truth.mask is None
    boxes, centres = truth.targets()
    assert np.array_equal(boxes, sample.boxes)
    np.testing.assert_allclose(centres, [[20, 15]])
