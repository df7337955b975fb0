"""Settings of a process that streams: whoever owns it makes them, so the pipeline leaves them alone."""

from __future__ import annotations

import gc
import sys

import cv2

SWITCH_SECONDS = 0.0005
"""At Python's own 5 ms, the detector may wait that long while a source's or an output's thread computes."""


def keep_latency_even() -> None:
    """Set the process up for even latency; to be called once, when everything is loaded and before it runs.

    Threads of Python take turns sooner. What was loaded so far is no longer looked through for garbage, which
    would hold the whole process up for some milliseconds now and then. OpenCV works in the thread that calls
    it: frames of this size are not worth sharing out, and its workers would take a core from the detector.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    cv2.setNumThreads(1)
