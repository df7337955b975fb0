"""What the stream says about itself, asked for at most a few times a second whoever looks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec

from edge_irdet.stream.health import Health, HealthLimits, judge_health
from edge_irdet.stream.status import SinkStatus, SourceStatus, StreamStatus
from edge_irdet.stream.uri import redact_uri

FRESH_NS = 250_000_000

_log = logging.getLogger("edge_irdet.preview")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is told beside the pictures."""

    stream: StreamStatus | None
    """None where the stream did not answer."""

    health: Health
    """Judgement of the same moment."""

    viewers: int
    """Pages and plain streams that are being served."""


class StatusBoard:
    """Holds the newest status. It belongs to the server's thread.

    Args:
        status: asks the stream; called from the server's thread.
        limits: for the judgement.
    """

    def __init__(self, status: Callable[[], StreamStatus], limits: HealthLimits) -> None:
        self._status = status
        self._limits = limits
        self._asked_ns = 0
        self._stream: StreamStatus | None = None
        self._failure: str | None = None

    def stream(self) -> StreamStatus | None:
        """The status, credentials taken out once more; None where the stream did not answer."""
        now = time.monotonic_ns()
        if not self._asked_ns or now - self._asked_ns > FRESH_NS:
            self._asked_ns = now
            try:
                self._stream = redacted(self._status())
                self._failure = None
            except Exception as error:
                # Whatever it is: a page that shows nothing at all would be the worse answer.
                if self._failure is None:
                    _log.warning("the stream's status cannot be had: %s", type(error).__name__, exc_info=True)
                self._stream = None
                self._failure = type(error).__name__
        return self._stream

    def health(self) -> Health:
        """The judgement of now."""
        stream = self.stream()
        if stream is None:
            reason = f"the stream does not say how it is: {self._failure}"
            return Health(alive=False, healthy=False, reasons=[reason], record_age_seconds=None)
        return judge_health(stream, time.monotonic_ns(), self._limits)

    def source(self, name: str) -> SourceStatus | None:
        """A source's status by its URI, None where there is none."""
        stream = self.stream()
        return next((source for source in stream.sources if source.source == name), None) if stream else None

    def source_at(self, index: int) -> SourceStatus | None:
        """A source's status by its place, None where there is none."""
        stream = self.stream()
        return stream.sources[index] if stream is not None and 0 <= index < len(stream.sources) else None


def redacted(status: StreamStatus) -> StreamStatus:
    """The same status without credentials in its names and errors, whoever filled it in."""
    return msgspec.structs.replace(
        status,
        sources=[_redacted_source(source) for source in status.sources],
        sinks=[_redacted_sink(sink) for sink in status.sinks],
    )


def _redacted_source(source: SourceStatus) -> SourceStatus:
    error = None if source.last_error is None else redact_uri(source.last_error)
    return msgspec.structs.replace(source, source=redact_uri(source.source), last_error=error)


def _redacted_sink(sink: SinkStatus) -> SinkStatus:
    error = None if sink.last_error is None else redact_uri(sink.last_error)
    return msgspec.structs.replace(sink, sink=redact_uri(sink.sink), last_error=error)
