"""What a tracker does in scenes that are simple enough to know the answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sort_baseline import SortTracker
from tracker_feed import FRAME_NS, feed

from edge_irdet.errors import OptionError
from edge_irdet.record import TrackState
from edge_irdet.tracking import Tracker, TrackerConfig


def confirmed_at(x: float = 50.0, y: float = 40.0, config: TrackerConfig | None = None) -> Tracker:
    """A tracker that has one confirmed track at rest, last seen in frame 9."""
    tracker = Tracker(config)
    for frame in range(10):
        update = feed(tracker, frame * FRAME_NS, [(x, y)])
    assert update.track_ids == [1]
    return tracker


def test_a_track_is_confirmed_at_its_third_hit_in_five_frames() -> None:
    tracker = Tracker()
    got = [feed(tracker, i * FRAME_NS, [(9, 9)] if i in (0, 2, 4) else []) for i in range(5)]
    assert [len(update.tracks) for update in got] == [0, 0, 0, 0, 1]
    assert got[4].track_ids == [1]
    assert (got[4].tracks[0].hits, got[4].tracks[0].missed) == (3, 0)


def test_a_track_that_can_no_longer_be_confirmed_is_dropped() -> None:
    """Hits in frames 0, 1 and 5: the third comes too late, and what frame 5 begins needs two more."""
    tracker = Tracker()
    got = [feed(tracker, i * FRAME_NS, [(9, 9)] if i in (0, 1, 5, 6, 7) else []) for i in range(8)]
    assert [update.track_ids for update in got[5:]] == [[None], [None], [1]]


@pytest.mark.parametrize(("hits", "frames"), [(1, 1), (2, 2), (4, 4), (3, 8)])
def test_m_of_n_exactly(hits: int, frames: int) -> None:
    config = TrackerConfig(confirm_hits=hits, confirm_frames=frames)
    seen = [*range(hits - 1), frames - 1]  # the last hit comes in the last frame that counts
    tracker = Tracker(config)
    for frame in range(frames):
        update = feed(tracker, frame * FRAME_NS, [(9, 9)] if frame in seen else [])
        assert len(update.tracks) == (frame == frames - 1)
    assert update.track_ids == [1]


def test_numbers_count_from_one_and_survive_a_reset() -> None:
    tracker = confirmed_at()
    tracker.reset()
    for frame in range(3):
        update = feed(tracker, frame, [(50, 40)])  # another clock: the time is forgotten too
    assert update.track_ids == [2]


def test_velocity_is_in_pixels_a_second_whatever_the_frame_rate() -> None:
    for period in (FRAME_NS, 3 * FRAME_NS):
        tracker = Tracker()
        for frame in range(30):
            seconds = frame * period / 1e9
            update = feed(tracker, frame * period, [(100 * seconds, 200 - 50 * seconds)])
        (track,) = update.tracks
        assert track.velocity == pytest.approx((100, -50), abs=3)
        assert track.centre == pytest.approx((100 * seconds, 200 - 50 * seconds), abs=0.3)
        assert track.box == pytest.approx((*(v - 2 for v in track.centre), *(v + 2 for v in track.centre)))


def test_a_target_missing_for_five_frames_keeps_its_number() -> None:
    tracker = Tracker()
    sigmas = []
    for frame in range(30):
        seen = not 20 <= frame < 25
        update = feed(tracker, frame * FRAME_NS, [(5 + 3 * frame, 40)] if seen else [])
        if 19 <= frame < 25:
            sigmas.append(update.tracks[0].sigma)
            assert update.tracks[0].state is (TrackState.CONFIRMED if seen else TrackState.COASTING)
            assert update.tracks[0].missed == max(0, frame - 19)
            assert update.tracks[0].centre[0] == pytest.approx(5 + 3 * frame, abs=1.0)  # carried on
    assert sigmas == sorted(sigmas)
    assert sigmas[-1] > 2 * sigmas[0]
    assert update.track_ids == [1]
    assert update.tracks[0].hits == 25


def test_a_lost_track_ends_and_its_number_is_not_used_again() -> None:
    tracker = confirmed_at()
    ended = 10 + math.ceil(tracker.config.max_coast_seconds * 1e9 / FRAME_NS)
    for frame in range(10, ended):
        assert len(feed(tracker, frame * FRAME_NS, []).tracks) == (frame < ended - 1)
    for frame in range(ended, ended + 3):
        update = feed(tracker, frame * FRAME_NS, [(50, 40)])
    assert update.track_ids == [2]


def test_a_lost_track_ends_by_frames_too() -> None:
    tracker = confirmed_at(config=TrackerConfig(max_coast_frames=2))
    alive = [len(feed(tracker, frame * FRAME_NS, []).tracks) for frame in range(10, 14)]
    assert alive == [1, 1, 0, 0]


def test_crossing_targets_keep_their_numbers() -> None:
    tracker = Tracker()
    given = []
    for frame in range(60):
        rising, falling = (20 + 3 * frame, 20 + 2 * frame), (20 + 3 * frame, 140 - 2 * frame)
        places = [rising, falling] if frame % 2 else [falling, rising]
        update = feed(tracker, frame * FRAME_NS, places)
        given.append(update.track_ids if frame % 2 else update.track_ids[::-1])
    assert sorted(given[2]) == [1, 2]
    assert given[2:] == [given[2]] * 58


def test_a_target_that_moves_by_ten_times_its_size_is_tracked_where_overlap_is_not() -> None:
    tracker, baseline = Tracker(TrackerConfig(initial_speed=600)), SortTracker()
    reported = []
    for frame in range(12):
        place = np.array([[20 + 40.0 * frame, 30 + 5.0 * frame]])
        update = feed(tracker, frame * FRAME_NS, place, side=4.0)
        reported += baseline.update(np.concatenate([place - 2, place + 2], axis=1).astype(np.float32))[0]
        assert update.track_ids == ([None] if frame < 2 else [1])
    assert update.tracks[0].velocity == pytest.approx((1200, 150), rel=0.02)
    assert reported == []


def test_the_baseline_tracks_what_does_overlap() -> None:
    """Else it would be no baseline."""
    baseline = SortTracker()
    got = []
    for frame in range(10):
        x = 20 + 1.0 * frame
        boxes = np.array([[x, 10, x + 8, 16], [200 - x, 50, 206 - x, 58]], np.float32)
        got.append(baseline.update(boxes if frame != 6 else boxes[:1]))
    assert [len(numbers) for numbers, _ in got] == [0, 0, 2, 2, 2, 2, 1, 2, 2, 2]
    assert got[-1][0] == [1, 2]
    np.testing.assert_allclose(got[-1][1], [[33, 13], [174, 54]], atol=0.3)


def test_confirmed_tracks_choose_before_those_on_trial() -> None:
    """A passing false alarm is nearer to the detection, but the confirmed track has the older right."""
    tracker = confirmed_at(50, 40)
    feed(tracker, 10 * FRAME_NS, [(50, 40), (56.5, 40)])
    update = feed(tracker, 11 * FRAME_NS, [(54, 40)])
    assert update.track_ids == [1]


def test_a_weak_detection_continues_a_track_and_begins_none() -> None:
    config = TrackerConfig(birth_score=0.8)
    tracker = Tracker(config)
    for frame in range(20):
        update = feed(tracker, frame * FRAME_NS, [(50, 40), (150, 90)], [0.9 if frame < 3 else 0.3, 0.3])
    assert update.track_ids == [1, None]
    assert update.tracks[0].score == pytest.approx(0.3)
    assert update.tracks[0].hits == 20


def test_a_second_box_around_a_target_begins_no_track() -> None:
    tracker = Tracker()
    for frame in range(10):
        update = feed(tracker, frame * FRAME_NS, [(50, 40), (52, 41)])
    assert [track.track_id for track in update.tracks] == [1]
    assert len([number for number in update.track_ids if number]) == 1


def test_a_short_gap_is_bridged_by_its_length() -> None:
    """Three frames are dropped; the target is where the time says."""
    tracker = Tracker()
    for frame in [*range(15), *range(18, 25)]:
        update = feed(tracker, frame * FRAME_NS, [(10 + 6 * frame, 40)], discontinuity=frame == 18)
        if frame == 18:
            assert update.tracks[0].centre[0] == pytest.approx(10 + 6 * 18, abs=0.5)
            assert update.tracks[0].missed == 0
    assert update.track_ids == [1]


def test_a_long_gap_that_is_announced_ends_all_tracks() -> None:
    tracker = confirmed_at()
    late = 9 * FRAME_NS + round(tracker.config.max_gap_seconds * 1e9)
    assert feed(tracker, late, [(50, 40)], discontinuity=True).tracks == []


def test_a_gap_that_nobody_announced_ends_tracks_only_by_their_age() -> None:
    """A slow camera: as long as a track may coast, so long may its frames be apart."""
    tracker = confirmed_at()
    late = 9 * FRAME_NS + round(tracker.config.max_gap_seconds * 1e9)
    assert feed(tracker, late, [(50, 40)]).track_ids == [1]
    later = late + round(tracker.config.max_coast_seconds * 1e9) + 1
    assert feed(tracker, later, [(50, 40)]).tracks == []


def test_another_frame_size_ends_all_tracks() -> None:
    tracker = confirmed_at()
    assert feed(tracker, 10 * FRAME_NS, [(50, 40)], size=(320, 256)).track_ids == [1]
    assert feed(tracker, 11 * FRAME_NS, [(50, 40)]).track_ids == [1]
    assert feed(tracker, 12 * FRAME_NS, [(50, 40)], size=(640, 512)).tracks == []


def test_a_track_that_leaves_the_frame_ends() -> None:
    for size, alive in ((None, True), ((100, 80), False)):
        tracker = Tracker()
        for frame in range(14):
            update = feed(tracker, frame * FRAME_NS, [(40 + 6 * frame, 40)] if frame < 10 else [], size=size)
        assert bool(update.tracks) is alive


def test_the_same_moment_twice_and_a_step_back_in_time() -> None:
    tracker = Tracker()
    for frame in range(10):
        update = feed(tracker, frame * FRAME_NS, [(10 + 3 * frame, 40)])
    again = feed(tracker, 9 * FRAME_NS, [(37, 40)])
    assert again.track_ids == [1]
    assert again.tracks[0].centre == pytest.approx(update.tracks[0].centre, abs=0.1)
    earlier = feed(tracker, 8 * FRAME_NS, [(37, 40)])
    assert earlier.track_ids == [1]
    other_clock = feed(tracker, 8 * FRAME_NS - round(tracker.config.max_gap_seconds * 1e9), [(37, 40)])
    assert other_clock.tracks == []


@pytest.mark.parametrize("stamp", [-(2**63), 2**63 - 1, 2**80])
def test_absurd_stamps_end_tracks_and_nothing_else(stamp: int) -> None:
    tracker = confirmed_at()
    assert feed(tracker, stamp, [(50, 40)]).tracks == []
    for frame in range(1, 4):
        update = feed(tracker, stamp + frame * FRAME_NS, [(50, 40)])
    assert update.track_ids == [2]


def test_a_stamp_may_be_a_numpy_integer() -> None:
    tracker = Tracker()
    for frame in range(4):
        update = feed(tracker, np.int64(frame * FRAME_NS), [(50, 40)])
    assert update.track_ids == [1]


def test_tracks_coast_through_the_shutter_without_ageing() -> None:
    tracker = Tracker()
    for frame in range(10):
        feed(tracker, frame * FRAME_NS, [(50 + frame, 40)])
    for frame in range(10, 60):  # 1.7 s: longer than a track may coast otherwise
        update = feed(tracker, frame * FRAME_NS, [(50 + frame, 40)], shutter=True)
        assert update.track_ids == [None]
        assert update.tracks[0].state is TrackState.COASTING
        assert update.tracks[0].missed == frame - 9
    assert feed(tracker, 60 * FRAME_NS, [(110, 40)]).track_ids == [1]


def test_a_shutter_that_stays_closed_ends_tracks_after_all() -> None:
    tracker = confirmed_at()
    excused = tracker.config.max_shutter_seconds + tracker.config.max_coast_seconds
    frames = math.ceil(excused * 1e9 / FRAME_NS)
    alive = [len(feed(tracker, (10 + i) * FRAME_NS, [], shutter=True).tracks) for i in range(frames + 2)]
    assert alive[: frames - 2] == [1] * (frames - 2)
    assert alive[-1] == 0


def test_the_shutter_does_not_spoil_a_trial() -> None:
    tracker = Tracker()
    feed(tracker, 0, [(9, 9)])
    feed(tracker, FRAME_NS, [(9, 9)])
    for frame in range(2, 9):
        feed(tracker, frame * FRAME_NS, [], shutter=True)
    assert feed(tracker, 9 * FRAME_NS, [(9, 9)]).track_ids == [1]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_place_is_left_out(bad: float) -> None:
    tracker = confirmed_at()
    update = feed(tracker, 10 * FRAME_NS, [(bad, 40), (50, 40), (50, bad)])
    assert update.track_ids == [None, 1, None]
    update = feed(tracker, 11 * FRAME_NS, [(50, 40)], [math.nan])
    assert update.track_ids == [None]
    assert update.tracks[0].missed == 1
    for frame in range(12, 17):
        assert len(feed(tracker, frame * FRAME_NS, [(bad, 80), (50, 40)]).tracks) == 1


def test_hundreds_of_false_alarms_are_bounded_and_do_not_end_a_track() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker(TrackerConfig(max_tracks=16))
    for frame in range(40):
        clutter = rng.uniform(0, 1, (0 if frame < 10 else 300, 2)) * [640, 512]
        places = np.concatenate([[[100 + 2 * frame, 100]], clutter])
        update = feed(tracker, frame * FRAME_NS, places)
        assert len(update.tracks) <= 16
    assert abs(update.tracks[0].centre[0] - 178) < 6
    assert update.tracks[0].track_id == 1


def test_arrays_that_do_not_belong_together() -> None:
    tracker = Tracker()
    good = (
        np.zeros((2, 4), np.float32),
        np.zeros((2, 2)),
        np.zeros(2, np.float32),
        np.zeros(2, np.int64),
    )
    for position in range(4):
        arrays = list(good)
        arrays[position] = arrays[position][:1]
        with pytest.raises(OptionError, match="do not belong together"):
            tracker.update(0, *arrays)
    with pytest.raises(OptionError, match=r"\(2,\)"):
        tracker.update(0, good[0], good[1][:, 0], good[2], good[3])


@pytest.mark.parametrize("stamp", [0.033, None, "1"])
def test_a_stamp_that_is_no_whole_number(stamp: object) -> None:
    """Seconds, most likely: every frame would be of the same moment."""
    with pytest.raises(OptionError, match="capture_ns"):
        feed(Tracker(), stamp, [(50, 40)])


@pytest.mark.parametrize(
    "change",
    [
        {"acceleration": 0},
        {"centroid_sigma": math.nan},
        {"initial_speed": -1},
        {"gate_probability": 1.0},
        {"gate_probability": 99},
        {"birth_score": 1.5},
        {"birth_distance": math.inf},
        {"confirm_hits": 0},
        {"confirm_frames": 2},
        {"max_coast_seconds": 0},
        {"max_coast_frames": -1},
        {"max_gap_seconds": math.inf},
        {"max_shutter_seconds": -1},
        {"max_tracks": 0},
        {"max_tracks": 100_000},
    ],
)
def test_settings_out_of_range(change: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(change))):
        TrackerConfig(**change)
