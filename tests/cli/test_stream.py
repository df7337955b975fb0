"""``edge-irdet stream`` as a user runs it, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.command_line import refused, run
from doubles.network_servers import MjpegCamera
from edge_irdet.evaluation.target_size import SIZE_CLASSES
from edge_irdet.record import decode_record

SCENE = "synthetic:?frames=40"


def records_of(place: Path) -> list:
    return [decode_record(line) for line in place.read_bytes().splitlines()]


def test_several_sources_in_one_process(tmp_path: Path) -> None:
    second = "synthetic:sea?frames=25&seed=3&size=256x192"
    finished = run(
        *("stream", "--source", SCENE, "--source", second),
        *("--output", "all.jsonl", "--output", "tracks-{n}.txt", "--track"),
        folder=tmp_path,
    )
    assert finished.returncode == 0, finished.stderr
    records = records_of(tmp_path / "all.jsonl")
    for name, count in ((SCENE, 40), (second, 25)):
        assert [record.sequence for record in records if record.source == name] == list(range(count))
    assert {path.name for path in tmp_path.iterdir()} == {"all.jsonl", "tracks-0.txt", "tracks-1.txt"}
    # They took turns: the shorter one did not have to wait for the longer one's end.
    last_of_second = max(index for index, record in enumerate(records) if record.source == second)
    assert last_of_second < 60


def test_a_scene_is_scored_against_its_truth_by_size(tmp_path: Path) -> None:
    finished = run("stream", "--source", "synthetic:?frames=30&targets=6", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "against the scene's truth" in finished.stderr
    assert any(name in finished.stderr for name in SIZE_CLASSES)
    assert "false alarms: " in finished.stderr


def test_several_sources_need_an_output_each_where_it_takes_one(tmp_path: Path) -> None:
    finished = run(
        *("stream", "--source", SCENE, "--source", "synthetic:sea", "--output", "out.mp4"), folder=tmp_path
    )
    refused(finished, "E701")
    assert "out-{n}.mp4" in finished.stderr


def test_latency_is_shown_where_frames_come_at_their_own_rate(tmp_path: Path) -> None:
    source = "synthetic:?frames=8&rate=20"
    free = run("stream", "--source", source, "--output", "free.jsonl", folder=tmp_path).stderr
    assert "capture to record" not in free
    assert "--pace realtime" in free
    paced = run("stream", "--source", source, "--pace", "realtime", folder=tmp_path).stderr
    assert "capture to record" in paced
    for printed in (free, paced):
        assert "detector" in printed
        assert "score against truth" not in printed, "not an output of the user's"
        assert "false alarms: " in printed


def test_tracks_are_in_the_records(tmp_path: Path) -> None:
    finished = run("stream", "--source", SCENE, "--track", "--output", "-", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    records = [decode_record(line) for line in finished.stdout.splitlines()]
    assert records[0].tracks == []
    assert records[-1].tracks
    followed = {track.track_id for track in records[-1].tracks}
    assert followed & {found.track_id for found in records[-1].detections}
    assert all(found.scr is not None for record in records for found in record.detections)


def test_without_a_tracker_there_are_no_tracks(tmp_path: Path) -> None:
    finished = run("stream", "--source", "synthetic:?frames=3", "--output", "-", folder=tmp_path)
    assert [decode_record(line).tracks for line in finished.stdout.splitlines()] == [None] * 3


def test_a_camera_that_goes_and_comes_back_is_logged_as_json_without_credentials(tmp_path: Path) -> None:
    camera = MjpegCamera(rate=30.0)
    url = camera.url.replace("http://", "http://admin:hunter2@")
    command = [sys.executable, "-m", "edge_irdet", "stream", "--source", url, "--log-format", "json"]
    command += ["--output", "out.jsonl", "--quiet"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    place = tmp_path / "out.jsonl"

    def wait_for(lines: int) -> None:
        deadline = time.monotonic() + 60
        while not place.exists() or place.read_bytes().count(b"\n") < lines:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)

    wait_for(5)
    camera.__exit__(None, None, None)
    time.sleep(0.5)
    seen = place.read_bytes().count(b"\n")
    again = MjpegCamera(rate=30.0, port=int(camera.url.split(":")[2].split("/")[0]))
    wait_for(seen + 5)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    again.__exit__(None, None, None)
    assert process.returncode == 0, errors
    records = records_of(place)
    assert next(record.discontinuity for record in records if record.interruptions)
    assert "hunter2" not in errors
    assert b"hunter2" not in place.read_bytes()
    events = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    assert [event["event"] for event in events if event["event"] != "source open"] == [
        "source lost",
        "source is back",
    ]
    lost = next(event for event in events if event["event"] == "source lost")
    assert (lost["code"], lost["level"]) == ("E110", "warning")


def test_a_source_that_is_not_there_is_an_error_unless_it_may_be_waited_for(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/x"
    refused(run("stream", "--source", nobody, "--output", "out.jsonl", folder=tmp_path), "E110")
    started = time.monotonic()
    waited = run("stream", "--source", nobody, "--wait-for-source", "1.5", folder=tmp_path)
    refused(waited, "E110")
    assert time.monotonic() - started > 1.5
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="making a small file system needs root")
def test_a_full_disk_costs_its_own_records_and_no_others(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        finished = run(
            *("stream", "--source", SCENE, "--output", "small/out.jsonl", "--output", "good.jsonl"),
            folder=tmp_path,
        )
        refused(finished, "E504")
        assert "No space left on device" in finished.stderr
        assert len(records_of(tmp_path / "good.jsonl")) == 40
        kept = records_of(small / "out.jsonl")
        assert 0 < len(kept) < 40
        stopped = run(
            *("stream", "--source", SCENE, "--output", "small/again.jsonl", "--output", "other.jsonl"),
            *("--on-output-failure", "stop"),
            folder=tmp_path,
        )
        refused(stopped, "E502")
        assert len(records_of(tmp_path / "other.jsonl")) < 40
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_a_stream_can_be_watched_while_it_runs(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    command = [sys.executable, "-m", "edge_irdet", "stream", "--source", "synthetic:?frames=1000000"]
    command += ["--preview", "0", "--health-file", "health.json", "--track"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    url = next(line.split()[1] for line in process.stderr if line.startswith("preview: "))
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(url + "healthz") as answer:
            if answer.status == 200:
                break
        time.sleep(0.1)
    with urllib.request.urlopen(url + "metrics") as answer:
        metrics = answer.read().decode()
    assert 'edge_irdet_frames_total{source="synthetic:?frames=1000000"}' in metrics
    with urllib.request.urlopen(url + "snapshot.jpg") as answer:
        assert cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR) is not None
    assert json.loads((tmp_path / "health.json").read_bytes())["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == [], "the health file goes with the stream"


def test_a_preview_for_strangers_needs_a_token(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    finished = run("stream", "--source", SCENE, "--preview", "0.0.0.0:0", folder=tmp_path)
    refused(finished, "E701")
    assert "--preview-token-file" in finished.stderr
    refused(run("stream", "--source", SCENE, "--preview", "here", folder=tmp_path), "E701")
