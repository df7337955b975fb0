"""What runs: the names that status, page and metrics show."""

from __future__ import annotations

import msgspec


class DetectorDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A detector in words."""

    package: str = ""
    """Name of the model package."""

    precision: str = ""
    """Precision that runs: ``fp32``, ``fp16`` or ``int8``; empty where it is not known."""

    runtime: str = ""
    """Runtime that runs it: ``cpu`` or ``tensorrt``, or the name of a runner that was handed in."""

    reason: str = ""
    """Which runtime and precision, and why; one line."""
