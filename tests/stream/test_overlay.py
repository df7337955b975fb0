from __future__ import annotations

import msgspec
import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.record import FrameCounts, Record, TrackRecord, TrackState
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.overlay import COASTING, MARK, TRAIL_POINTS, Trails, draw
from edge_irdet.stream.recording import make_record

IMAGE = np.full((96, 128), 90, np.uint8)
SCALE = 5


def record_at(
    x: float, state: TrackState = TrackState.CONFIRMED, second: float = 0.0, sigma: float = 0.5
) -> Record:
    """One track at column x, row 40, 4 px wide; with its detection where it is confirmed."""
    seen = state is TrackState.CONFIRMED
    box = (x - 2, 38.0, x + 2, 42.0)
    found = Detections(
        np.array([box] if seen else np.zeros((0, 4)), np.float32),
        np.full(int(seen), 0.9, np.float32),
        np.zeros(int(seen), np.int64),
    )
    frame = Frame(IMAGE, int(second * 100), int(second * 1e9), "test:", PixelFormat.GREY)
    track = TrackRecord(
        track_id=7,
        state=state,
        centre=(x, 40.0),
        velocity=(0.0, 0.0),
        sigma=sigma,
        box=box,
        class_id=0,
        score=0.9,
        hits=5,
        missed=0 if seen else 1,
    )
    return msgspec.structs.replace(make_record(frame, found, ("drone",), 0, FrameCounts()), tracks=[track])


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 60) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).max(axis=2) < tolerance


def test_without_trails_nothing_of_tracks_is_drawn() -> None:
    with_tracks = record_at(60, TrackState.COASTING)
    without = msgspec.structs.replace(with_tracks, tracks=None)
    assert np.array_equal(draw(IMAGE, with_tracks, SCALE), draw(IMAGE, without, SCALE))


def test_a_trail_leads_to_the_target_and_leaves_it_free() -> None:
    trails = Trails()
    for step in range(40):
        picture = draw(IMAGE, record_at(30 + step, second=step / 20), SCALE, trails=trails)
    row = 40 * SCALE
    trail = picture[row - 2 : row + 3, 35 * SCALE : 60 * SCALE].astype(int)
    assert (trail[..., 1] - trail[..., 2]).max() > 60, "green behind it"
    target = picture[38 * SCALE : 42 * SCALE, 67 * SCALE : 71 * SCALE]
    assert (target == 90).all()


def test_an_old_end_of_a_trail_is_fainter() -> None:
    trails = Trails()
    for step in range(40):
        picture = draw(IMAGE, record_at(30 + step, second=step / 20), SCALE, trails=trails)
    row = 40 * SCALE
    brightness = picture[row - 2 : row + 3, :, 1].max(axis=0).astype(int)
    assert brightness[60 * SCALE] > brightness[32 * SCALE] + 40


def test_a_coasting_track_has_a_broken_ring_around_a_free_middle() -> None:
    picture = draw(IMAGE, record_at(60, TrackState.COASTING, sigma=2.0), SCALE, trails=Trails())
    ring = near(picture, COASTING)
    assert ring[:, 60 * SCALE - 30 : 60 * SCALE + 30].sum() > 40
    assert (picture[38 * SCALE : 42 * SCALE, 58 * SCALE : 62 * SCALE] == 90).all()
    assert not near(picture, MARK, 30).any(), "not drawn as if it were seen"


@pytest.mark.parametrize("sigma", [0.0, 1e6, float("inf")])
def test_any_uncertainty_can_be_drawn(sigma: float) -> None:
    draw(IMAGE, record_at(60, TrackState.COASTING, sigma=sigma), SCALE, trails=Trails())
    draw(IMAGE, record_at(-500, TrackState.COASTING, sigma=sigma), SCALE, trails=Trails())


def test_trails_are_bounded_in_time_and_number_and_end_with_their_track() -> None:
    trails = Trails(seconds=2.0)
    for step in range(10):
        trails.add(record_at(step, second=float(step)))
    assert [x for x, _, _ in trails.of(7)] == [7, 8, 9]
    assert [age for _, _, age in trails.of(7)] == [1.0, 0.5, 0.0]
    for step in range(1000):
        trails.add(record_at(step, second=10 + step / 1e4))
    assert len(trails.of(7)) == TRAIL_POINTS
    trails.add(record_at(999, second=10 + 999 / 1e4))
    assert [x for x, _, _ in trails.of(7)][-2:] == [998, 999], "the same frame twice is one point"
    trails.add(msgspec.structs.replace(record_at(0, second=11), tracks=[]))
    assert trails.of(7) == []
