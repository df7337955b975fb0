"""Frame numbers out of the numbers that drivers give."""

from __future__ import annotations

from dataclasses import dataclass

_RANGE = 1 << 32
_HALF_RANGE = 1 << 31


@dataclass(frozen=True, slots=True)
class Step:
    """From one frame to the next."""

    sequence: int
    """Number of the frame, from 0; never falls, never repeats."""

    missed: int
    """Frames between this one and the one before that never arrived."""

    broken: bool
    """Whether frames are missing before this one, a known number or not."""


class SequenceNumbers:
    """Numbers frames by the driver's 32-bit sequence numbers.

    The driver's number may start anywhere and wrap. One that stays where it is tells nothing: every frame
    then counts one. One that falls back was started again: how many frames that cost is not known.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._sequence = -1

    def advance(self, number: int) -> Step:
        """Take the driver's number of the next frame, [0, 2^32)."""
        last, self._last = self._last, number
        ahead = 1 if last is None else (number - last) % _RANGE
        if ahead == 0 or ahead >= _HALF_RANGE:
            self._sequence += 1
            return Step(self._sequence, 0, ahead != 0)
        self._sequence += ahead
        return Step(self._sequence, ahead - 1, ahead > 1)
