"""Sinks at work: each takes the records of its source, and what it loses is counted."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import TracebackType

from edge_irdet.errors import EdgeIrdetError, OutputGoneError
from edge_irdet.record import Record
from edge_irdet.stream.board import SinkEntry
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.sink import Output, StreamInfo

_log = logging.getLogger(__name__)


class CountedSink:
    """A sink whose failures are counted instead of ending the stream.

    Args:
        output: the sink, not yet open.
        entry: where its records are counted.
        stop_on_failure: whether a record it cannot take is raised after all.
    """

    def __init__(self, output: Output, entry: SinkEntry, stop_on_failure: bool) -> None:
        self.sink = output.sink
        self.source_index = output.source_index
        self._entry = entry
        self._stop_on_failure = stop_on_failure

    def open(self, infos: Sequence[StreamInfo]) -> None:
        """Open the sink.

        Raises:
            OutputFailedError: it cannot be written to; a mistake at the start is never only counted.
        """
        if self.source_index is not None or len(infos) == 1:
            self.sink.open(infos[self.source_index or 0])
        else:
            names = ",".join(info.source for info in infos)
            self.sink.open(StreamInfo(names, infos[0].classes, None, None))
        self._look()

    def write(self, source_index: int, frame: Frame, record: Record) -> None:
        """Hand a record over if it is of the sink's source.

        Raises:
            OutputGoneError: nothing can ever be written again.
            EdgeIrdetError: it failed and failures shall end the stream.
        """
        if self.source_index is not None and self.source_index != source_index:
            return
        try:
            self.sink.write(frame, record)
        except OutputGoneError:
            raise
        except Exception as error:
            # Any exception: a fault in one output must not cost the others a month at sea.
            if self._stop_on_failure:
                raise
            self._count_loss(error)
        else:
            if self._entry.failing:
                _log.info("output works again", extra={"sink": self.sink.name, "lost": self._entry.lost})
            self._entry.count_written()
        self._look()

    def exit(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """For an exit stack: close the sink, or abandon it while an error is on its way."""
        try:
            self.sink.exit(kind, error, trace)
        finally:
            self._look()

    def _look(self) -> None:
        """Take over what the sink says of itself."""
        self._entry.set_lost_later(self.sink.lost_later)
        if self._entry.file != self.sink.file:
            self._entry.set_file(self.sink.file)

    def _count_loss(self, error: Exception) -> None:
        unexpected = None
        if isinstance(error, EdgeIrdetError):
            reason = error.what
        else:
            unexpected, reason = error, f"{type(error).__name__}: {error}"
        if not self._entry.failing:
            _log.warning(
                "output failed", extra={"sink": self.sink.name, "reason": reason}, exc_info=unexpected
            )
        self._entry.count_refused(reason)
