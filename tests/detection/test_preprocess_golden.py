"""The golden arrays that Python and C++ must both meet, and a plain statement of the scaling they hold."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.package import InputSpec, PreprocessSpec, SixteenBitMapping, SixteenBitSpec

GOLDEN = Path(__file__).parents[1] / "golden" / "preprocess"
CASES = [line.split() for line in (GOLDEN / "cases.txt").read_text().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_python_meets_the_golden_arrays(case: list[str]) -> None:
    name, mapping, low, high, min_span, pad, *placed = case
    frame = np.load(GOLDEN / f"{name}.in.npy")
    expected = np.load(GOLDEN / f"{name}.out.npy")
    sixteen = None
    if mapping != "none":
        sixteen = SixteenBitSpec(SixteenBitMapping(mapping), float(low), float(high), float(min_span))
    height, width = expected.shape
    preprocessor = Preprocessor(
        PreprocessSpec(pad_value=int(pad), sixteen_bit=sixteen), InputSpec("image", width, height, 1, "uint8")
    )
    placement = preprocessor(frame)
    np.testing.assert_array_equal(preprocessor.tensor[0, 0], expected)
    assert [placement.left, placement.top, placement.width, placement.height] == [
        int(value) for value in placed
    ]


def taps(source: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place = (1.0 / (target / source)) * (np.arange(target) + 0.5) - 0.5
    first = np.floor(place).astype(np.int64)
    weight = np.rint((place - first) * 256).astype(np.int64)
    weight[(first < 0) | (first >= source - 1)] = 0
    return first.clip(0, source - 1), weight


@settings(max_examples=80, deadline=None)
@given(*(st.integers(1, 120) for _ in range(4)), st.integers(0, 2**32 - 1))
def test_the_scaling_is_fixed_point_with_8_fractional_bits(
    w: int, h: int, width: int, height: int, seed: int
) -> None:
    """What OpenCV calls INTER_LINEAR_EXACT, written out: the definition that the C++ side implements."""
    image = np.random.default_rng(seed).integers(0, 256, (h, w)).astype(np.uint8)
    columns, across = taps(w, width)
    rows, down = taps(h, height)
    right, below = np.minimum(columns + 1, w - 1), np.minimum(rows + 1, h - 1)
    wide = image.astype(np.int64)
    scaled = wide[:, columns] * (256 - across) + wide[:, right] * across
    sums = scaled[rows] * (256 - down)[:, None] + scaled[below] * down[:, None]
    expected = (sums + (1 << 15)) >> 16
    found = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    np.testing.assert_array_equal(found, expected)
