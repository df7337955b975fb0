"""The shipped package on real infrared frames, from the command line."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from doubles.real_data import REAL_DATA
from edge_irdet.record import Record, decode_record


def streamed(folder: Path, *arguments: str) -> list[Record]:
    finished = subprocess.run(
        [sys.executable, "-m", "edge_irdet", "stream", "--output", "out.jsonl", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return [decode_record(line) for line in (folder / "out.jsonl").read_bytes().splitlines()]


def need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is not here; name the data folder with EDGE_IRDET_DATA")
    return path


def test_a_drone_video_gives_one_record_a_frame_with_sane_boxes(tmp_path: Path) -> None:
    video = need(REAL_DATA / "drone_ir_cc0" / "mp4" / "IR_DRONE_143.mp4")
    records = streamed(tmp_path, "--source", str(video))
    assert [record.sequence for record in records] == list(range(301))
    for record in records:
        assert (record.width, record.height, record.dropped, record.skipped) == (320, 256, 0, 0)
        for found in record.detections:
            left, top, right, bottom = found.box
            assert 0 <= left < right <= 320
            assert 0 <= top < bottom <= 256
            assert right - left < 64
            assert bottom - top < 64
    centres: dict[int, list[tuple[float, float]]] = {}
    labels = REAL_DATA / "drone_ir_cc0" / "gt" / "IR_DRONE_143.csv"
    with labels.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            x, y, w, h = (float(row[name]) for name in "xywh")
            centres.setdefault(int(row["frame_idx0"]), []).append((x + w / 2, y + h / 2))
    found = total = 0
    for record in records:
        places = np.array([detection.centroid for detection in record.detections]).reshape(-1, 2)
        for centre in centres.get(record.sequence, []):
            total += 1
            found += bool(len(places)) and float(np.linalg.norm(places - centre, axis=1).min()) <= 8.0
    # A bound that only a broken pipeline misses (loose labels, other data than trained on); the measured rate
    # is in the README.
    assert found > 0.4 * total


def test_sixteen_bit_frames_stay_sixteen_bit_and_run(tmp_path: Path) -> None:
    folder = need(REAL_DATA / "lepton16" / "possum_frames16")
    records = streamed(tmp_path, "--source", str(folder), "--map16", "linear-percentile")
    assert len(records) == len(list(folder.glob("*.png")))
    assert {record.pixel_format for record in records} == {"Y16"}


def test_still_images_of_many_sizes(tmp_path: Path) -> None:
    need(REAL_DATA / "nuaa_sirst" / "images")
    pattern = str(REAL_DATA / "nuaa_sirst" / "images" / "Misc_1*.png")
    records = streamed(tmp_path, "--source", pattern, "--frames", "30")
    assert len(records) == 30
    assert len({(record.width, record.height) for record in records}) > 1
    assert sum(bool(record.detections) for record in records) > 20
