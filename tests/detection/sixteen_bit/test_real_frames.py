"""The 16 -> 8 bit mappings on real raw frames of uncooled cameras."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from doubles.real_data import REAL_DATA
from edge_irdet.detection.sixteen_bit.mapper import SixteenBitMapper
from edge_irdet.detection.sixteen_bit.text import parse_mapping

MAPPINGS = ["linear-percentile", "linear-percentile@15", "fixed-range:1995,3235", "plateau@0", "plateau"]


def frames_of(*parts: str) -> list[NDArray[np.uint16]]:
    """Raw frames in the order of their names."""
    paths = sorted(REAL_DATA.joinpath(*parts).glob("*.png"))
    if not paths:
        pytest.skip(
            f"there is no frame in {REAL_DATA.joinpath(*parts)}; name the data folder with EDGE_IRDET_DATA"
        )
    frames = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
    assert all(image is not None and image.dtype == np.uint16 for image in frames)
    return [image.view(np.uint16) for image in frames if image is not None]


def static(frames: list[NDArray[np.uint16]]) -> NDArray[np.bool_]:
    """Pixels that show the same place throughout: their counts vary little."""
    spread = np.std(np.stack(frames).astype(np.float32), axis=0)
    return np.asarray(spread <= np.percentile(spread, 50))


@pytest.mark.parametrize("sequence", ["possum_frames16", "v2_frames16"])
@pytest.mark.parametrize("mapping", ["linear-percentile", "plateau"])
def test_smoothing_keeps_the_background_from_pumping(sequence: str, mapping: str) -> None:
    frames = frames_of("lepton16", sequence)[8:]  # the first ones still settle by tens of counts
    still = static(frames)
    steps = {}
    for frames_smoothed in (0.0, 15.0):
        mapper = SixteenBitMapper(replace(parse_mapping(mapping), smoothing_frames=frames_smoothed))
        mapped = [mapper(image) for image in frames]
        assert not mapper.shutter
        steps[frames_smoothed] = np.abs(np.diff([image[still].astype(float).mean() for image in mapped]))
    assert steps[15.0].max() < 5.0, "grey levels from one frame to the next"
    assert steps[15.0].max() < steps[0.0].max()
    assert steps[15.0].mean() < steps[0.0].mean()


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("sequence", ["possum_frames16", "v2_frames16"])
def test_a_sequence_uses_the_grey_levels_and_is_never_taken_for_the_shutter(
    sequence: str, mapping: str
) -> None:
    mapper = SixteenBitMapper(parse_mapping(mapping))
    for image in frames_of("lepton16", sequence):
        mapped = mapper(image)
        assert not mapper.shutter
        if not mapping.startswith("fixed"):  # which is as wide for this scene as for any other
            assert np.ptp(mapped) > 150
            assert mapped.std() > 5


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_single_frames_of_other_cameras(mapping: str) -> None:
    for image in frames_of("raw16_single"):
        mapper = SixteenBitMapper(parse_mapping(mapping))
        mapped = mapper(image)
        order = np.argsort(image, axis=None, kind="stable")
        assert (np.diff(mapped.ravel()[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_shutter_made_of_the_cameras_own_noise_is_found_and_changes_nothing(mapping: str) -> None:
    """The frames hold no shutter, so one is made: the last frames' own temporal noise on an even level."""
    frames = frames_of("lepton16", "possum_frames16")[:40]
    noise = frames[30].astype(np.int64) - frames[29]
    shutter = np.clip(2500 + noise, 0, 65535).astype(np.uint16)
    with_shutter, without = (SixteenBitMapper(parse_mapping(mapping)) for _ in range(2))
    for index, image in enumerate(frames):
        if index in (20, 21, 22):
            flat = with_shutter(shutter)
            assert with_shutter.shutter
            assert flat.std() < 40
        np.testing.assert_array_equal(with_shutter(image), without(image))
        assert not with_shutter.shutter
