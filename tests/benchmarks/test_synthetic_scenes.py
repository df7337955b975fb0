from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from edge_irdet.scene import Clutter

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "synthetic_scenes.py"


def test_it_rates_every_scene_by_size_and_by_clarity() -> None:
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), "--seeds", "2", "--frames", "3"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    scenes = json.loads(finished.stdout)["scenes"]
    assert set(scenes) == {clutter.value for clutter in Clutter}
    for figures in scenes.values():
        found = figures["pd"] * figures["targets"]
        for classes in (figures["by_size"], figures["by_scr"]):
            assert sum(part["targets"] for part in classes.values()) == figures["targets"] > 10
            assert abs(sum(part["targets"] * part["pd"] for part in classes.values()) - found) < 0.5
