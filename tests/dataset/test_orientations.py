from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge_irdet.dataset.boxes import boxes_of_mask
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.orientations import ORIENTATIONS, in_orientations, oriented
from edge_irdet.dataset.sample import MaskSource, Sample


def sample_of(mask: NDArray[np.uint8]) -> Sample:
    boxes = np.asarray(boxes_of_mask(mask), np.float32).reshape(-1, 4)
    return Sample("a", mask * 200, boxes, np.zeros(len(boxes), np.int64), mask, MaskSource.ANNOTATED)


@given(
    hnp.arrays(
        np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=st.integers(0, 1)
    ),
    st.sampled_from(ORIENTATIONS),
)
def test_boxes_turn_with_the_mask(mask: NDArray[np.uint8], orientation: str) -> None:
    turned = oriented(sample_of(mask), orientation)
    np.testing.assert_array_equal(turned.image, turned.mask * 200)
    expected = sample_of(turned.mask).boxes
    assert sorted(map(tuple, turned.boxes.tolist())) == sorted(map(tuple, expected.tolist()))
    assert turned.image.flags.c_contiguous


def test_the_eight_orientations_differ() -> None:
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    seen = {oriented(sample_of(mask * 0), name).image.shape for name in ORIENTATIONS}
    assert seen == {(2, 3), (3, 2)}
    base = Sample("a", mask, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), mask, MaskSource.ANNOTATED)
    assert (
        len(
            {
                oriented(base, name).image.tobytes() + bytes(oriented(base, name).image.shape)
                for name in ORIENTATIONS
            }
        )
        == 8
    )


def test_sets_in_orientations(nuaa_root: Path) -> None:
    dataset = read_dataset(nuaa_root)
    turned = in_orientations(dataset, 3, "these")
    assert len(turned) == 9
    assert turned.name == "these in 3 orientations"
    assert turned.classes == dataset.classes
    np.testing.assert_array_equal(turned[1].image, dataset[0].image[:, ::-1])
    assert in_orientations(dataset, 1, "these").name == "these"
