"""Sessions: several sources, one runner, and nothing that goes from one to another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import FrameFormatError, OptionError, RunnerError
from edge_irdet.scene import SceneConfig, SyntheticScene

SIZES = ((320, 256), (200, 216))
FRAMES = 3
CONFIG = DetectorConfig(runtime="cpu", precision="fp32", threads=1)


def frames(width: int, height: int, seed: int) -> list[NDArray[np.uint8]]:
    scene = SyntheticScene(SceneConfig(width=width, height=height, seed=seed))
    return [np.asarray(scene.render(index).image, np.uint8) for index in range(FRAMES)]


@pytest.fixture(scope="module")
def detector() -> Iterator[Detector]:
    """The shipped package on its real runner."""
    with Detector(config=CONFIG) as active:
        yield active


def assert_same(found: Detections, expected: Detections) -> None:
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.classes, expected.classes)
    assert found.shutter == expected.shutter


def test_alternating_sources_of_different_sizes_are_as_two_detectors(detector: Detector) -> None:
    sources = [frames(width, height, seed) for seed, (width, height) in enumerate(SIZES)]
    alone: list[list[Detections]] = []
    for source in sources:
        with Detector(config=CONFIG) as other:
            alone.append([other.detect(image) for image in source])
    assert all(any(len(found) for found in one) for one in alone), "the comparison needs detections"
    sessions = [detector.session() for _ in sources]
    for index in range(FRAMES):
        for session, source, expected in zip(sessions, sources, alone, strict=True):
            assert_same(session.detect(source[index]), expected[index])


def test_detections_stay_as_they_were_when_another_session_runs(detector: Detector) -> None:
    first, second = detector.session(), detector.session()
    image = frames(*SIZES[0], seed=0)[0]
    found = first.detect(image)
    kept = found.boxes.copy(), found.scores.copy()
    assert len(found)
    second.detect(np.zeros((40, 60), np.uint8))
    np.testing.assert_array_equal(found.boxes, kept[0])
    np.testing.assert_array_equal(found.scores, kept[1])


def test_the_detectors_own_session_is_not_handed_out(detector: Detector) -> None:
    session = detector.session()
    assert session.preprocessor is not detector.preprocessor
    assert session.preprocessor is not detector.session().preprocessor
    assert session.classes == detector.classes == ("target",)
    image = frames(*SIZES[1], seed=4)[0]
    assert_same(session.detect(image), detector.detect(image))


def test_a_refused_frame_leaves_the_other_sessions_alone(detector: Detector) -> None:
    image = frames(*SIZES[0], seed=0)[0]
    bad, good = detector.session(), detector.session()
    before = good.detect(image)
    with pytest.raises(FrameFormatError):
        bad.detect(np.zeros((4, 4, 3), np.uint8))
    assert_same(good.detect(image), before)
    assert_same(bad.detect(image), before)


def test_a_package_without_its_saliency_head_says_so(detector: Detector) -> None:
    with pytest.raises(OptionError, match="saliency"):
        detector.session().detect_with_saliency(np.zeros((32, 32), np.uint8))


def test_a_session_of_a_detector_that_is_not_active_says_so() -> None:
    with pytest.raises(RunnerError, match="activate"):
        Detector(config=CONFIG).session().detect(np.zeros((32, 32), np.uint8))
