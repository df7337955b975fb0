from __future__ import annotations

import threading
import time

import numpy as np

from doubles.boards import board_of
from edge_irdet.record import LossCounts
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.policy import LOSSLESS_CAPACITY, FramePolicy, FrameQueues


def frame(sequence: int) -> Frame:
    return Frame(np.zeros((2, 2), np.uint8), sequence, 0, "test", PixelFormat.GREY)


def queue_of(policy: FramePolicy) -> FrameQueues:
    return FrameQueues([policy], [board_of().add_source("test")])


def test_latest_gives_the_newest_and_counts_the_others() -> None:
    queue = queue_of(FramePolicy.LATEST)
    for sequence in range(5):
        assert queue.put(0, frame(sequence), LossCounts())
    got = queue.get()
    assert (got.frame.sequence, got.frame.discontinuity, got.counts.dropped) == (4, True, 4)
    queue.put(0, frame(5), LossCounts())
    got = queue.get()
    assert (got.frame.sequence, got.frame.discontinuity, got.counts.dropped) == (5, False, 4)


def test_lossless_gives_every_frame_once_to_a_slow_worker() -> None:
    queue = queue_of(FramePolicy.LOSSLESS)

    def produce() -> None:
        for sequence in range(20):
            queue.put(0, frame(sequence), LossCounts())
        queue.finish(0)

    producer = threading.Thread(target=produce)
    producer.start()
    got = []
    while (item := queue.get()) is not None:
        time.sleep(0.001)
        got.append(item.frame.sequence)
        assert not item.frame.discontinuity
        assert item.counts.dropped == 0
    producer.join()
    assert got == list(range(20))


def test_lossless_is_bounded_and_cancelling_frees_a_waiting_source() -> None:
    queue = queue_of(FramePolicy.LOSSLESS)
    results = []

    def produce() -> None:
        for sequence in range(100):
            results.append(queue.put(0, frame(sequence), LossCounts()))
            if not results[-1]:
                return

    producer = threading.Thread(target=produce)
    producer.start()
    deadline = time.monotonic() + 10
    while len(results) < LOSSLESS_CAPACITY and time.monotonic() < deadline:
        time.sleep(0.001)
    queue.cancel()
    producer.join(10)
    assert results == [True] * LOSSLESS_CAPACITY + [False]
    assert [queue.get().frame.sequence for _ in range(LOSSLESS_CAPACITY)] == list(range(LOSSLESS_CAPACITY))
    assert queue.get() is None


def test_finish_wakes_a_waiting_worker() -> None:
    queue = queue_of(FramePolicy.LATEST)
    got: list[object] = []
    worker = threading.Thread(target=lambda: got.append(queue.get()))
    worker.start()
    queue.finish(0)
    worker.join(10)
    assert got == [None]


def test_a_worker_looks_up_now_and_then() -> None:
    """Python runs a signal's handler, which cancels, only when the main thread's wait is over."""
    queue = queue_of(FramePolicy.LATEST)
    given: list[object] = []
    worker = threading.Thread(target=lambda: given.append(queue.get()), daemon=True)
    worker.start()
    time.sleep(0.01)
    queue._cancelled = True  # nobody is notified
    worker.join(20)
    assert given == [None]
