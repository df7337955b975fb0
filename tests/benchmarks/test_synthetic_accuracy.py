from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "synthetic_accuracy.py"


def test_it_measures_mappings_and_centroids() -> None:
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), "--seeds", "1", "--frames", "2"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    for figures in report["mappings"].values():
        for scene in ("even", "hot_ground"):
            assert figures[scene]["targets"] > 10
            assert 0 <= figures[scene]["pd"] <= 1
    assert report["centroids"]["detections"] > 10
    assert report["centroids"]["centroid"]["mean_px"] < report["centroids"]["box"]["mean_px"]
