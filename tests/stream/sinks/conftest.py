from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from edge_irdet.record import DetectionRecord, Record, TrackRecord, TrackState
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

FRAME = Frame(np.zeros((48, 64), np.uint8), 0, 0, "test:", PixelFormat.GREY)


def record(sequence: int, detections: int = 1, source: str = "test:") -> Record:
    found = DetectionRecord(
        box=(20.0, 10.0, 24.0, 13.0),
        score=0.875,
        class_id=0,
        class_name="target",
        centroid=(21.9, 11.4),
        scr=7.5,
        track_id=3,
    )
    return Record(
        source=source,
        sequence=sequence,
        capture_ns=1_000 + sequence,
        emit_ns=2_000 + sequence,
        width=64,
        height=48,
        pixel_format="GREY",
        dropped=1,
        skipped=2,
        discontinuity=False,
        detections=[found] * detections,
    )


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    return record


@pytest.fixture(scope="session")
def info() -> StreamInfo:
    return StreamInfo("test:", ("target",), 30.0, None)


@pytest.fixture(scope="session")
def put() -> Callable[[Sink, Record], None]:
    """Write a record; the frame is always the same."""
    return lambda sink, given: sink.write(FRAME, given)


def descriptors() -> set[str]:
    return {f"{name} {_target(name)}" for name in os.listdir("/proc/self/fd")}


def _target(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return "closed"


@pytest.fixture
def no_leak() -> Iterator[None]:
    """After the test there are no more threads and open files than before."""
    threads, files = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    yield
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/proc/self/fd")) <= files, sorted(descriptors())


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system in memory of 64 KiB, or of what ``parametrize(indirect)`` says."""
    mount = shutil.which("mount")
    if os.geteuid() or mount is None:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    size = getattr(request, "param", "64k")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "edge-irdet-test", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this machine does not let file systems be mounted")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def short_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose path leaves room for a socket's name in 107 bytes."""
    return tmp_path_factory.mktemp("s")


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 2**53)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@pytest.fixture(scope="session")
def records() -> st.SearchStrategy[Record]:
    """Any record."""
    place = st.tuples(NUMBERS, NUMBERS)
    box = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
    detection = st.builds(
        DetectionRecord,
        box=box,
        score=st.floats(0, 1),
        class_id=st.integers(0, 9),
        class_name=TEXTS,
        centroid=place,
        scr=st.none() | NUMBERS,
        track_id=st.none() | st.integers(1, 10**9),
    )
    track = st.builds(
        TrackRecord,
        track_id=st.integers(1, 10**9),
        state=st.sampled_from(TrackState),
        centre=place,
        velocity=place,
        sigma=NUMBERS,
        box=box,
        class_id=st.integers(0, 9),
        score=st.floats(0, 1),
        hits=COUNTS,
        missed=COUNTS,
    )
    return st.builds(
        Record,
        schema=st.just(2),
        source=TEXTS,
        sequence=COUNTS,
        capture_ns=COUNTS,
        emit_ns=COUNTS,
        width=st.integers(1, 9999),
        height=st.integers(1, 9999),
        pixel_format=st.sampled_from(["GREY", "Y16"]),
        dropped=COUNTS,
        skipped=COUNTS,
        missed=COUNTS,
        interruptions=COUNTS,
        queued=COUNTS,
        discontinuity=st.booleans(),
        shutter=st.booleans(),
        detections=st.lists(detection, max_size=4),
        tracks=st.none() | st.lists(track, max_size=3),
    )
