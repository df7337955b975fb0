"""16-bit frames without a stream, and the text that names a mapping."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.sixteen_bit.histogram import LEVELS
from edge_irdet.detection.sixteen_bit.mapper import SixteenBitMapper
from edge_irdet.errors import OptionError, SixteenBitUnmappedError
from edge_irdet.package import SixteenBitMapping, SixteenBitSpec

PERCENTILES = (0.5, 99.9)
"""Bounds of the mappings that take percentiles, where none are given."""

PLATEAU_SMOOTHING_FRAMES = 15.0
"""Time constant of ``plateau`` where none is given: half a second at 30 frames a second."""

MAX_SMOOTHING_FRAMES = 10_000.0

_NEXT_STEP = (
    "write --map16 linear-percentile[:LOW,HIGH][@FRAMES], fixed-range:LOW,HIGH or "
    "plateau[:PERCENT,GAIN[,LINEAR]][@FRAMES]; for example linear-percentile:0.5,99.9@15"
)


def to_eight_bits(
    image: NDArray[np.uint8] | NDArray[np.uint16], spec: SixteenBitSpec | None
) -> NDArray[np.uint8]:
    """Map one grey frame by itself, as the first of a stream; an 8-bit frame is returned as it is.

    Args:
        image: [H, W] uint8 or uint16, not empty.
        spec: the mapping, or None.

    Raises:
        SixteenBitUnmappedError: the frame has 16 bits and ``spec`` is None.
    """
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    counts = image.view(np.uint16)
    return SixteenBitMapper(require_mapping(counts, spec))(counts)


def require_mapping(image: NDArray[np.uint16], spec: SixteenBitSpec | None) -> SixteenBitSpec:
    """The mapping of a 16-bit frame.

    Raises:
        SixteenBitUnmappedError: there is none.
    """
    if spec is None:
        raise SixteenBitUnmappedError(
            f"a 16-bit frame ({image.shape[1]}x{image.shape[0]}, counts {image.min()}..{image.max()}) "
            "arrived and the package names no 16 -> 8 bit mapping",
            "name one: --map16 linear-percentile, --map16 plateau, or --map16 fixed-range:LOW,HIGH",
        )
    return spec


def parse_mapping(text: str) -> SixteenBitSpec:
    """Parse the name of a mapping with its numbers.

    - ``linear-percentile[:LOW,HIGH][@FRAMES]``: percentiles, 0.5 and 99.9 by default;
    - ``fixed-range:LOW,HIGH``: counts;
    - ``plateau[:PERCENT,GAIN[,LINEAR]][@FRAMES]``: percent of the pixels, grey levels a count,
      percent of the levels.

    They are the fields ``plateau``, ``max_gain`` and ``linear`` of the specification. ``@FRAMES`` is the
    time constant of the smoothing in frames; by default 0, none, and 15 for ``plateau``.

    Raises:
        OptionError: another name, or numbers that are malformed or out of range.
    """
    body, at, frames_text = text.partition("@")
    name, colon, numbers_text = body.partition(":")
    try:
        mapping = SixteenBitMapping(name)
        numbers = [float(part) for part in numbers_text.split(",")] if colon else []
        frames = float(frames_text) if at else None
    except ValueError as error:
        raise OptionError(f"{text!r} is not a 16 -> 8 bit mapping: {error}", _NEXT_STEP) from error
    if not all(map(math.isfinite, numbers)):
        raise OptionError(f"{text!r} has a number that is not finite", _NEXT_STEP)
    if frames is not None and not 0.0 <= frames <= MAX_SMOOTHING_FRAMES:
        raise OptionError(
            f"{text!r} is smoothed over {frames:g} frames, not 0..{MAX_SMOOTHING_FRAMES:g}", _NEXT_STEP
        )
    if mapping is SixteenBitMapping.PLATEAU:
        return _plateau(text, numbers, PLATEAU_SMOOTHING_FRAMES if frames is None else frames)
    if mapping is SixteenBitMapping.LINEAR_PERCENTILE:
        return _linear(text, mapping, numbers or list(PERCENTILES), 100.0, frames or 0.0)
    if frames:
        raise OptionError(f"{text!r}: a fixed range never changes, there is nothing to smooth", _NEXT_STEP)
    return _linear(text, mapping, numbers, float(LEVELS - 1), 0.0)


def _linear(
    text: str, mapping: SixteenBitMapping, bounds: list[float], highest: float, frames: float
) -> SixteenBitSpec:
    if len(bounds) != 2 or not 0.0 <= bounds[0] < bounds[1] <= highest:
        given = ",".join(f"{bound:g}" for bound in bounds) or "none"
        raise OptionError(f"{text!r} needs two rising bounds in 0..{highest:g}, has {given}", _NEXT_STEP)
    return SixteenBitSpec(mapping, bounds[0], bounds[1], smoothing_frames=frames)


def _plateau(text: str, numbers: list[float], frames: float) -> SixteenBitSpec:
    if len(numbers) not in (0, 2, 3):
        raise OptionError(f"{text!r} has {len(numbers)} numbers, plateau takes none, 2 or 3", _NEXT_STEP)
    spec = SixteenBitSpec(SixteenBitMapping.PLATEAU, *PERCENTILES, smoothing_frames=frames)
    plateau, gain, linear = (*numbers, *(spec.plateau, spec.max_gain, spec.linear)[len(numbers) :])
    if not 0.0 < plateau <= 100.0 or not 0.0 < gain <= 255.0 or not 0.0 <= linear <= 100.0:
        raise OptionError(
            f"{text!r} has the plateau {plateau:g} %, the gain {gain:g}, the linear share {linear:g} %; the "
            "limits are above 0 to 100, above 0 to 255, and 0 to 100",
            _NEXT_STEP,
        )
    return msgspec.structs.replace(spec, plateau=plateau, max_gain=gain, linear=linear)
