"""A blocking capture behind a read that comes back in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from edge_irdet.stream.sources.source import ReadTimeout

Item = TypeVar("Item")

CLOSE_SECONDS = 0.5
"""How long :meth:`ReadingThread.close` waits for a read that is under way; the thread then ends by itself."""


class ReadingThread(Generic[Item]):
    """Calls a blocking read again and again in its own thread and hands over one item at a time.

    OpenCV's captures cannot be asked whether a frame is there, and one that its own time-out interrupted is
    dead. Here the wait can end while the read goes on. The thread reads one item ahead and then waits until
    that is taken: nothing is dropped here and nothing piles up.

    Args:
        name: of the thread, for debuggers; no credentials.
        read_one: blocks until the next item is there; what it raises ends the thread and is raised by
            :meth:`get`. Called in the thread.
        release: gives back what ``read_one`` reads from. Called once, in the thread, after the last read.
    """

    def __init__(self, name: str, read_one: Callable[[], Item], release: Callable[[], None]) -> None:
        self._read_one = read_one
        self._release = release
        self._item: Item | None = None
        self._failure: Exception | None = None
        self._closing = False
        self._changed = threading.Condition()
        # A daemon: a read that hangs in foreign code must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the last read has come back and everything is released."""
        return not self._thread.is_alive()

    def get(self, seconds: float) -> Item:
        """The next item.

        Raises:
            ReadTimeout: none came within ``seconds``.
            Exception: what ``read_one`` raised, after all items before it have been taken.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_news, seconds):
                raise ReadTimeout
            if self._item is None:
                assert self._failure is not None
                raise self._failure
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """End the thread; a read under way is waited for :data:`CLOSE_SECONDS`. May be called again."""
        with self._changed:
            self._closing = True
            self._item = None
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(CLOSE_SECONDS)

    def _has_news(self) -> bool:
        return self._item is not None or self._failure is not None

    def _run(self) -> None:
        try:
            while True:
                item = self._read_one()
                with self._changed:
                    self._item = item
                    self._changed.notify_all()
                    del item  # else it would live until the next one is there
                    self._changed.wait_for(lambda: self._item is None or self._closing)
                    if self._closing:
                        return
        except Exception as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()
        finally:
            self._release()
