from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.detection.sixteen_bit import histogram as module
from edge_irdet.detection.sixteen_bit.histogram import CountHistogram


def test_percentiles_are_counts_that_occur() -> None:
    histogram = CountHistogram(np.repeat(np.array([10, 20, 30, 40], np.uint16), 25).reshape(10, 10))
    found = [histogram.percentile(percentile) for percentile in (0, 25, 26, 75, 76, 100)]
    assert found == [10, 10, 20, 30, 40, 40]
    assert (histogram.lowest, histogram.highest, histogram.size) == (10, 40, 100)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 200, 3000, 65534, 65535]),
    st.sampled_from([0, 1, 511, 512, 5000, 65535]),
    st.floats(0, 100),
)
def test_it_is_exact_over_any_range(seed: int, low: int, span: int, percentile: float) -> None:
    """Against a plain sort; the ends of the 16 bits and of the blocks are where it could go wrong."""
    high = min(65535, low + span)
    image = np.random.default_rng(seed).integers(low, high + 1, (20, 30)).astype(np.uint16)
    image[0, :2] = low, high
    histogram = CountHistogram(image)
    assert (histogram.lowest, histogram.highest) == (low, high)
    np.testing.assert_array_equal(
        histogram.pixels, np.bincount(image.ravel(), minlength=65536)[low : high + 1]
    )
    wanted = max(1, math.ceil(percentile / 100.0 * image.size))
    assert histogram.percentile(percentile) == np.sort(image, axis=None)[wanted - 1]


def test_frames_with_more_pixels_than_float32_counts_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(500, 900, (30, 40)).astype(np.uint16)
    usual = CountHistogram(image)
    monkeypatch.setattr(module, "EXACT_IN_FLOAT", 100)
    counted = CountHistogram(image)
    np.testing.assert_array_equal(counted.pixels, usual.pixels)
    assert counted.percentile(37) == usual.percentile(37)


def test_views_and_rows_with_padding_are_counted_alike() -> None:
    image = np.random.default_rng(0).integers(0, 5000, (40, 60)).astype(np.uint16)
    view = image[3:37, 5:50]
    np.testing.assert_array_equal(CountHistogram(view).pixels, CountHistogram(view.copy()).pixels)
