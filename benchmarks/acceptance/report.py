"""What an acceptance run found, as one JSON object, and the exit code that follows from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

SCHEMA = 1
"""Version of the JSON object."""

ALL_WELL = 0
SOMETHING_FAILED = 1
NO_GPU = 2


class Status(str, Enum):
    """What became of a check."""

    PASSED = "passed"
    """It ran to its end, and every comparison in it held."""

    FAILED = "failed"
    """It ran, and something in it failed, differed too much, crashed or hung."""

    SKIPPED = "skipped"
    """It did not run, or could not be expected to, for want of what the reason names."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check."""

    name: str
    status: Status
    reason: str
    """Why it was skipped or failed; empty where it passed."""

    figures: dict[str, Any] = field(default_factory=dict)
    """What was measured, also up to a failure."""

    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class AcceptanceReport:
    """One run."""

    time: str
    """Start of the run, UTC, ISO 8601."""

    machine: Mapping[str, Any]
    device: Mapping[str, Any] | None
    """The GPU; None where there is none."""

    versions: Mapping[str, str | None]
    """Installed distributions; None for one that is not."""

    settings: Mapping[str, Any]
    checks: list[CheckResult]
    error: str | None = None
    """Coded error that kept all checks from running, as where there is no GPU."""

    @property
    def exit_code(self) -> int:
        """0 where nothing failed, 1 where something did, 2 where there is no GPU."""
        if self.device is None:
            return NO_GPU
        failed = any(check.status is Status.FAILED for check in self.checks)
        return SOMETHING_FAILED if failed else ALL_WELL

    def to_json(self) -> str:
        """The JSON object, ending in a newline; numbers that are not finite become text (``"inf"``)."""
        counts = {status.value: sum(check.status is status for check in self.checks) for status in Status}
        content = {
            "schema": SCHEMA,
            "benchmark": "gpu_acceptance",
            "time": self.time,
            "machine": dict(self.machine),
            "device": None if self.device is None else dict(self.device),
            "versions": dict(self.versions),
            "settings": dict(self.settings),
            "error": self.error,
            "summary": {**counts, "exit_code": self.exit_code},
            "checks": [asdict(check) for check in self.checks],
        }
        return json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """The value with every float that JSON cannot hold as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
