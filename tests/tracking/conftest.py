from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # tracker_feed
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # the overlap baseline to compare with
