from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edge_irdet.errors import PrecisionConversionError
from edge_irdet.export.precision.int8 import quantize_int8
from edge_irdet.export.precision.profile import LARGEST_DECIBEL, profile_layers, require_fp16_ranges
from edge_irdet.export.precision.ranges import percentile_ranges, tensor_values
from edge_irdet.export.precision.recipe import Int8Recipe
from edge_irdet.export.precision.sensitivity import Cost, Sensitivity, stage_of

DetectorGraph = Callable[..., onnx.ModelProto]


def test_range_and_error_of_layers(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    source = detector_graph()
    reduced = quantize_int8(source, scenes, Int8Recipe(keep_float=("*first*",)))
    first, second, final = profile_layers(source, reduced, scenes)
    assert [profile.quantised for profile in (first, second, final)] == [False, True, False]
    brightest = max(int(frame.max()) for frame in scenes) / 255
    assert first.input_range == pytest.approx(brightest, rel=1e-6)
    assert first.output_sqnr == LARGEST_DECIBEL  # nothing before it is quantised
    assert 20 < second.input_sqnr < 60
    assert second.output_sqnr < LARGEST_DECIBEL
    assert final.output_sqnr < LARGEST_DECIBEL
    # A filter of one repeated weight is exact up to float32 rounding; mixed ones are not.
    assert first.weight_sqnr > 100 > second.weight_sqnr


def test_an_outlier_channel_shows_in_the_error(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]
) -> None:
    found = []
    for outlier in (0.0, 3000.0):
        source = detector_graph(outlier=outlier)
        found.append(profile_layers(source, quantize_int8(source, scenes), scenes)[1])
    assert found[1].input_range > 100 * found[0].input_range
    assert found[1].output_sqnr < found[0].output_sqnr - 20


def test_ranges_of_fp16(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    source = detector_graph()
    profiles = profile_layers(source, source, scenes)
    require_fp16_ranges(profiles)
    for field in ("input_range", "output_range"):
        with pytest.raises(PrecisionConversionError, match="second/Conv"):
            require_fp16_ranges((profiles[0], replace(profiles[1], **{field: 70000.0})))


def test_percentiles_of_known_values(detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]) -> None:
    values = np.concatenate([frame.ravel() for frame in scenes]).astype(np.float32) / 255
    for percentile in (50.0, 99.0, 99.9):
        found = percentile_ranges(detector_graph(), ["scaled"], scenes, percentile)["scaled"]
        assert found == pytest.approx(np.percentile(values, percentile), abs=2 / 255)
    assert percentile_ranges(detector_graph(), ["scaled"], scenes, 100.0)["scaled"] == values.max()


def test_a_tensor_of_zeros_has_a_range_above_zero(detector_graph: DetectorGraph) -> None:
    black = [np.zeros((1, 1, 64, 64), np.uint8)] * 2
    assert percentile_ranges(detector_graph(), ["scaled"], black, 99.0) == {"scaled": 1.0}


def test_inner_tensors_and_outputs_can_be_read(
    detector_graph: DetectorGraph, scenes: list[NDArray[np.uint8]]
) -> None:
    found = list(tensor_values(detector_graph(), ["scaled", "scores", "scaled"], scenes[:2]))
    assert [set(item) for item in found] == [{"scaled", "scores"}] * 2
    np.testing.assert_allclose(found[1]["scaled"], scenes[1].astype(np.float32) / 255, rtol=1e-6)


def test_stages() -> None:
    assert stage_of("/network/backbone/stages.0/h.1/conv/Conv") == "backbone/stages.0"
    assert stage_of("/network/sal/lat3/conv/Conv") == "sal/lat3"


def test_worst_layers_in_words() -> None:
    costs = tuple(Cost(f"layer{index}", (), 0.1, 0.2) for index in range(9))
    assert Sensitivity((), costs).worst_layers(2) == (
        "layer0 (score 0.100, 0.20 px), layer1 (score 0.100, 0.20 px)"
    )
