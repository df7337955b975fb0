"""Python and C++ on the same frames: tensors, network outputs and detections are equal byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from parity.cpp_library import CppLibrary

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.detection.measurement import measure
from edge_irdet.package import SHIPPED_PACKAGES, shipped_packages
from edge_irdet.scene import SceneConfig, SyntheticScene

PRECISIONS = ("fp32", "fp16", "int8")
MAPPINGS = (
    "linear-percentile",
    "linear-percentile:1,99@15",
    "fixed-range:5000,12000",
    "plateau",
    "plateau:0.1,2,30@0",
)


def frames_of(bits: int, size: tuple[int, int], count: int) -> Iterator[NDArray[Any]]:
    scene = SyntheticScene(SceneConfig(width=size[0], height=size[1], bits=bits))
    for index in range(count):
        yield scene.render(4 * index).image


def assert_equal(python: Detector, cpp: Any, image: NDArray[Any]) -> int:
    """Both on one frame; how many targets they found."""
    found = python.detect(image)
    outputs = python.runner.infer({python.package.manifest.input.name: python.preprocessor.tensor})
    other = cpp.detect(image)
    np.testing.assert_array_equal(python.preprocessor.tensor[0, 0], cpp.tensor)
    boxes, scores = cpp.outputs
    assert outputs["boxes"].tobytes() == boxes.tobytes()
    assert outputs["scores"].tobytes() == scores.tobytes()
    assert found.boxes.tobytes() == other.boxes.tobytes()
    assert found.scores.tobytes() == other.scores.tobytes()
    assert found.classes.tolist() == other.classes.tolist()
    assert found.shutter == other.shutter
    measured = measure(image, found.boxes)
    np.testing.assert_allclose(other.centroids, measured.centroids, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.scr, measured.scr, rtol=1e-9)
    return len(found)


@pytest.mark.parametrize("package", shipped_packages())
@pytest.mark.parametrize("precision", PRECISIONS)
def test_eight_bit_frames(cpp: CppLibrary, package: str, precision: str) -> None:
    config = DetectorConfig(runtime="cpu", precision=precision, threads=1, score_threshold=0.3)
    targets = 0
    with (
        Detector(package, config) as python,
        cpp.detector(
            SHIPPED_PACKAGES / package, precision=precision, threads=1, score_threshold=0.3
        ) as other,
    ):
        assert other.info.manifest_sha256.decode() == python.package.manifest_sha256
        for size in ((320, 256), (640, 512), (311, 197)):
            for image in frames_of(8, size, 2):
                targets += assert_equal(python, other, image)
    assert targets > 0


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_sixteen_bit_frames(cpp: CppLibrary, mapping: str) -> None:
    package = shipped_packages()[0]
    config = DetectorConfig(runtime="cpu", threads=1, score_threshold=0.3, sixteen_bit=mapping)
    targets = 0
    with (
        Detector(package, config) as python,
        cpp.detector(SHIPPED_PACKAGES / package, threads=1, score_threshold=0.3, map16=mapping) as other,
    ):
        for index, image in enumerate(frames_of(16, (640, 512), 5)):
            if index == 3:
                python.reset()
                other.reset()
            targets += assert_equal(python, other, image)
        assert_equal(python, other, np.full((100, 130), 3000, np.uint16))
    assert targets > 0


@pytest.mark.parametrize(("nms", "limit"), [("iou", 0.2), ("distance", 4.0), ("nwd", 0.5), ("nwd", None)])
def test_rules(cpp: CppLibrary, nms: str, limit: float | None) -> None:
    package = shipped_packages()[0]
    # A threshold at which clutter crowds the frame.
    config = DetectorConfig(runtime="cpu", threads=1, score_threshold=0.0, nms=nms, nms_limit=limit)
    settings = {"nms": nms, "score_threshold": 0.0, "threads": 1}
    if limit is not None:
        settings["nms_limit"] = limit
    with Detector(package, config) as python, cpp.detector(SHIPPED_PACKAGES / package, **settings) as other:
        for image in frames_of(8, (320, 256), 2):
            assert assert_equal(python, other, image) > 50


def test_colour_is_the_grey_that_opencv_makes(cpp: CppLibrary) -> None:
    package = shipped_packages()[0]
    generator = np.random.default_rng(3)
    image = generator.integers(0, 256, (200, 301, 3)).astype(np.uint8)
    with Detector(package, DetectorConfig(runtime="cpu", threads=1)) as python:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = python.detect(grey)
        with cpp.detector(SHIPPED_PACKAGES / package, threads=1) as other:
            for view, pixel_format in ((image, "bgr8"), (np.ascontiguousarray(image[..., ::-1]), "rgb8")):
                assert other.detect(view, pixel_format).boxes.tobytes() == found.boxes.tobytes()
                np.testing.assert_array_equal(python.preprocessor.tensor[0, 0], other.tensor)


def test_a_pitch_longer_than_the_row(cpp: CppLibrary) -> None:
    package = shipped_packages()[0]
    wide = next(frames_of(8, (352, 256), 1))
    with Detector(package, DetectorConfig(runtime="cpu", threads=1)) as python:
        with cpp.detector(SHIPPED_PACKAGES / package, threads=1) as other:
            other.detect(wide[:, 5:300])
        python.detect(np.ascontiguousarray(wide[:, 5:300]))


def real_frames(folder: Path) -> list[NDArray[Any]]:
    """Images of the data folder: 8 bits of different sizes, and 16-bit sequences."""
    found: list[NDArray[Any]] = []
    for pattern, most in (("**/images/*.png", 6), ("**/*.bmp", 2), ("**/*.tif*", 6), ("**/*.pgm", 2)):
        for path in sorted(folder.glob(pattern))[:: max(1, len(list(folder.glob(pattern))) // most)][:most]:
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if image is not None and image.ndim == 2 and image.dtype in (np.uint8, np.uint16):
                found.append(image)
    return found


def test_real_frames(cpp: CppLibrary) -> None:
    stated = os.environ.get("EDGE_IRDET_DATA")
    if not stated:
        pytest.skip("EDGE_IRDET_DATA names no folder of real frames")
    frames = real_frames(Path(stated))
    assert frames, f"no frame in {stated}"
    package = "light-sgmtlm-reduced-general"
    config = DetectorConfig(runtime="cpu", threads=1, score_threshold=0.2, sixteen_bit="linear-percentile@15")
    with (
        Detector(package, config) as python,
        cpp.detector(
            SHIPPED_PACKAGES / package, threads=1, score_threshold=0.2, map16="linear-percentile@15"
        ) as other,
    ):
        assert sum(assert_equal(python, other, image) for image in frames) > 0
