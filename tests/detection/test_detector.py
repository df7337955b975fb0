"""The detector's own work, around a runner that answers what the test wants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from doubles.file_hashes import file_sha256
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.errors import (
    FrameFormatError,
    ManifestInvalidError,
    OptionError,
    RunnerError,
    SixteenBitUnmappedError,
)
from edge_irdet.package import (
    MANIFEST_NAME,
    NmsRule,
    Precision,
    SixteenBitMapping,
    SixteenBitSpec,
)


class ScriptedRunner(Runner):
    """Answers with up to two given boxes and scores and keeps what it was fed."""

    def __init__(self, boxes: list[list[float]], scores: list[float]) -> None:
        super().__init__()
        boxes, scores = (boxes + [[0.0] * 4] * 2)[:2], (scores + [0.0] * 2)[:2]
        self.answer = {
            "boxes": np.array(boxes, np.float32).reshape(1, -1, 4),
            "scores": np.array(scores, np.float32).reshape(1, -1, 1),
        }
        self.fed: list[NDArray[np.uint8]] = []

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        return {"image": TensorSpec.of((1, 1, 64, 128), np.uint8)}

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        return {name: TensorSpec.of(array.shape, array.dtype) for name, array in self.answer.items()}

    def _activate_impl(self) -> None: ...

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        self.fed.append(feeds["image"].copy())
        return self.answer

    def _deactivate_impl(self) -> None: ...


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path, {})


def write_package(folder: Path, changes: dict[str, object]) -> Path:
    (folder / "model.onnx").write_bytes(b"graph")
    manifest = {
        "schema": 1,
        "name": "test",
        "variant": "test",
        "classes": ["target"],
        "parameters": 1,
        "input": {"name": "image", "width": 128, "height": 64, "channels": 1, "dtype": "uint8"},
        "outputs": [{"name": "boxes", "shape": [1, 2, 4]}, {"name": "scores", "shape": [1, 2, 1]}],
        "preprocess": {"pad_value": 7},
        "postprocess": {"score_threshold": 0.3},
        "strides": [8],
        "anchors": [[[4.0, 4.0]]],
        "graphs": {"fp32": {"file": "model.onnx", "sha256": file_sha256(folder / "model.onnx")}},
    }
    (folder / MANIFEST_NAME).write_text(json.dumps({**manifest, **changes}))
    return folder


FRAME = np.full((64, 64), 50, np.uint8)  # lies in columns 32..96 of the input


def test_boxes_come_back_in_the_pixels_of_the_frame(package: Path) -> None:
    runner = ScriptedRunner([[42, 10, 46, 14], [30, 60, 40, 70]], [0.5, 0.9])
    with Detector(package, runner=runner) as detector:
        found = detector.detect(FRAME)
    np.testing.assert_allclose(found.boxes, [[0, 60, 8, 64], [10, 10, 14, 14]])
    np.testing.assert_allclose(found.scores, [0.9, 0.5])
    np.testing.assert_allclose(found.centres, [[4, 62], [12, 12]])


def test_sub_pixel_coordinates_survive_scaling(package: Path) -> None:
    runner = ScriptedRunner([[10.3, 20.25, 14.1, 24.75]], [0.5])
    with Detector(package, runner=runner) as detector:
        found = detector.detect(np.zeros((512, 1024), np.uint8))
    np.testing.assert_allclose(found.boxes, [[82.4, 162.0, 112.8, 198.0]], rtol=1e-5)


def test_the_tensor_is_letterboxed_and_reused(package: Path) -> None:
    runner = ScriptedRunner([], [])
    with Detector(package, runner=runner) as detector:
        detector.detect(FRAME)
        detector.detect(np.full((32, 128), 90, np.uint8))
        detector.detect(FRAME)
    first, second, third = (fed[0, 0] for fed in runner.fed)
    assert (first[:, 32:96] == 50).all()
    assert (first[:, :32] == 7).all()
    assert (second[16:48] == 90).all()
    assert (second[:16] == 7).all()
    np.testing.assert_array_equal(first, third)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64), np.float32),
        np.zeros((64, 64), np.int16),
        np.zeros((0, 64), np.uint8),
        np.zeros(64, np.uint8),
    ],
    ids=["colour", "RGBA", "float", "signed", "empty", "one row"],
)
def test_frames_that_are_not_grey_are_refused(package: Path, frame: NDArray[np.generic]) -> None:
    with Detector(package, runner=ScriptedRunner([], [])) as detector, pytest.raises(FrameFormatError):
        detector.detect(frame)


def test_sixteen_bits_need_a_name_and_then_work(package: Path) -> None:
    frame = np.linspace(2000, 3000, 64 * 64).astype(np.uint16).reshape(64, 64)
    with Detector(package, runner=ScriptedRunner([], [])) as detector, pytest.raises(SixteenBitUnmappedError):
        detector.detect(frame)
    runner = ScriptedRunner([], [])
    mapping = SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 2000, 3000)
    with Detector(package, DetectorConfig(sixteen_bit=mapping), runner) as detector:
        detector.detect(frame)
    inside = runner.fed[0][0, 0, :, 32:96]
    assert (inside[0, 0], inside[-1, -1]) == (0, 255)


def test_the_caller_overrules_the_manifest(package: Path) -> None:
    boxes = [[40, 10, 46, 16], [44, 10, 50, 16]]
    for config, expected in (
        (DetectorConfig(), 2),
        (DetectorConfig(score_threshold=0.6), 1),
        (DetectorConfig(nms=NmsRule.DISTANCE, nms_limit=5.0), 1),
        (DetectorConfig(nms=NmsRule.DISTANCE), 2),
        (DetectorConfig(max_detections=1), 1),
    ):
        with Detector(package, config, ScriptedRunner(boxes, [0.9, 0.5])) as detector:
            assert len(detector.detect(FRAME)) == expected, config


@pytest.mark.parametrize(
    "wrong",
    [
        {"score_threshold": 1.1},
        {"score_threshold": float("nan")},
        {"nms_limit": 0.0},
        {"threads": -1},
        {"max_detections": 0},
        {"device": -1},
        {"runtime": "gpu"},
        {"precision": "fp8"},
        {"nms": "soft"},
        {"sixteen_bit": "percentile"},
        {"sixteen_bit": 15},
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        DetectorConfig(**wrong)


def test_text_stands_for_what_the_command_line_takes() -> None:
    text = DetectorConfig(precision="int8", nms="distance", sixteen_bit="linear-percentile@15")
    assert text == DetectorConfig(
        precision=Precision.INT8,
        nms=NmsRule.DISTANCE,
        sixteen_bit=SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9, smoothing_frames=15),
    )


def test_a_mapping_given_as_text_maps(package: Path) -> None:
    frame = np.linspace(2000, 3000, 64 * 64).astype(np.uint16).reshape(64, 64)
    runner = ScriptedRunner([], [])
    with Detector(package, DetectorConfig(sixteen_bit="fixed-range:2000,3000"), runner) as detector:
        detector.detect(frame)
    inside = runner.fed[0][0, 0, :, 32:96]
    assert (inside[0, 0], inside[-1, -1]) == (0, 255)


def test_a_runner_that_was_handed_in_is_named(package: Path) -> None:
    detector = Detector(package, runner=ScriptedRunner([], []))
    assert (detector.runtime, detector.precision) == ("scripted", None)
    assert detector.reason == "scripted runner: handed in by the caller"


def test_an_input_this_version_cannot_fill(tmp_path: Path) -> None:
    colour = {"name": "image", "width": 64, "height": 64, "channels": 3, "dtype": "uint8"}
    write_package(tmp_path, {"input": colour})
    with pytest.raises(ManifestInvalidError, match="3 channels"):
        Detector(tmp_path, runner=ScriptedRunner([], []))


def test_outside_its_with_statement_it_says_so(package: Path) -> None:
    with pytest.raises(RunnerError, match="activate"):
        Detector(package, runner=ScriptedRunner([], [])).detect(FRAME)
