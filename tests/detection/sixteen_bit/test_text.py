from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray

from edge_irdet.detection.sixteen_bit.text import parse_mapping, to_eight_bits
from edge_irdet.errors import OptionError, SixteenBitUnmappedError
from edge_irdet.package import SixteenBitMapping, SixteenBitSpec

PERCENTILE = SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9)


def frame(seed: int, low: int, high: int) -> NDArray[np.uint16]:
    return np.random.default_rng(seed).integers(low, high + 1, (24, 32)).astype(np.uint16)


def test_eight_bits_pass_untouched() -> None:
    image = np.arange(200, dtype=np.uint8).reshape(10, 20)
    assert np.shares_memory(to_eight_bits(image, None), image)


def test_sixteen_bits_without_a_mapping_are_refused_with_the_way_out() -> None:
    with pytest.raises(SixteenBitUnmappedError) as caught:
        to_eight_bits(frame(0, 2000, 3000), None)
    assert "32x24" in caught.value.what
    assert "--map16" in caught.value.next_step


def test_fixed_range_by_hand() -> None:
    spec = SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 1000, 2020, min_span=1)
    counts = np.array([[0, 1000, 1002, 1510, 2020, 65535]], np.uint16)
    # 255 / 1020 = a quarter of a level a count; halves are rounded up.
    assert to_eight_bits(counts, spec).tolist() == [[0, 0, 1, 128, 255, 255]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60000), st.integers(0, 5000))
def test_the_mapping_keeps_order(seed: int, low: int, span: int) -> None:
    image = frame(seed, low, min(65535, low + span))
    mapped = to_eight_bits(image, PERCENTILE)
    order = np.argsort(image, axis=None, kind="stable")
    assert (np.diff(mapped.ravel()[order].astype(int)) >= 0).all()
    assert mapped.dtype == np.uint8
    assert mapped.shape == image.shape


@pytest.mark.parametrize("level", [0, 3000, 65535])
def test_a_flat_frame_is_flat_grey_and_its_noise_stays_small(level: int) -> None:
    flat = to_eight_bits(np.full((20, 20), level, np.uint16), PERCENTILE)
    assert (flat == 128).all()
    noisy = frame(1, 3000, 3004)
    assert np.ptp(to_eight_bits(noisy, PERCENTILE)) <= 20


def test_bounds_the_wrong_way_round_are_refused_when_they_are_named() -> None:
    with pytest.raises(ValueError, match="from 500 to 400; the first must be the smaller"):
        SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 500, 400)


def test_a_fixed_range_narrower_than_the_span_is_widened() -> None:
    mapped = to_eight_bits(
        np.arange(65536, dtype=np.uint16)[None], SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 400, 401)
    )
    assert (np.diff(mapped[0].astype(int)) >= 0).all()


def test_mappings_are_parsed() -> None:
    assert parse_mapping("linear-percentile") == PERCENTILE
    assert parse_mapping("fixed-range:1995,3235") == SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 1995, 3235)
    smoothed = parse_mapping("linear-percentile:1,99@12.5")
    assert smoothed == SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 1, 99, smoothing_frames=12.5)
    plateau = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0.5, 99.9)
    assert parse_mapping("plateau") == replace(plateau, smoothing_frames=15)
    assert parse_mapping("plateau@0") == plateau
    assert parse_mapping("plateau:2,3@4") == replace(plateau, plateau=2, max_gain=3, smoothing_frames=4)
    assert parse_mapping("plateau:2,3,0@0") == replace(plateau, plateau=2, max_gain=3, linear=0)


@pytest.mark.parametrize(
    "text",
    ["", "agc", "fixed-range", "fixed-range:5", "fixed-range:9,5", "fixed-range:0,70000", "fixed-range:a,b",
     "linear-percentile:50,101", "linear-percentile:-1,50", "fixed-range:nan,5", "fixed-range:1,2@9",
     "linear-percentile@", "linear-percentile@-1", "linear-percentile@inf", "linear-percentile@nan",
     "linear-percentile@1@2", "linear-percentile:", "@15", "plateau:1", "plateau:0,4", "plateau:101,4",
     "plateau:1,0", "plateau:1,nan", "plateau:1,4,101", "plateau:1,4,-1", "plateau:1,4,5,6",
     "plateau:", "plateau:,", "Plateau",
     "plateau@20:1,4"],
)  # fmt: skip
def test_malformed_mappings_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--map16"):
        parse_mapping(text)
