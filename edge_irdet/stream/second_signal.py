"""A second signal ends the process at once, also while a library computes and Python cannot run a handler."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Signals that ask a process to end."""

SAME_SECONDS = 0.2
"""Signals that follow one another sooner are one wish: some service managers send two, and that of a terminal
may arrive by two ways."""

MESSAGE = b"ended by a second signal; what was not yet written is lost\n"


@contextmanager
def ended_by_second_signal() -> Iterator[None]:
    """Let a second SIGINT, SIGTERM or SIGHUP end the process with 128 and the signal's number.

    A handler in Python waits until the main thread comes back from the library that it has called, which may
    be never. The interpreter itself writes the number of a signal that has such a handler to a pipe, and a
    thread reads it there. The first signal is left to its handler.

    In another thread than the main one, and where the process already watches its signals in this way, this
    does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
        yield
        return
    watching = threading.Thread(target=_watch, args=(reading,), name="second signal", daemon=True)
    watching.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        os.close(writing)
        watching.join()


def _watch(reading: int) -> None:
    first: float | None = None
    while numbers := os.read(reading, 64):
        for number in numbers:
            if number not in ENDING:
                continue
            now = time.monotonic()
            if first is not None and now - first > SAME_SECONDS:
                os.write(2, MESSAGE)
                os._exit(128 + number)
            first = now if first is None else first
    os.close(reading)
