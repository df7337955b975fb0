"""Where the real infrared data lies that some tests use; it is never committed."""

from __future__ import annotations

import os
from pathlib import Path

REAL_DATA = Path(os.environ.get("EDGE_IRDET_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
"""``EDGE_IRDET_DATA``, or ``shared/data`` beside the checkout; it need not be there."""
