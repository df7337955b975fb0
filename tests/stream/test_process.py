"""Settings of a whole process, so each is looked at in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from edge_irdet.stream.process import SWITCH_SECONDS

PROBE = """
import gc, json, sys
import cv2
from edge_irdet.stream.process import keep_latency_even
before = len(gc.get_objects())
keep_latency_even()
print(json.dumps({
    "switch": sys.getswitchinterval(),
    "watched": len(gc.get_objects()) / before,
    "frozen": gc.get_freeze_count() / before,
    "enabled": gc.isenabled(),
    "threads": cv2.getNumThreads(),
}))
"""


def test_the_settings_for_even_latency_take_effect() -> None:
    finished = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["threads"] == 1
    assert abs(found["switch"] - SWITCH_SECONDS) < 1e-6
    assert found["enabled"], "garbage that is made later is collected"
    assert found["frozen"] > 0.9
    assert found["watched"] < 0.1, "what was loaded before is not looked through any more"
