"""Wrong tokens: counted, logged once per burst, and answered shortly where there are too many.

The right token is never refused, however many wrong ones came from the same address: an owner behind the same
router as a stranger would be shut out else. A guess among 16 characters is hopeless at any rate; the limit is
there so that guessing costs the device next to nothing, and each guess a connection of its own.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict
from typing import Any

from edge_irdet.preview.bursts import Burst

BURST_PER_ADDRESS, SECONDS_PER_ATTEMPT = 10, 6.0
"""Wrong tokens that one address may show at once, and the time after which it may show one more."""

BURST_IN_TOTAL, SECONDS_PER_ATTEMPT_IN_TOTAL = 100, 0.6

MOST_ADDRESSES = 1024
"""Addresses that are remembered; of more, those that showed a wrong token last."""

UNKNOWN_ADDRESS = "unknown"

_log = logging.getLogger("edge_irdet.preview")


class Allowance:
    """A number of attempts that are used up and come back with time.

    Args:
        burst: attempts at once.
        seconds: time after which one comes back.
        now: monotonic clock, seconds.
    """

    def __init__(self, burst: int, seconds: float, now: float) -> None:
        self._burst = burst
        self._seconds = seconds
        self._left = float(burst)
        self._since = now

    def take(self, now: float) -> bool:
        """Use one up; False where none is left."""
        self._left = min(self._burst, self._left + (now - self._since) / self._seconds)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class WrongTokens:
    """Those that strangers have shown; of bounded size, however many addresses they come from."""

    def __init__(self) -> None:
        self.count = 0
        """All so far."""
        self._total = Allowance(BURST_IN_TOTAL, SECONDS_PER_ATTEMPT_IN_TOTAL, time.monotonic())
        self._addresses: OrderedDict[str, Allowance] = OrderedDict()
        self._burst = Burst()

    def note(self, address: str) -> bool:
        """Take one.

        Args:
            address: of its sender, as :func:`address_of` gives it.

        Returns:
            Whether it is within what is allowed.
        """
        now = time.monotonic()
        self.count += 1
        if self._burst.begins(now):
            _log.warning("wrong token", extra={"address": address, "wrong_tokens": self.count})
        allowance = self._addresses.pop(address, None)
        if allowance is None:
            allowance = Allowance(BURST_PER_ADDRESS, SECONDS_PER_ATTEMPT, now)
            if len(self._addresses) >= MOST_ADDRESSES:
                self._addresses.popitem(last=False)
        self._addresses[address] = allowance
        # Both are asked, so that neither is spared by the other.
        own, total = allowance.take(now), self._total.take(now)
        return own and total


def address_of(peer: Any) -> str:
    """What counts as one address: of IPv6 the network, because one machine has as many addresses as it likes.

    Args:
        peer: the connection's other end, as the system tells it: address, port and what else.
    """
    try:
        address = ipaddress.ip_address(peer[0].partition("%")[0])
    except (TypeError, IndexError, AttributeError, ValueError):
        return UNKNOWN_ADDRESS
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)
