"""An end for calls into a library that do not end by themselves, such as a graph with an endless loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from typing_extensions import Self

LONGEST_SECONDS = 60.0
"""Longest time that a graph may take to load, or one inference on the CPU. The largest variant takes a few
seconds on the slowest board."""


class Deadline:
    """A thread that cancels calls which take too long; a context manager.

    >>> with Deadline(60.0) as deadline:
    ...     deadline.begin(cancel)      # cancel() is called from the thread, once, when the time is over
    ...     call()
    ...     deadline.end()              # True where it was

    One thread for all calls: making one for each would cost every frame some 50 us.

    Args:
        seconds: longest time of one call.
    """

    def __init__(self, seconds: float = LONGEST_SECONDS) -> None:
        self.seconds = seconds
        self._changed = threading.Condition()
        self._cancel: Callable[[], None] | None = None
        self._until = 0.0
        self._expired = False
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="deadline", daemon=True)

    def begin(self, cancel: Callable[[], None]) -> None:
        """A call begins; ``cancel`` makes it return."""
        with self._changed:
            self._expired = False
            self._cancel, self._until = cancel, time.monotonic() + self.seconds

    def end(self) -> bool:
        """The call has ended; whether it was cancelled."""
        with self._changed:
            self._cancel = None
            return self._expired

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        # It looks now and then: waking it for every call would cost each of them two switches of threads.
        interval = min(1.0, self.seconds / 4)
        with self._changed:
            while not self._closed:
                if self._cancel is not None and time.monotonic() > self._until:
                    cancel, self._cancel = self._cancel, None
                    self._expired = True
                    cancel()
                self._changed.wait(interval)
