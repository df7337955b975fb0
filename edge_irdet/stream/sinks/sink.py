"""What every sink is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar

from edge_irdet.detection.detections import Detections
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.record import Record


@dataclass(frozen=True)
class StreamInfo:
    """What is known about a stream before its first frame."""

    source: str
    """The source's URI without credentials."""

    classes: tuple[str, ...]
    """Class names."""

    rate: float | None
    """Frames a second of the source, None where unknown."""

    frame_count: int | None
    """Frames of the source, None where unknown."""


class Sink(ABC):
    """Takes records; belongs to the pipeline's worker thread."""

    usage: ClassVar[str]
    """How its URIs look, one line for messages and help."""

    @abstractmethod
    def open(self, info: StreamInfo) -> None:
        """Get ready, after the source has been opened.

        Raises:
            OutputFailedError: it cannot be written to.
        """

    @abstractmethod
    def write(self, frame: Frame, detections: Detections, record: Record) -> None:
        """Take one frame and its record. The frame's image must be copied to be kept.

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
