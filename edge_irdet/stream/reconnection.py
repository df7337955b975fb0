"""When a lost source is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from edge_irdet.errors import OptionError


@dataclass(frozen=True)
class ReconnectionConfig:
    """How a live source that stalls or fails is treated. Files are never tried again."""

    wait_for_source_seconds: float = 0.0
    """How long a source that cannot be opened at the start may take to appear; then its error ends the
    stream. 0 takes a source that is not there for a mistake."""

    stalled_after_seconds: float = 2.0
    """Without a frame for this long a source counts as stalled."""

    lost_after_seconds: float = 5.0
    """Without a frame for this long, or with a read that has not come back for this long, it is given up,
    closed and opened again."""

    first_pause_seconds: float = 0.1
    """Pause before the first new attempt; each further one waits twice as long."""

    longest_pause_seconds: float = 1.0
    """Longest pause: what a source that is back again may wait to be noticed."""

    steady_after_seconds: float = 5.0
    """A source that ran for this long starts with the first pause again when it is lost; one that keeps
    breaking goes on with the longer ones."""

    give_up_after_seconds: float | None = None
    """A source that has been lost for this long ends the stream; None waits indefinitely."""

    def __post_init__(self) -> None:
        if not 0 < self.stalled_after_seconds <= self.lost_after_seconds:
            raise OptionError(
                f"stalled after {self.stalled_after_seconds} s and lost after {self.lost_after_seconds} s",
                "choose times above 0, the second not below the first, for example 2 and 5",
            )
        if not 0 < self.first_pause_seconds <= self.longest_pause_seconds:
            raise OptionError(
                f"pauses from {self.first_pause_seconds} s to {self.longest_pause_seconds} s",
                "choose times above 0, the longest not below the first, for example 0.1 and 1",
            )


class BackOff:
    """Pauses that grow twofold up to a limit, with jitter so that many clients do not come back as one.

    Args:
        config: first and longest pause.
        seed: of the jitter; None takes one from the system.
    """

    def __init__(self, config: ReconnectionConfig, seed: int | None = None) -> None:
        self._config = config
        self._random = random.Random(seed)
        self._attempts = 0

    def reset(self) -> None:
        """Start with the first pause again."""
        self._attempts = 0

    def next_pause(self) -> float:
        """Seconds to wait before the next attempt: between half the step and the whole of it."""
        # The exponent is bounded, or weeks of attempts overflow it.
        step = self._config.first_pause_seconds * 2.0 ** min(self._attempts, 32)
        self._attempts += 1
        return min(step, self._config.longest_pause_seconds) * self._random.uniform(0.5, 1.0)
