"""Sinks at work: what each took, what it lost, and for which source it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from edge_irdet.errors import EdgeIrdetError, OutputGoneError
from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.sink import Output, StreamInfo
from edge_irdet.stream.status import SinkStatus

_log = logging.getLogger(__name__)


class CountedSink:
    """A sink whose failures are counted instead of ending the stream.

    Args:
        output: the sink, not yet open.
        stop_on_failure: whether a record it cannot take is raised after all.
    """

    def __init__(self, output: Output, stop_on_failure: bool) -> None:
        self.sink = output.sink
        self.source_index = output.source_index
        self.written = 0
        self._refused = 0
        self.failing = False
        self.last_error: str | None = None
        self._stop_on_failure = stop_on_failure

    @property
    def lost(self) -> int:
        """Records it could not take, or took and lost on their way."""
        return self._refused + self.sink.lost_later

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
            self.written += 1
            if self.failing:
                self.failing = False
                _log.info("output works again", extra={"sink": self.sink.name, "lost": self.lost})

    def status(self) -> SinkStatus:
        """What it took and lost so far."""
        return SinkStatus(
            sink=self.sink.name,
            written=self.written,
            lost=self.lost,
            failing=self.failing,
            last_error=self.last_error,
        )

    def _count_loss(self, error: Exception) -> None:
        self._refused += 1
        unexpected = None
        if isinstance(error, EdgeIrdetError):
            self.last_error = error.what
        else:
            unexpected, self.last_error = error, f"{type(error).__name__}: {error}"
        if not self.failing:
            self.failing = True
            _log.warning(
                "output failed",
                extra={"sink": self.sink.name, "reason": self.last_error},
                exc_info=unexpected,
            )
