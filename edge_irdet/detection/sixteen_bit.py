"""16 -> 8 bit mapping of thermal frames, a named step of the preprocess spec.

Everything is defined on integer counts, so that another implementation gives the same bytes:
the table entry of count ``v`` is ``clip(floor((v - low) * 255 / span + 0.5), 0, 255)`` in float64 with
``span = max(high - low, min_span)``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OptionError, SixteenBitUnmappedError
from edge_irdet.package import SixteenBitMapping, SixteenBitSpec

LEVELS = 1 << 16


def count_percentile(cumulative: NDArray[np.int64], percentile: float) -> int:
    """Smallest count that at least ``percentile`` % of the pixels do not exceed.

    Args:
        cumulative: [65536] number of pixels up to each count.
        percentile: 0..100; 0 gives the smallest count that occurs.
    """
    wanted = max(1, math.ceil(percentile / 100.0 * int(cumulative[-1])))
    return int(np.searchsorted(cumulative, wanted))


def count_bounds(image: NDArray[np.uint16], spec: SixteenBitSpec) -> tuple[float, float]:
    """The counts that become 0 and 255 for this frame, before ``min_span`` is applied."""
    if spec.mapping is SixteenBitMapping.FIXED_RANGE:
        return spec.low, spec.high
    cumulative = np.cumsum(np.bincount(image.reshape(-1), minlength=LEVELS))
    return float(count_percentile(cumulative, spec.low)), float(count_percentile(cumulative, spec.high))


def mapping_table(low: float, high: float, min_span: float) -> NDArray[np.uint8]:
    """[65536] uint8: what each count becomes; a range below ``min_span`` is widened about its middle."""
    span = high - low
    if span < min_span:
        low, span = low - (min_span - span) / 2, min_span
    counts = np.arange(LEVELS, dtype=np.float64)
    return np.clip(np.floor((counts - low) * 255.0 / span + 0.5), 0, 255).astype(np.uint8)


def to_eight_bits(
    image: NDArray[np.uint8] | NDArray[np.uint16],
    spec: SixteenBitSpec | None,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Map a grey frame to 8 bits; an 8-bit frame is returned as it is.

    Args:
        image: [H, W] uint8 or uint16.
        spec: the mapping, or None.
        out: [H, W] uint8 to write into.

    Raises:
        SixteenBitUnmappedError: the frame has 16 bits and ``spec`` is None.
    """
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    if spec is None:
        raise SixteenBitUnmappedError(
            f"a 16-bit frame ({image.shape[1]}x{image.shape[0]}, counts {image.min()}..{image.max()}) "
            "arrived and the package names no 16 -> 8 bit mapping",
            "name one: --map16 linear-percentile, or --map16 fixed-range:LOW,HIGH",
        )
    counts = image.view(np.uint16)
    table = mapping_table(*count_bounds(counts, spec), spec.min_span)
    mapped: NDArray[np.uint8] = np.take(table, counts, out=out)
    return mapped


def parse_mapping(text: str) -> SixteenBitSpec:
    """Parse ``linear-percentile[:LOW,HIGH]`` (percentiles, 0.5,99.9) or ``fixed-range:LOW,HIGH`` (counts).

    Raises:
        OptionError: another name, or bounds that are not two rising numbers in range.
    """
    name, _, bounds_text = text.partition(":")
    next_step = "write --map16 linear-percentile, linear-percentile:0.5,99.9 or fixed-range:LOW,HIGH"
    try:
        mapping = SixteenBitMapping(name)
        bounds = [float(part) for part in bounds_text.split(",")] if bounds_text else []
    except ValueError as error:
        raise OptionError(f"{text!r} is not a 16 -> 8 bit mapping: {error}", next_step) from error
    if mapping is SixteenBitMapping.LINEAR_PERCENTILE:
        bounds = bounds or [0.5, 99.9]
        highest = 100.0
    else:
        highest = float(LEVELS - 1)
    if len(bounds) != 2 or not 0 <= bounds[0] < bounds[1] <= highest:
        raise OptionError(
            f"{text!r} needs two rising bounds in 0..{highest:g}, has {bounds_text or 'none'}", next_step
        )
    return SixteenBitSpec(mapping, bounds[0], bounds[1])
