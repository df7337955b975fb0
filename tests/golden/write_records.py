"""Writes tests/golden/records anew: run it only when the record changes on purpose.

python tests/golden/write_records.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_irdet.record import DetectionRecord, Record, TrackRecord, TrackState, encode_record

FOLDER = Path(__file__).parent / "records"


def exact(value: float) -> float:
    """A number that float32 has: scores and boxes are such."""
    return float(np.float32(value))


def detection(index: int, scr: float | None, track_id: int | None, name: str = "target") -> DetectionRecord:
    """A detection of values with many digits."""
    box = tuple(exact(value) for value in (10.1 + index, 20.7, 14.3 + index, 1 / 3 + 24))
    centroid = 12.2 + index / 3, 22.123456789
    return DetectionRecord(box, exact(0.9 - index / 7), index % 2, name, centroid, scr, track_id)


def track(number: int, state: TrackState) -> TrackRecord:
    """A track."""
    centre, missed = (1 / 3, 1e-7 * number), 0 if state is TrackState.CONFIRMED else 4
    box = (0.1, -2.5, 123.456789012345, 5e-5)
    return TrackRecord(number, state, centre, (-1e3 / 7, 0.0), 0.7, box, 0, exact(0.77), 2**40, missed)


def records() -> list[Record]:
    """All that is written."""
    least = {"dropped": 0, "skipped": 0, "width": 320, "height": 256, "pixel_format": "GREY"}
    times = {"capture_ns": 12345678901234567, "emit_ns": 12345678911234567, "discontinuity": False}
    both = {**least, **times, "realtime_offset_ns": 1_700_000_000_123_456_789}
    return [
        Record(source="synthetic:cloud", sequence=0, detections=[], **both),
        Record(source="v #2", sequence=2**40, detections=[], tracks=[], shutter=True, source_index=3, **both),
        Record(source='a "quoted" \\ name\n\x01', sequence=1, detections=[detection(0, None, None)], **both),
        Record(
            source="ünïcode:目標😀",
            sequence=2,
            run_id="0123456789abcdef",
            media_ns=33_333_333,
            detections=[detection(0, 12.5, 7), detection(1, 1e-300, None, 'b"ird'), detection(2, 3.7e11, 9)],
            tracks=[track(7, TrackState.CONFIRMED), track(9, TrackState.COASTING)],
            **both,
        ),
        Record(
            source="x",
            sequence=-1,
            detections=[],
            tracks=[track(index, TrackState.COASTING) for index in range(1, 40)],
            **{**both, "pixel_format": "Y16", "dropped": 2**53, "skipped": 7, "discontinuity": True},
            missed=2,
            interruptions=3,
            queued=4,
        ),
        Record(source="", sequence=0, detections=[], **{**both, "capture_ns": -(2**62), "emit_ns": 2**62}),
    ]


def main() -> None:
    """Write every record."""
    FOLDER.mkdir(exist_ok=True)
    lines = b"".join(encode_record(record) + b"\n" for record in records())
    (FOLDER / "records.jsonl").write_bytes(lines)


if __name__ == "__main__":
    main()
