"""What machine this is, for figures that mean nothing without it."""

from __future__ import annotations

import os
import platform


def describe_processor() -> str:
    """Processor model and usable cores, such as ``AMD EPYC, 2 cores``."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:
            names = (line.split(":", 1)[1].strip() for line in handle if line.startswith("model name"))
            model = next(names, model)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores"
