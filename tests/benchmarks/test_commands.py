"""The benchmarks run and say what they measured; no figure is asserted, that is not a test's business."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def printed(script: str, *arguments: str) -> dict[str, object]:
    finished = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_latency_by_stage() -> None:
    report = printed("latency.py", "--frames", "10", "--threads", "1", "--json")
    assert report["frames"] == 10
    assert set(report["stages"]) == {"preprocess", "runner", "select", "all"}
    assert report["stages"]["all"]["p50_ms"] >= report["stages"]["runner"]["p50_ms"]
    assert "cores" in report["machine"]


def test_video_accuracy_counts_found_targets_and_false_alarms(tmp_path: Path) -> None:
    """A bright 6 px square on dark sky for ten frames, and a label that is 20 px off in the last two."""
    for folder in ("mp4", "gt"):
        (tmp_path / folder).mkdir()
    writer = cv2.VideoWriter(
        str(tmp_path / "mp4" / "one.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 256)
    )
    with (tmp_path / "gt" / "one.csv").open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow(["frame_idx0", "class", "x", "y", "w", "h"])
        for index in range(10):
            image = np.full((256, 320), 40, np.uint8)
            image[100:106, 100 + index : 106 + index] = 230
            writer.write(cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 0.8), cv2.COLOR_GRAY2BGR))
            rows.writerow([index, "DRONE", 98 + index + (20 if index > 7 else 0), 98, 10, 10])
    writer.release()
    report = printed("video_accuracy.py", "--data", str(tmp_path), "--video", "one", "--score", "0.5")
    assert report["all"]["targets"] == 10
    assert report["all"]["detection_rate"] == {"3_px": 0.8, "5_px": 0.8}
    assert report["all"]["false_alarms_per_frame"] >= 0.2
    assert report["by_target_size"]["under 8 px"]["targets"] >= 8
    rates = [point["detection_rate"]["5_px"] for point in report["curve"]]
    assert rates == sorted(rates, reverse=True)
    assert report["by_class"]["DRONE"]["targets"] == 10
    assert report["videos"]["one"]["frames"] == 10
