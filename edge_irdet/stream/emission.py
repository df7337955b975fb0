"""The emit thread: makes records and hands them to the sinks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.delivery import Detected
from edge_irdet.stream.outputs import CountedSink
from edge_irdet.stream.policy import EMIT_CAPACITY
from edge_irdet.stream.recording import RecordMaker
from edge_irdet.stream.sinks.sink import StreamInfo

PUT_SECONDS = 0.2
"""Time between two looks at whether a stream that waits for its sinks has been told to end."""

FINISH_SECONDS = 10.0
"""How long a stream that has ended waits for its sinks."""


class Emitter:
    """Takes detected frames in order and hands their records to the sinks, in a thread of its own.

    The sinks are opened when the first frame comes: a stream that gives none leaves no file.

    Args:
        records: makes the records.
        sinks: not yet open.
        board: where sources are described and every frame is counted.
        on_failure: called when the stream has to end; :attr:`error` says why.
    """

    def __init__(
        self,
        records: RecordMaker,
        sinks: Sequence[CountedSink],
        board: StreamBoard,
        on_failure: Callable[[], None],
    ) -> None:
        self.error: BaseException | None = None
        self._records = records
        self._sinks = sinks
        self._board = board
        self._on_failure = on_failure
        self._all_taken = False
        """Whether the end mark has been taken: what fails then, fails while the sinks are closed."""
        self._queue: queue.Queue[Detected | None] = queue.Queue(EMIT_CAPACITY)
        self._thread = threading.Thread(target=self._run, name="emit", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, detected: Detected, stopping: Callable[[], bool]) -> bool:
        """Hand a frame over; waits while the sinks are behind. After a failure it is left out.

        Args:
            detected: the frame.
            stopping: whether the stream has been told to end; then sinks that hang are not waited for.

        Returns:
            False where the sinks hang and the stream shall end.
        """
        waited = 0.0
        while True:
            try:
                self._queue.put(detected, timeout=PUT_SECONDS)
            except queue.Full:
                waited = waited + PUT_SECONDS if stopping() else 0.0
                if waited >= FINISH_SECONDS:
                    return False
            else:
                return True

    def finish(self) -> None:
        """Work off what waits, close the sinks and end; outputs that hang are left to themselves."""
        with suppress(queue.Full):
            self._queue.put(None, timeout=FINISH_SECONDS)
            self._thread.join(FINISH_SECONDS)
        if self._thread.is_alive() and self.error is None:
            names = ", ".join(counted.sink.name for counted in self._sinks)
            self.error = OutputFailedError(
                f"the outputs ({names}) have not come to their end within {FINISH_SECONDS:.0f} s",
                "see which one waits: a pipe without a reader, a network disk that is gone",
            )

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
            self._on_failure()
            while not self._all_taken and self._queue.get() is not None:
                pass

    def _work(self) -> None:
        with ExitStack() as stack:
            opened = False
            while (item := self._queue.get()) is not None:
                if not opened:
                    self._open(stack)
                    opened = True
                self._emit(item)
            self._all_taken = True

    def _open(self, stack: ExitStack) -> None:
        infos = [
            StreamInfo(source.uri, self._records.classes, source.rate, source.frame_count)
            for source in self._board.sources
        ]
        for counted in self._sinks:
            counted.open(infos)
            stack.push(counted.exit)

    def _emit(self, item: Detected) -> None:
        delivery = item.delivery
        record = self._records.make(item)
        for counted in self._sinks:
            counted.write(delivery.source_index, delivery.frame, record)
        self._board.sources[delivery.source_index].count_record(record)
        self._board.count_times(item, record.emit_ns, time.monotonic_ns())
