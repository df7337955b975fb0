"""A video keeps what was good of it: on a full disk, after a kill, and from one start to the next."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OutputFailedError, OutputTakenError
from edge_irdet.record import FrameCounts
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.outputs import CountedSink
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.sinks import overlay_video
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Output, Sink, StreamInfo

INFO = StreamInfo("test:", ("target",), 30.0, None)
NOISE = np.random.default_rng(0).integers(0, 256, (64, 80), np.uint8)
NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
SUFFIXES = (".mp4", ".avi", ".mkv")


def feed(sink: Sink, sequence: int) -> None:
    frame = Frame(np.roll(NOISE, sequence, 1), sequence, sequence, "test:", pixel_format_of(NOISE))
    sink.write(frame, make_record(frame, NOTHING, INFO.classes, sequence, FrameCounts()))


def frames_of(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def declared(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


@pytest.mark.parametrize("small_disk", ["2m"], indirect=True)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_seen_while_the_stream_runs_and_costs_no_frame_that_was_written(
    small_disk: Path, suffix: str, monkeypatch: pytest.MonkeyPatch, no_leak: None
) -> None:
    monkeypatch.setattr(overlay_video, "AGAIN_SECONDS", 0.0)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 1_000_000)
    sink = open_sink(str(small_disk / f"out{suffix}"))
    entry = StreamBoard(DetectorDescription()).add_sink(sink.name)
    counted = CountedSink(Output(sink), entry, stop_on_failure=False)
    counted.open([INFO])
    sequence = 0
    while not entry.failing:
        frame = Frame(np.roll(NOISE, sequence, 1), sequence, sequence, "test:", pixel_format_of(NOISE))
        counted.write(0, frame, make_record(frame, NOTHING, INFO.classes, sequence, FrameCounts()))
        sequence += 1
        time.sleep(0.002)
        assert sequence < 2000, "the full disk is not seen"
    assert "No space left on device" in (entry.last_error or "")
    kept = frames_of(small_disk / f"out{suffix}")
    assert 5 < kept < sequence
    assert entry.written - entry.lost_later == kept
    ballast.unlink()
    for _ in range(20):
        counted.write(0, frame, make_record(frame, NOTHING, INFO.classes, sequence, FrameCounts()))
    counted.exit(None, None, None)
    assert not entry.failing
    assert frames_of(small_disk / f"out{suffix}") == kept
    again = small_disk / (entry.status(0).file or "")
    assert again.name != f"out{suffix}"
    assert frames_of(again) == 20


def fill(disk: Path) -> None:
    """Take all space that is left."""
    with open(disk / "rest", "wb", buffering=0) as rest, suppress(OSError):
        while rest.write(b"\0" * 512):
            pass


@pytest.mark.parametrize("small_disk", ["2m"], indirect=True)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_video_whose_end_does_not_fit_is_kept_up_to_there(small_disk: Path, suffix: str) -> None:
    place = small_disk / f"out{suffix}"
    sink = open_sink(str(place))
    sink.open(INFO)
    for sequence in range(17):  # an MP4 is written in groups of twelve frames
        feed(sink, sequence)
    time.sleep(0.3)
    fill(small_disk)
    if suffix == ".avi":
        sink.close()  # every frame is there, the index does not fit
        assert frames_of(place) == declared(place) == 17
        return
    with pytest.raises(OutputFailedError, match=r"holds \d+ of 17 frames: No space left") as caught:
        sink.close()
    assert f"holds {frames_of(place)} of 17" in caught.value.what
    assert frames_of(place) >= 12


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_limit_on_the_size_of_files_is_as_a_full_disk(tmp_path: Path, suffix: str) -> None:
    program = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_overlay_video import INFO, feed, frames_of
from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.opening import open_sink
import time
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
sink = open_sink("out{suffix}")
sink.open(INFO)
for sequence in range(2000):
    try:
        feed(sink, sequence)
    except OutputFailedError as error:
        print(sequence - sink.lost_later, error.code, error.what)
        break
    time.sleep(0.002)
sink.abandon()
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    kept, code, reason = finished.stdout.split(maxsplit=2)
    assert code == "E502"
    assert "File too large" in reason
    assert frames_of(tmp_path / f"out{suffix}") == int(kept) > 5


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_after_a_kill_the_video_can_be_played_and_the_next_start_leaves_it(
    tmp_path: Path, suffix: str
) -> None:
    command = [sys.executable, "-m", "edge_irdet", "stream", "--source", "synthetic:?frames=1000000"]
    command += ["--output", f"out{suffix}", "--output", "out.txt", "--output", "out.jsonl"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "out.jsonl").exists() or (tmp_path / "out.jsonl").read_bytes().count(b"\n") < 60:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    records = (tmp_path / "out.jsonl").read_bytes().count(b"\n")
    kept = frames_of(tmp_path / f"out{suffix}")
    assert records - 40 < kept <= records + 2
    assert {path.name for path in tmp_path.iterdir()} == {f"out{suffix}", "out.txt", "out.jsonl"}
    command[5] = "synthetic:?frames=3"
    before = (tmp_path / f"out{suffix}").read_bytes()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / f"out{suffix}").read_bytes() == before
    assert frames_of(tmp_path / f"out-2{suffix}") == 3
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == records + 3
    assert f"out-2{suffix}" in again.stderr


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_start_takes_a_name_that_is_free(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"out-2{suffix}").mkdir()
    (tmp_path / f"out-3{suffix}").symlink_to("elsewhere")
    caplog.set_level(logging.INFO, "edge_irdet")
    sizes = []
    for number in range(3):
        sink = open_sink(str(tmp_path / f"out{suffix}"))
        sink.open(INFO)
        for sequence in range(number + 13):
            feed(sink, sequence)
        sink.close()
        sizes.append((Path(sink.file or "").name, frames_of(Path(sink.file or ""))))
    assert sizes == [(f"out{suffix}", 13), (f"out-4{suffix}", 14), (f"out-5{suffix}", 15)]
    assert [record.file for record in caplog.records] == [
        str(tmp_path / f"out-4{suffix}"),
        str(tmp_path / f"out-5{suffix}"),
    ]
    sink = open_sink(str(tmp_path / f"out{suffix}"), overwrite=True)
    sink.open(INFO)
    feed(sink, 0)
    sink.close()
    assert frames_of(tmp_path / f"out{suffix}") == 1


def test_two_streams_at_once_write_two_videos(tmp_path: Path) -> None:
    sinks = [open_sink(str(tmp_path / "out.mp4")) for _ in range(3)]
    for sink in sinks:
        sink.open(INFO)
    for sink in sinks:
        feed(sink, 0)
        sink.close()
    assert {path.name for path in tmp_path.iterdir()} == {"out.mp4", "out-2.mp4", "out-3.mp4"}
    assert all(frames_of(path) == 1 for path in tmp_path.iterdir())


def test_a_video_without_a_frame_leaves_no_file(tmp_path: Path, no_leak: None) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"))
    sink.open(INFO)
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_is_finished_states_its_frames(tmp_path: Path) -> None:
    for suffix in (".mp4", ".avi"):
        sink = open_sink(str(tmp_path / f"out{suffix}"))
        sink.open(INFO)
        for sequence in range(40):
            feed(sink, sequence)
        sink.close()
        assert declared(tmp_path / f"out{suffix}") == 40
        capture = cv2.VideoCapture(str(tmp_path / f"out{suffix}"))
        capture.set(cv2.CAP_PROP_POS_FRAMES, 36)
        assert capture.read()[0], "it can be sought in"
    content = (tmp_path / "out.avi").read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert content[-16 * 40 - 8 :][:4] == b"idx1"


def test_a_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.mp4").write_bytes(b"film")
    (tmp_path / "out.mp4").symlink_to("precious.mp4")
    (tmp_path / "new.mp4").symlink_to("nothing.mp4")
    for overwrite in (False, True):
        for name in ("out.mp4", "new.mp4"):
            with pytest.raises(OutputTakenError, match="symbolic link"):
                open_sink(str(tmp_path / name), overwrite).open(INFO)
    assert (tmp_path / "precious.mp4").read_bytes() == b"film"
    assert not (tmp_path / "nothing.mp4").exists()
    os.mkfifo(tmp_path / "pipe.mp4")
    reader = os.open(tmp_path / "pipe.mp4", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OutputFailedError, match="pipe"):
        open_sink(str(tmp_path / "pipe.mp4")).open(INFO)
    os.close(reader)
