from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the fakes beside this file
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
