"""Writes tests/golden/tracking anew: run it only when the tracker changes on purpose.

python tests/golden/write_tracking.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.tracking import Tracker, TrackerConfig

FOLDER = Path(__file__).parent / "tracking"
CASES: dict[str, tuple[int, int, TrackerConfig]] = {
    # name: seed, frames, settings
    "usual": (1, 300, TrackerConfig()),
    "crowded": (2, 150, TrackerConfig(max_tracks=12, birth_score=0.3, initial_speed=600.0)),
    "quick": (
        3,
        120,
        TrackerConfig(confirm_hits=1, confirm_frames=1, max_coast_frames=3, birth_distance=0.0),
    ),
}
TARGETS = 8
Row = tuple[float, ...]


def feed(seed: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frames with births, coasting, the shutter, gaps, a clock that goes back, and another frame size.

    Returns:
        Frames [n, 6] capture_ns, discontinuity, shutter, width, height, number of detections; and all
        detections [m, 8] left, top, right, bottom, x, y, score, class.
    """
    generator = np.random.default_rng(seed)
    place = generator.uniform(20, 300, (TARGETS, 2))
    speed = generator.normal(0, 90, (TARGETS, 2))
    begins = generator.integers(0, 200, TARGETS)
    now, frames, detections = 5_000_000_000, [], []
    for index in range(length):
        step = int(generator.integers(25_000_000, 45_000_000))
        discontinuity = index in (80, 140, 200)
        if index in (80, 140):
            step = 700_000_000 if index == 80 else 300_000_000
        if index == 170:
            step = -2_000_000_000
        if index == 175:
            step = -5_000_000
        now += step
        shutter = 100 <= index < 112 or index == 250
        size = (320, 256) if index < 220 else (640, 512)
        place += speed * abs(step) / 1e9
        speed += generator.normal(0, 6, speed.shape)
        seen = (begins <= index) & (generator.uniform(size=TARGETS) < 0.85)
        rows: list[Row] = []
        for x, y in place[seen]:
            rows.append(_row(generator, x, y))
        for _ in range(int(generator.poisson(1.5))):
            rows.append(_row(generator, *generator.uniform(0, 256, 2)))
        if index % 37 == 0:
            rows.append((np.nan, 1, 2, 3, 1.5, 2, 0.9, 0))
        frames.append((now, int(discontinuity), int(shutter), *size, len(rows)))
        detections.extend(rows)
    return np.array(frames, np.int64), np.array(detections, np.float64).reshape(-1, 8)


def _row(generator: np.random.Generator, x: float, y: float) -> Row:
    x, y = x + generator.normal(0, 0.7), y + generator.normal(0, 0.7)
    half = generator.uniform(1, 4, 2)
    sides = np.array([x - half[0], y - half[1], x + half[0], y + half[1]], np.float32).tolist()
    score = float(np.float32(generator.uniform(0.1, 1)))
    return (*sides, x, y, score, float(generator.integers(0, 2)))


def track(
    config: TrackerConfig, frames: NDArray[np.int64], detections: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What the tracker makes of it.

    Returns:
        The track of each detection [m], 0 for none; and the tracks of all frames [k, 16]: frame, number,
        coasting, centre, velocity, sigma, box, class, score, hits, missed.
    """
    tracker, ids, tracks, start = Tracker(config), [], [], 0
    for index, (now, discontinuity, shutter, width, height, count) in enumerate(frames.tolist()):
        rows = detections[start : start + count]
        start += count
        update = tracker.update(
            now,
            rows[:, :4].astype(np.float32),
            rows[:, 4:6],
            rows[:, 6].astype(np.float32),
            rows[:, 7].astype(np.int64),
            discontinuity=bool(discontinuity),
            shutter=bool(shutter),
            size=(width, height),
        )
        ids.extend(0 if one is None else one for one in update.track_ids)
        for one in update.tracks:
            motion = (*one.centre, *one.velocity, one.sigma, *one.box)
            seen = (one.class_id, one.score, one.hits, one.missed)
            tracks.append((index, one.track_id, one.state.value == "coasting", *motion, *seen))
    return np.array(ids, np.int64), np.array(tracks, np.float64).reshape(-1, 16)


def main() -> None:
    """Write every case."""
    FOLDER.mkdir(exist_ok=True)
    lines = [
        "# name max_tracks birth_score initial_speed confirm_hits confirm_frames max_coast_frames",
        "#   birth_distance",
    ]
    for name, (seed, length, config) in CASES.items():
        frames, detections = feed(seed, length)
        ids, tracks = track(config, frames, detections)
        for part, array in (("frames", frames), ("detections", detections), ("ids", ids), ("tracks", tracks)):
            np.save(FOLDER / f"{name}.{part}.npy", array)
        values = (config.max_tracks, config.birth_score, config.initial_speed, config.confirm_hits)
        rest = (config.confirm_frames, config.max_coast_frames, config.birth_distance)
        lines.append(" ".join(str(value) for value in (name, *values, *rest)))
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
