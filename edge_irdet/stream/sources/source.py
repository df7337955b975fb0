"""What every source is."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar

from typing_extensions import Self

from edge_irdet.stream.frame import Frame
from edge_irdet.stream.uri import redact_uri

READ_SECONDS = 1.0
"""A live source's read comes back within this time: with a frame, or with :class:`ReadTimeout`."""

NAMED_SKIPS = 20
"""Skipped frames that are kept by name; the rest is only counted, so that weeks of running do not grow."""


class ReadTimeout(Exception):  # noqa: N818 - not an error: nothing has failed
    """No frame came within :data:`READ_SECONDS`; the source is still open and may be read again."""


@dataclass
class Skips:
    """Frames that were there and could not be read."""

    count: int = 0
    """How many."""

    reasons: list[str] = field(default_factory=list)
    """The first ones, each with its name and reason."""

    def add(self, reason: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.reasons) < NAMED_SKIPS:
            self.reasons.append(reason)


class Source(ABC):
    """Gives frames one by one; a context manager. It belongs to the thread that reads it.

    Args:
        uri: as the user wrote it.
    """

    usage: ClassVar[str]
    """How its URIs look, one line for messages and help."""

    live: ClassVar[bool]
    """Whether frames come in real time and are lost when nobody reads; the policy is then ``latest``."""

    def __init__(self, uri: str) -> None:
        self.uri = redact_uri(uri)
        self.skips = Skips()
        self.missed = 0
        """Frames that the device made and that never arrived, by gaps in its own numbering since opening."""

    @property
    def frame_count(self) -> int | None:
        """Frames that the source says it has, None where it cannot know."""
        return None

    @property
    def rate(self) -> float | None:
        """Frames per second that the source says it has, None where it cannot know."""
        return None

    @property
    def has_truth(self) -> bool:
        """Whether its frames carry ground truth, so that detections can be scored."""
        return False

    @property
    def negotiated(self) -> str | None:
        """What a live source agreed to give, for people; None where it has nothing to say."""
        return None

    @abstractmethod
    def open(self) -> None:
        """Open it.

        Raises:
            SourceMissingError, SourceTruncatedError, CameraError: it cannot be opened.
            SourceLostError: a live source that is not reachable now.
        """

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame, or None at the end.

        A frame that is there but unreadable is added to :attr:`skips` and passed over; the next one has its
        ``discontinuity`` set. No frame is ever made up, and no image is written into while anybody may still
        look at it: make a new array for each frame, or take images from
        :class:`edge_irdet.stream.image_pool.ImagePool`.

        Raises:
            SourceTruncatedError: the source ended before the end it had declared; the frames before are good.
            CameraError, SourceLostError: a live source failed; it is closed and opened again by whoever wants
                it back.
            ReadTimeout: a live source gave nothing for :data:`READ_SECONDS`. A time-out is not an error.
        """

    @abstractmethod
    def close(self) -> None:
        """Give everything back; may be called again."""

    def renewed(self) -> Self:
        """A new source with the same settings, to be called before opening: it takes this one's place when
        this one hangs in a call and cannot even be closed."""
        return copy.deepcopy(self)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
