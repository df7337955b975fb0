from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.errors import OutputFailedError
from edge_irdet.record import DetectionRecord, Record
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

Put = Callable[[Sink, Record], None]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def detection_of(row: dict[str, str]) -> DetectionRecord:
    return DetectionRecord(
        box=(float(row["left"]), float(row["top"]), float(row["right"]), float(row["bottom"])),
        score=float(row["score"]),
        class_id=int(row["class_id"]),
        class_name=row["class_name"],
        centroid=(float(row["centroid_x"]), float(row["centroid_y"])),
        scr=float(row["scr"]) if row["scr"] else None,
        track_id=int(row["track_id"]) if row["track_id"] else None,
    )


def record_of(rows: list[dict[str, str]]) -> Record:
    """A frame's record, without tracks, from its rows."""
    first = rows[0]
    count = int(first["detections"])
    assert len(rows) == max(1, count)
    counts = ("sequence", "capture_ns", "emit_ns", "dropped", "skipped", "missed", "interruptions", "queued")
    return Record(
        source=first["source"],
        width=int(first["frame_width"]),
        height=int(first["frame_height"]),
        pixel_format=first["pixel_format"],
        discontinuity=first["discontinuity"] == "1",
        shutter=first["shutter"] == "1",
        detections=[detection_of(row) for row in rows[:count]],
        **{name: int(first[name]) for name in counts},
    )


@settings(deadline=None)
@given(data=st.data())
def test_what_is_read_back_is_what_was_written(
    data: st.DataObject, records: st.SearchStrategy[Record], info: StreamInfo, put: Put
) -> None:
    given_records = data.draw(st.lists(records, min_size=1, max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.csv"
        sink = open_sink(str(path))
        sink.open(info)
        for one in given_records:
            put(sink, one)
        sink.close()
        rows = rows_of(path)
    for one in given_records:
        lines = max(1, len(one.detections))
        back, rows = record_of(rows[:lines]), rows[lines:]
        assert back.detections == one.detections
        names = [name for name in Record.__struct_fields__ if name not in ("tracks", "detections")]
        assert [getattr(back, name) for name in names] == [getattr(one, name) for name in names]
    assert not rows


def test_frames_without_detections_differ_from_missing_frames(
    tmp_path: Path, make_record: Callable[..., Record], info: StreamInfo, put: Put
) -> None:
    sink = open_sink(str(tmp_path / "out.csv"))
    sink.open(info)
    put(sink, make_record(0))
    put(sink, make_record(1, detections=0))
    put(sink, make_record(3, detections=2))
    sink.close()
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0].startswith("source,sequence,capture_ns,")
    assert lines[1] == (
        "test:,0,1000,2000,64,48,GREY,1,2,0,0,0,0,0,1,20.0,10.0,24.0,13.0,0.875,0,target,21.9,11.4,7.5,3"
    )
    assert lines[2] == "test:,1,1001,2001,64,48,GREY,1,2,0,0,0,0,0,0,,,,,,,,,,,"
    assert [(row["sequence"], row["detections"]) for row in rows_of(tmp_path / "out.csv")] == [
        ("0", "1"),
        ("1", "0"),
        ("3", "2"),
        ("3", "2"),
    ]


def test_all_rows_of_a_frame_come_at_once(
    tmp_path: Path,
    make_record: Callable[..., Record],
    info: StreamInfo,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = open_sink(str(tmp_path / "out.csv"))
    sink.open(info)
    real, calls = os.write, []

    def watched(descriptor: int, content: bytes) -> int:
        calls.append(bytes(content))
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", watched)
    put(sink, make_record(0, detections=5))
    monkeypatch.undo()
    sink.close()
    assert [call.count(b"\n") for call in calls] == [5]


def test_a_header_that_does_not_fit_leaves_nothing_open(
    info: StreamInfo, no_leak: None, tmp_path: Path
) -> None:
    (tmp_path / "out.csv").symlink_to("/dev/full")
    sink = open_sink(str(tmp_path / "out.csv"))
    with pytest.raises(OutputFailedError, match="No space left"):
        sink.open(info)
    sink.close()
