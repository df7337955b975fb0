"""An event that signal handlers may set."""

from __future__ import annotations

import threading


class ReentrantEvent:
    """As :class:`threading.Event`, without :meth:`clear`, and :meth:`set` may interrupt itself.

    A signal handler runs inside of whatever its thread is doing, which may be setting this very event: a
    second Ctrl-C, or one while the stream ends by itself. The lock of ``threading.Event`` is not re-entrant,
    so that thread would wait for itself.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._changed = threading.Condition(threading.RLock())

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake whoever waits."""
        self._is_set = True
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it is set; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(self.is_set, seconds)
