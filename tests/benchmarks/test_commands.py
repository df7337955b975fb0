"""The benchmarks run and say what they measured; no figure is asserted, that is not a test's business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
