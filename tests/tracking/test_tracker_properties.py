"""What holds for a tracker whatever it is fed."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tracker_feed import FRAME_NS, feed

from edge_irdet.record import TrackRecord, TrackState
from edge_irdet.tracking import Tracker, TrackerConfig

coordinates = st.one_of(st.floats(-20, 120), st.sampled_from([math.nan, math.inf, 10.0, 12.0, 14.0]))
detections = st.lists(st.tuples(coordinates, coordinates, st.floats(0, 1, width=32)), max_size=8)
frames = st.lists(
    st.fixed_dictionaries(
        {
            "found": detections,
            "step": st.one_of(st.just(FRAME_NS), st.integers(-FRAME_NS, 10 * FRAME_NS)),
            "discontinuity": st.booleans(),
            "shutter": st.sampled_from([False, False, False, True]),
            "reset": st.sampled_from([False] * 9 + [True]),
        }
    ),
    max_size=25,
)
configs = st.builds(
    TrackerConfig,
    confirm_hits=st.integers(1, 3),
    confirm_frames=st.integers(3, 5),
    birth_score=st.sampled_from([0.0, 0.5]),
    max_tracks=st.integers(1, 6),
    max_coast_frames=st.integers(0, 5),
)


@settings(max_examples=100, deadline=None)
@given(frames, configs)
def test_whatever_it_is_fed(frames: list[dict], config: TrackerConfig) -> None:
    tracker = Tracker(config)
    now, highest = 0, 0
    alive: set[int] = set()
    for frame in frames:
        if frame["reset"]:
            tracker.reset()
            alive = set()
        now += frame["step"]
        found = frame["found"]
        update = feed(
            tracker,
            now,
            [(x, y) for x, y, _ in found],
            [score for _, _, score in found],
            discontinuity=frame["discontinuity"],
            shutter=frame["shutter"],
            size=(100, 100),
        )
        numbers = [track.track_id for track in update.tracks]
        assert numbers == sorted(set(numbers))
        assert len(numbers) <= config.max_tracks
        fresh = set(numbers) - alive
        assert all(number > highest for number in fresh)  # no number comes back
        highest = max([highest, *numbers])
        alive = set(numbers)

        assert len(update.track_ids) == len(found)
        given_to = [number for number in update.track_ids if number is not None]
        assert len(set(given_to)) == len(given_to)
        seen = [track.track_id for track in update.tracks if track.state is TrackState.CONFIRMED]
        assert sorted(given_to) == seen
        for track in update.tracks:
            _check(track)


def _check(track: TrackRecord) -> None:
    assert track.hits >= 1
    assert track.sigma > 0
    numbers = [*track.centre, *track.velocity, track.sigma, *track.box, track.score]
    assert all(math.isfinite(number) for number in numbers)
    assert all(type(number) is float for number in numbers)
    assert (track.missed == 0) is (track.state is TrackState.CONFIRMED)
    assert track.box[0] <= track.box[2]
    assert track.box[1] <= track.box[3]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_detections_means_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ordered, shuffled = Tracker(), Tracker()
    starts, steps = rng.uniform(0, 100, (5, 2)), rng.normal(0, 3, (5, 2))
    for frame in range(12):
        places = starts + frame * steps + rng.normal(0, 0.5, (5, 2))
        places = np.concatenate([places[rng.random(5) < 0.8], rng.uniform(0, 100, (3, 2))])
        scores = rng.uniform(0.2, 1, len(places))
        order = rng.permutation(len(places))
        first = feed(ordered, frame * FRAME_NS, places, scores)
        second = feed(shuffled, frame * FRAME_NS, places[order], scores[order])
        assert [first.track_ids[index] for index in order] == list(second.track_ids)
        assert first.tracks == second.tracks


def test_nothing_grows() -> None:
    """Hundreds of frames of clutter leave nothing behind."""
    rng = np.random.default_rng(0)
    tracker = Tracker()
    clutter = [rng.uniform(0, 1, (12, 2)) * [320, 256] for _ in range(100)]
    tracemalloc.start()
    try:
        for frame in range(700):
            feed(tracker, frame * FRAME_NS, clutter[frame % 100])
            if frame == 200:
                before = tracemalloc.get_traced_memory()[0]
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()
