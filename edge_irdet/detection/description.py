"""What runs: the names that status, page and metrics show."""

from __future__ import annotations

import msgspec


class DetectorDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A detector in words."""

    package: str = ""
    """Name of the model package."""

    precision: str = ""
    """Precision that runs: ``fp32``, ``fp16`` or ``int8``."""

    runtime: str = ""
    """Runtime that runs it: ``cpu`` or ``tensorrt``."""

    reason: str = ""
    """Why this runtime and precision, one line; empty where the caller chose the runner."""
