from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "preprocess.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_every_mapping_is_timed_in_every_size() -> None:
    finished = run("--frame", "64x48", "--frames", "10")
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert set(report["sizes"]) == {"64x48"}
    for kind in ("scene", "wide"):
        timed = report["sizes"]["64x48"][kind]
        assert {name.partition("@")[0].partition(":")[0] for name in timed} == {
            "none (8-bit frames)",
            "fixed-range",
            "linear-percentile",
            "plateau",
        }
        for figures in timed.values():
            assert 0 < figures["min_ms"] <= figures["median_ms"] <= figures["p99_ms"]


def test_a_malformed_size_is_no_traceback() -> None:
    finished = run("--frame", "big")
    assert finished.returncode != 0
    assert "Traceback" not in finished.stderr
