"""Settings of a process that streams: whoever owns it makes them, so the pipeline leaves them alone."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

import cv2

from edge_irdet.stream.second_signal import ended_by_second_signal

SWITCH_SECONDS = 0.0005
"""At Python's own 5 ms, the detector may wait that long while a source's or an output's thread computes."""


def keep_latency_even() -> None:
    """Set the process up for even latency; to be called once, when everything is loaded and before it runs.

    Threads of Python take turns sooner. What was loaded so far is no longer looked through for garbage, which
    would hold the whole process up for some milliseconds now and then. OpenCV works in the thread that calls
    it: frames of this size are not worth sharing out, and its workers would take a core from the detector.

    CPython 3.10 to 3.14 have all three settings; in a free-threaded build the turns are the system's.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    cv2.setNumThreads(1)


class Stoppable(Protocol):
    """What signals end, such as a :class:`~edge_irdet.stream.pipeline.Pipeline`."""

    def stop(self) -> None:
        """End in order; called from a signal handler."""


@contextmanager
def stopped_by_signals(stream: Stoppable) -> Iterator[None]:
    """Let Ctrl-C and a service manager's SIGTERM end a stream in order, with every record written.

    >>> with stopped_by_signals(pipeline):
    ...     pipeline.run()

    A second signal ends the process at once (:mod:`edge_irdet.stream.second_signal`).

    Only the main thread of a process gets signals; in any other thread this does nothing. The handlers that
    were there before come back at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        stream.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ended_by_second_signal():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
