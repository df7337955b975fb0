"""How long one frame takes on a runner."""

from __future__ import annotations

import time

import numpy as np

from edge_irdet.engine.runner import Runner

WARM_UP_FRAMES = 20
"""Frames before the clock counts: the GPU's clocks rise in them."""


def measure_latency(runner: Runner, frames: int = 200) -> dict[str, float]:
    """Time an active runner frame by frame, copies included.

    Args:
        runner: an active runner; the calling thread owns it.
        frames: how many are timed.

    Returns:
        ``p50``, ``p90`` and ``p99`` in milliseconds.
    """
    feeds = {name: np.zeros(spec.shape, spec.dtype) for name, spec in runner.inputs.items()}
    times = np.empty(frames)
    for index in range(-WARM_UP_FRAMES, frames):
        started = time.perf_counter()
        runner.infer(feeds)
        if index >= 0:
            times[index] = time.perf_counter() - started
    return {f"p{rank}": round(float(np.percentile(times, rank)) * 1e3, 4) for rank in (50, 90, 99)}
