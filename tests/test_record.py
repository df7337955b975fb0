from __future__ import annotations

import json
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import RecordInvalidError
from edge_irdet.record import (
    DetectionRecord,
    FrameCounts,
    LossCounts,
    Record,
    count_descriptions,
    decode_record,
    encode_record,
)
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.status import SourceStatus
from edge_irdet.stream.summary import StreamSummary

COORDINATE = st.floats(-1e4, 1e4, allow_nan=False, width=32)
DETECTION = st.builds(
    DetectionRecord,
    box=st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE),
    score=st.floats(0, 1, width=32),
    class_id=st.integers(0, 100),
    class_name=st.text(),
    centroid=st.tuples(COORDINATE, COORDINATE),
    track_id=st.none() | st.integers(0, 2**40),
)
RECORD = st.builds(
    Record,
    schema=st.just(1),
    source=st.text(),
    sequence=st.integers(0, 2**50),
    capture_ns=st.integers(0, 2**62),
    emit_ns=st.integers(0, 2**62),
    width=st.integers(1, 10000),
    height=st.integers(1, 10000),
    pixel_format=st.sampled_from(["GREY", "Y16"]),
    dropped=st.integers(0, 2**40),
    skipped=st.integers(0, 2**40),
    discontinuity=st.booleans(),
    detections=st.lists(DETECTION, max_size=4),
)


@given(RECORD)
def test_records_survive_a_round_trip_exactly(record: Record) -> None:
    line = encode_record(record)
    assert b"\n" not in line
    assert decode_record(line) == record
    assert json.loads(line)["sequence"] == record.sequence


def frame() -> Frame:
    return Frame(np.zeros((6, 8), np.uint16), 41, 1000, "/dev/video0", PixelFormat.Y16, True)


def test_a_record_from_a_frame() -> None:
    detections = Detections(
        np.array([[1.5, 2.25, 3.5, 4.75]], np.float32), np.array([0.1], np.float32), np.array([1], np.int64)
    )
    record = make_record(
        frame(), detections, ("bird", "drone"), emit_ns=2000, counts=FrameCounts(dropped=3, skipped=1)
    )
    assert (record.width, record.height, record.pixel_format) == (8, 6, "Y16")
    assert (record.sequence, record.capture_ns, record.emit_ns) == (41, 1000, 2000)
    assert (record.dropped, record.skipped, record.discontinuity) == (3, 1, True)
    (found,) = record.detections
    assert found.box == (1.5, 2.25, 3.5, 4.75)
    assert found.centroid == (2.5, 3.5)
    assert (found.class_id, found.class_name, found.track_id) == (1, "drone", None)
    assert np.float32(decode_record(encode_record(record)).detections[0].score) == np.float32(0.1)


def test_no_detections_is_an_empty_list_and_not_an_absent_one() -> None:
    record = make_record(frame(), Detections.none(), ("target",), 0, FrameCounts())
    assert json.loads(encode_record(record))["detections"] == []


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1]", b"null", b"not json", b'{"schema": 1, "source": 5}', b"\xff"]
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(RecordInvalidError, match="not a record"):
        decode_record(line)


def test_a_newer_record_asks_for_an_update() -> None:
    record = json.loads(encode_record(make_record(frame(), Detections.none(), ("target",), 0, FrameCounts())))
    with pytest.raises(RecordInvalidError, match="schema 3"):
        decode_record(json.dumps({**record, "schema": 3, "more": 1}))
    with pytest.raises(RecordInvalidError, match="schema 3"):
        decode_record(json.dumps({**record, "schema": 3}))
    with pytest.raises(RecordInvalidError):
        decode_record(json.dumps({**record, "more": 1}))


def test_a_line_has_its_fields_in_the_order_that_files_always_had() -> None:
    """Programs of others read these names; people read the first ones of a line."""
    line = encode_record(make_record(frame(), Detections.none(), ("target",), 0, FrameCounts(queued=2)))
    assert list(json.loads(line)) == [
        *("schema", "source", "sequence", "capture_ns", "emit_ns", "width", "height", "pixel_format"),
        *("dropped", "skipped", "missed", "interruptions", "queued", "discontinuity", "shutter"),
        *("detections", "tracks"),
    ]


def test_the_counters_are_the_same_in_record_status_and_summary() -> None:
    counts = set(FrameCounts.__struct_fields__)
    record = get_type_hints(Record, include_extras=True)
    for name, hint in get_type_hints(FrameCounts, include_extras=True).items():
        assert record[name] == hint
    assert set(count_descriptions()) == counts
    assert issubclass(SourceStatus, LossCounts)
    assert issubclass(StreamSummary, LossCounts)


@pytest.mark.parametrize("name", FrameCounts.__struct_fields__)
def test_a_counter_below_0_is_refused(name: str) -> None:
    record = json.loads(encode_record(make_record(frame(), Detections.none(), ("target",), 0, FrameCounts())))
    with pytest.raises(RecordInvalidError, match=name):
        decode_record(json.dumps({**record, name: -1}))
