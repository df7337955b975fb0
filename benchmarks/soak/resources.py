"""What a process holds: memory, open files, threads."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Sample:
    """Resources at one moment."""

    seconds: float
    """Since the start."""

    resident_mib: float
    """Resident memory."""

    files: int
    """Open file descriptors."""

    threads: int
    """Threads of Python."""


def take_sample(started: float) -> Sample:
    """What this process holds now (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as handle:
        pages = int(handle.read().split()[1])
    return Sample(
        seconds=time.monotonic() - started,
        resident_mib=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        files=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
    )


class ResourceRecorder(threading.Thread):
    """Takes samples at equal intervals until it is ended.

    Args:
        interval: seconds between two samples.
    """

    def __init__(self, interval: float) -> None:
        super().__init__(name="resources", daemon=True)
        self.samples: list[Sample] = []
        self._interval = interval
        self._ended = threading.Event()
        self._began = time.monotonic()

    def run(self) -> None:
        """Take samples."""
        while not self._ended.wait(self._interval):
            self.samples.append(take_sample(self._began))

    def end(self) -> list[Sample]:
        """Stop, and give what was taken."""
        self._ended.set()
        self.join()
        return self.samples


def growth(samples: list[Sample], name: str) -> float:
    """How far a figure rose from the second quarter of a run to its last: the first quarter is warm-up.

    Args:
        samples: in their order, at least eight.
        name: a field of :class:`Sample`.
    """
    values = [float(getattr(sample, name)) for sample in samples]
    quarter = len(values) // 4
    return median(values[-quarter:]) - median(values[quarter : 2 * quarter])
