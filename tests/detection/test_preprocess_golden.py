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
    name, mapping, *numbers, shutter = case
    low, high, min_span, plateau, linear, max_gain, smoothing = map(float, numbers[:7])
    shutter_frames, pad, *placed = map(int, numbers[7:])
    frames = np.split(np.load(GOLDEN / f"{name}.in.npy"), len(shutter))
    expected = np.split(np.load(GOLDEN / f"{name}.out.npy"), len(shutter))
    sixteen = None
    if mapping != "none":
        sixteen = SixteenBitSpec(
            SixteenBitMapping(mapping),
            low,
            high,
            min_span,
            plateau=plateau,
            linear=linear,
            max_gain=max_gain,
            smoothing_frames=smoothing,
            shutter_frames=shutter_frames,
        )
    height, width = expected[0].shape
    preprocessor = Preprocessor(
        PreprocessSpec(pad_value=pad, sixteen_bit=sixteen), InputSpec("image", width, height, 1, "uint8")
    )
    for _ in range(2):  # after a reset all is as at first
        flags = ""
        for frame, tensor in zip(frames, expected, strict=True):
            grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame
            placement = preprocessor(grey)
            np.testing.assert_array_equal(preprocessor.tensor[0, 0], tensor)
            flags += str(int(preprocessor.shutter))
        assert flags == shutter
        assert [placement.left, placement.top, placement.width, placement.height] == placed
        preprocessor.reset()


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
