from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from edge_irdet.errors import SourceLostError
from edge_irdet.stream.sources.reading_thread import ReadingThread
from edge_irdet.stream.sources.source import ReadTimeout


class Reads:
    """Gives what is put in, blocks until then, and counts."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.calls = 0
        self.released = threading.Event()
        self.changed = threading.Condition()

    def put(self, *items: object) -> None:
        with self.changed:
            self.items.extend(items)
            self.changed.notify_all()

    def __call__(self) -> object:
        with self.changed:
            self.calls += 1
            self.changed.wait_for(lambda: bool(self.items))
            item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item


@pytest.fixture
def reads() -> Reads:
    return Reads()


def started(reads: Callable[[], object]) -> ReadingThread[object]:
    return ReadingThread("test", reads, reads.released.set)


def test_items_come_in_order_and_then_the_failure_every_time(reads: Reads) -> None:
    thread = started(reads)
    reads.put(1, 2, SourceLostError("gone", "look"))
    assert [thread.get(5.0), thread.get(5.0)] == [1, 2]
    for _ in range(2):
        with pytest.raises(SourceLostError, match="gone"):
            thread.get(5.0)
    assert reads.released.wait(5.0)
    thread.close()
    assert thread.ended


def test_a_wait_that_ends_does_not_end_the_read(reads: Reads) -> None:
    thread = started(reads)
    for _ in range(3):
        with pytest.raises(ReadTimeout):
            thread.get(0.01)
    assert reads.calls == 1
    reads.put("late")
    assert thread.get(5.0) == "late"
    thread.close()
    reads.put("never taken")
    assert reads.released.wait(5.0)


def test_it_reads_one_ahead_and_no_further(reads: Reads) -> None:
    thread = started(reads)
    reads.put(*range(10))
    assert thread.get(5.0) == 0
    assert thread.get(5.0) == 1
    thread.close()
    assert thread.ended
    assert reads.calls <= 4


def test_closing_does_not_wait_for_a_read_that_hangs(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_irdet.stream.sources.reading_thread.CLOSE_SECONDS", 0.05)
    thread = started(reads)
    thread.close()
    assert not thread.ended
    assert not reads.released.is_set(), "nothing is released under a read's feet"
    reads.put("back at last")
    assert reads.released.wait(5.0)
