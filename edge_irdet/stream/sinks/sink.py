"""What every sink is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, NamedTuple

from edge_irdet.record import Record
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.uri import redact_uri


@dataclass(frozen=True)
class StreamInfo:
    """What is known about a stream before its first frame."""

    source: str
    """The source's URI without credentials; of several sources, all of them with commas between."""

    classes: tuple[str, ...]
    """Class names."""

    rate: float | None
    """Frames per second of the source, None where unknown."""

    frame_count: int | None
    """Frames of the source, None where unknown."""


class Sink(ABC):
    """Takes records; belongs to the pipeline's emit thread.

    A sink that fails in :meth:`write` is asked again with the next record, unless the stream was told to end
    with it; what it could not take is counted. So it must be in order again after it has raised: nothing
    half-written, and a lost peer connected to again.

    Args:
        name: what messages and status call it: the output as the user wrote it, without credentials.
    """

    usage: ClassVar[str]
    """How its URIs look, one line for messages and help."""

    shared: ClassVar[bool] = True
    """Whether it can take the records of several sources at once, which name theirs in ``source``; else each
    source needs a sink of its own."""

    def __init__(self, name: str) -> None:
        self.name = redact_uri(name)
        self.file: str | None = None
        """The file that it writes, where that takes another name than the one that was asked for."""
        self.lost_later = 0
        """Records that :meth:`write` took and that were lost on their way to the peer; only ever grows."""

    def attach(self, board: StreamBoard) -> None:  # noqa: B027 - most sinks only take records
        """Get to know how the stream is; called once, when the pipeline is made. Keeps nothing by default.

        Args:
            board: of the pipeline; its methods may be called from any thread.
        """

    @abstractmethod
    def open(self, info: StreamInfo) -> None:
        """Get ready, after the source has been opened.

        Raises:
            OutputFailedError: it cannot be written to.
        """

    @abstractmethod
    def write(self, frame: Frame, record: Record) -> None:
        """Take one frame and its record, quickly. The frame may be kept; each one that is costs its memory.

        A sink that may have to wait (a network peer, a slow encoder) does so in a thread of its own behind a
        bounded queue, and raises for what it had to leave out.

        Raises:
            OutputFailedError: it could not be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish: everything taken is complete and readable.

        Raises:
            OutputFailedError: it could not be finished.
        """

    def abandon(self) -> None:
        """Finish after an error elsewhere: keep what is good; do not raise. By default as :meth:`close`."""
        try:
            self.close()
        except Exception:
            return

    def exit(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """For an exit stack: close, or abandon while an error is on its way."""
        if error is None:
            self.close()
        else:
            self.abandon()


class Output(NamedTuple):
    """One sink and what it takes."""

    sink: Sink
    """Not yet open."""

    source_index: int | None = None
    """Number of the source whose records it takes; None takes those of all sources."""
