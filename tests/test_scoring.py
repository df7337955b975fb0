from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doubles.streaming import BrightSpotDetector, ListSource, spot_image
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.target_size import SIZE_CLASSES, SIZE_LIMITS, size_class
from edge_irdet.record import FrameCounts
from edge_irdet.scoring import ScoringSink
from edge_irdet.stream.frame import Frame, FrameTruth, PixelFormat
from edge_irdet.stream.pipeline import Pipeline
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.sources.opening import open_source

WIDTH, HEIGHT = 64, 48

Boxes = Sequence[tuple[float, float, float, float]]


def score_frame(sink: ScoringSink, detected: Boxes, true: Boxes | None) -> None:
    truth = None
    if true is not None:
        array = np.array(true, np.float32).reshape(-1, 4)
        centroids = ((array[:, :2] + array[:, 2:]) / 2).astype(np.float64)
        truth = FrameTruth(array, centroids, np.arange(len(array)))
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    frame = Frame(image, 0, 0, "test", PixelFormat.GREY, truth=truth)
    count = len(detected)
    found = Detections(
        np.array(detected, np.float32).reshape(-1, 4), np.ones(count, np.float32), np.zeros(count, np.int64)
    )
    sink.write(frame, make_record(frame, found, ("target",), 0, FrameCounts()))


def test_pd_is_told_by_the_size_of_the_target() -> None:
    score = ScoringSink()
    small, large, elsewhere = (10.0, 10.0, 12.0, 11.0), (30.0, 20.0, 36.0, 23.0), (50.0, 40.0, 52.0, 42.0)
    score_frame(score, [small, large], [small, large])
    score_frame(score, [large, elsewhere], [small, large])
    assert score.counts.pd == 0.75
    assert score.by_size["under 3 px"].pd == 0.5
    assert score.by_size["5 to 8 px"].pd == 1.0
    assert score.by_size["3 to 5 px"].pd is None
    assert score.counts.false_alarms_per_image == 0.5
    assert score.counts.fa == pytest.approx(4 / (2 * WIDTH * HEIGHT))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.integers(0, 6))
def test_the_sizes_add_up(seed: int, images: int, most: int) -> None:
    score, generator, detections = ScoringSink(), np.random.default_rng(seed), 0

    def boxes() -> Boxes:
        places = generator.uniform((0, 0), (WIDTH, HEIGHT), (generator.integers(most + 1), 2))
        sizes = generator.uniform(0.5, 20, places.shape)
        return np.hstack([places, places + sizes]).tolist()

    for _ in range(images):
        detected = boxes()
        detections += len(detected)
        score_frame(score, detected, boxes())
    counts = score.counts
    assert counts.images == images
    assert sum(found.targets for found in score.by_size.values()) == counts.targets
    assert sum(found.detected for found in score.by_size.values()) == counts.detected
    assert counts.detected + counts.false_alarms == detections
    assert all(found.detected <= found.targets for found in score.by_size.values())


@given(st.floats(0, 1000))
def test_every_size_has_one_class(side: float) -> None:
    limits = [0.0, *SIZE_LIMITS, float("inf")]
    place = SIZE_CLASSES.index(size_class(side))
    assert limits[place] <= side < limits[place + 1]


def test_a_frame_without_truth_is_passed_over() -> None:
    score = ScoringSink()
    score_frame(score, [(1, 1, 3, 3)], None)
    assert (score.counts.images, score.counts.pd, score.counts.fa) == (0, None, None)
    score_frame(score, [(1, 1, 3, 3)], [])
    assert (score.counts.images, score.counts.pd, score.counts.false_alarms) == (1, None, 1)


def test_a_stream_of_a_scene_is_scored_as_it_runs() -> None:
    source = open_source("synthetic:?frames=20&seed=3")
    assert source.has_truth
    score = ScoringSink()
    summary = Pipeline(source, BrightSpotDetector(), [score]).run()
    assert score.counts.images == summary.frames == 20
    assert score.counts.detected + score.counts.false_alarms == summary.detections


def test_of_several_sources_those_with_truth_are_scored() -> None:
    score = ScoringSink()
    plain = ListSource([spot_image(index) for index in range(7)])
    assert not plain.has_truth
    sources = [plain, open_source("synthetic:?frames=5")]
    assert Pipeline(sources, BrightSpotDetector(), [score]).run().frames == 12
    assert score.counts.images == 5


@pytest.mark.parametrize("distance", [0.0, -1.0, float("nan")])
def test_a_distance_is_positive(distance: float) -> None:
    with pytest.raises(OptionError):
        ScoringSink(distance)
