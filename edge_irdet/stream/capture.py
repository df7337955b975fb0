"""One source's thread: reads frames, and brings a live source back when it is lost.

    connecting -> running <-> stalled
         ^           |           |
         |           +--> lost <-+
         +--- waiting <--+

A read that does not come back cannot be interrupted: its thread and its source are then left to themselves,
nothing they still give is used, and a new thread opens the source again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge_irdet.errors import EdgeIrdetError, OptionError, SourceLostError, UnknownSourceError
from edge_irdet.stream.board import SourceEntry
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.pace import ASSUMED_RATE, Clock, Pace, Pacer
from edge_irdet.stream.policy import FrameQueues
from edge_irdet.stream.reconnection import BackOff, ReconnectionConfig
from edge_irdet.stream.reentrant_event import ReentrantEvent
from edge_irdet.stream.sources.source import NAMED_SKIPS, ReadTimeout, Source
from edge_irdet.stream.status import SourceState

MAX_HUNG_READERS = 4
"""Threads that may hang in a read at once; with so many, a further attempt waits until one comes back."""

OPEN_SECONDS = 15.0
"""How long opening a live source may take before it counts as hung."""

_log = logging.getLogger(__name__)


@dataclass
class _Reader:
    """A thread with the source it reads."""

    source: Source
    pause: float = 0.0
    """Seconds to wait before opening."""
    opened: bool = False
    busy_since_ns: int | None = None
    """Since when it has been in a call that may hang."""
    abandoned: bool = False
    counting: bool = False
    """Whether its source's counts are to be added: since opening, until they were taken over."""
    skips_at_open: int = 0
    reasons_at_open: int = 0
    missed_at_open: int = 0
    thread: threading.Thread | None = None

    def is_abandoned(self) -> bool:
        """Whether another reader has taken its place; asked again after each call that takes time."""
        return self.abandoned


class Capture:
    """Feeds the frames of one source into its queue until it ends or is stopped.

    Args:
        source: not yet open.
        entry: where its state and its losses are written; its index is that of the source's queue.
        queues: where frames go.
        config: when it is stalled or lost, and how it is brought back.
        on_start_failure: called when the source cannot be opened at the start; :attr:`error` says why.
        pace: of a source that is not live.
        clock: the time by which it is paced.
    """

    def __init__(
        self,
        source: Source,
        entry: SourceEntry,
        queues: FrameQueues,
        config: ReconnectionConfig,
        on_start_failure: Callable[[], None],
        pace: Pace = Pace.FREE,
        clock: Clock | None = None,
    ) -> None:
        self.error: BaseException | None = None
        """Why it ended, None where it came to its end or was stopped."""
        self._entry = entry
        self._queues = queues
        self._config = config
        self._on_start_failure = on_start_failure
        self._pace = pace
        self._clock = clock or Clock()
        self._back_off = BackOff(config)
        # What a hung source is replaced by; made now, because an open source cannot be copied.
        self._spare = source.renewed() if source.live else source
        self._lock = threading.Lock()
        self._stopped = ReentrantEvent()
        self._reader = _Reader(source)
        self._hung: list[threading.Thread] = []
        # What readers that are done have lost.
        self._skipped = 0
        self._missed = 0
        self._skip_reasons: tuple[str, ...] = ()
        self._next_sequence = 0
        self._lost_since_ns: int | None = None
        self._started_ns = 0
        entry.describe(source.rate, source.frame_count)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._started_ns = time.monotonic_ns()
        self._start_reader()

    def stop(self) -> None:
        """Read no further frame; signal handlers may call it."""
        self._stopped.set()

    def join(self, seconds: float) -> None:
        """Wait until the reading thread has ended, at most so long."""
        if self._reader.thread is not None:
            self._reader.thread.join(seconds)

    def check(self) -> None:
        """Give up a call that hangs; to be called a few times per second."""
        if not self._entry.live or self._stopped.is_set():
            return
        with self._lock:
            reader = self._reader
            busy = reader.busy_since_ns
            if busy is not None and not reader.is_abandoned():
                seconds = (time.monotonic_ns() - busy) / 1e9
                limit = self._config.lost_after_seconds if reader.opened else OPEN_SECONDS
                if seconds >= limit:
                    self._abandon(reader, seconds)
                elif reader.opened and seconds >= self._config.stalled_after_seconds:
                    self._entry.enter(SourceState.STALLED)
            if self._reader.is_abandoned():
                self._replace_hung()

    def _abandon(self, reader: _Reader, seconds: float) -> None:
        reader.abandoned = True
        self._keep_counts(reader)
        assert reader.thread is not None
        self._hung.append(reader.thread)
        what = "a read" if reader.opened else "opening it"
        self._note_loss(
            SourceLostError(
                f"{self._entry.uri}: {what} has not come back for {seconds:.1f} s",
                "check cable, power and driver of the camera",
            ),
            reader,
        )

    def _replace_hung(self) -> None:
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        if len(self._hung) >= MAX_HUNG_READERS:
            return
        self._reader = _Reader(self._spare, self._back_off.next_pause())
        self._spare = self._spare.renewed()
        self._entry.enter(SourceState.WAITING)
        self._start_reader()

    def _start_reader(self) -> None:
        reader = self._reader
        reader.thread = threading.Thread(
            target=self._run, args=(reader,), name=f"capture-{self._entry.index}", daemon=True
        )
        reader.thread.start()

    def _run(self, reader: _Reader) -> None:
        error: BaseException | None = None
        try:
            while not self._stopped.wait(reader.pause) and self._session(reader):
                reader.pause = self._back_off.next_pause()
        except BaseException as caught:
            error = caught
        with self._lock:
            if reader.is_abandoned():
                return
            self.error = error
            self._entry.enter(SourceState.ENDED)
        if error is not None and self._next_sequence == 0:
            self._on_start_failure()
        self._queues.finish(self._entry.index)

    def _session(self, reader: _Reader) -> bool:
        """Open the source and read it until it is lost; False where it shall not be opened again."""
        source = reader.source
        with self._lock:
            if reader.is_abandoned():
                return False
            self._entry.enter(SourceState.CONNECTING)
            reader.opened = False
            reader.busy_since_ns = time.monotonic_ns()
        try:
            source.open()
            with self._lock:
                if reader.is_abandoned():
                    return False
                reader.opened, reader.busy_since_ns = True, None
                reader.skips_at_open, reader.missed_at_open = source.skips.count, source.missed
                reader.reasons_at_open = len(source.skips.reasons)
                reader.counting = True
                self._entry.describe(source.rate, source.frame_count)
            if source.live:
                _log.info(
                    "source open", extra={"source": source.uri, "format": source.negotiated or "as it comes"}
                )
            return self._read_until_lost(reader)
        except EdgeIrdetError as error:
            with self._lock:
                if reader.is_abandoned():
                    return False
                if not self._may_return(error, reader):
                    raise
                self._note_loss(error, reader)
            return True
        finally:
            # Closed by the thread that reads it: closing under a read that hangs would crash the process.
            source.close()
            with self._lock:
                if not reader.is_abandoned():
                    self._keep_counts(reader)
                    if self._entry.state is SourceState.LOST:
                        self._entry.enter(SourceState.WAITING)

    def _read_until_lost(self, reader: _Reader) -> bool:
        source = reader.source
        pacer = self._pacer(source)
        opened_ns = heard_ns = time.monotonic_ns()
        base: int | None = None
        while not self._stopped.is_set():
            reader.busy_since_ns = time.monotonic_ns()
            try:
                frame = source.read()
            except ReadTimeout:
                self._note_silence(reader, heard_ns)
                continue
            finally:
                reader.busy_since_ns = None
            if frame is None:
                return False
            if pacer is not None:
                moment = pacer.admit(frame.sequence)
                if moment is None:
                    self._queues.pass_over(self._entry.index)
                    continue
                frame = replace(frame, capture_ns=moment)
                if self._stopped.is_set():
                    return False
            heard_ns = time.monotonic_ns()
            with self._lock:
                if reader.is_abandoned():
                    return False
                if self._entry.state is not SourceState.RUNNING:
                    self._entry.enter(SourceState.RUNNING)
                if base is None:
                    base, frame = self._first_of_session(frame)
                if base:
                    frame = replace(frame, sequence=frame.sequence + base)
                if frame.source != self._entry.uri:  # another source has the same name
                    frame = replace(frame, source=self._entry.uri)
                self._next_sequence = frame.sequence + 1
                self._count_losses(reader)
                losses = self._entry.losses
                if heard_ns - opened_ns >= self._config.steady_after_seconds * 1e9:
                    self._back_off.reset()
            if not self._queues.put(self._entry.index, frame, losses):
                return False
        return False

    def _pacer(self, source: Source) -> Pacer | None:
        if self._entry.live or self._pace is Pace.FREE:
            return None
        rate = source.rate or 0.0
        if not rate > 0.0:
            rate = ASSUMED_RATE
            _log.info("source states no rate", extra={"source": self._entry.uri, "frames_per_second": rate})
        return Pacer(rate, self._queues.drops(self._entry.index), self._stopped, self._clock)

    def _first_of_session(self, frame: Frame) -> tuple[int, Frame]:
        """What to add to this session's sequence numbers, and its first frame, marked if it is a return."""
        self._lost_since_ns = None
        if self._next_sequence == 0:
            return 0, frame
        self._entry.count_interruption()
        _log.info(
            "source is back",
            extra={"source": self._entry.uri, "interruptions": self._entry.losses.interruptions},
        )
        # How many frames the device made meanwhile is not known, so no gap is invented: the mark says it.
        return self._next_sequence - frame.sequence, replace(frame, discontinuity=True)

    def _note_silence(self, reader: _Reader, heard_ns: int) -> None:
        seconds = (time.monotonic_ns() - heard_ns) / 1e9
        with self._lock:
            self._count_losses(reader)
        if seconds >= self._config.lost_after_seconds:
            raise SourceLostError(
                f"{self._entry.uri} has given no frame for {seconds:.1f} s",
                "check the device or server that sends it",
            )
        with self._lock:
            if seconds >= self._config.stalled_after_seconds and not reader.is_abandoned():
                self._entry.enter(SourceState.STALLED)

    def _may_return(self, error: EdgeIrdetError, reader: _Reader) -> bool:
        if not self._entry.live or isinstance(error, (OptionError, UnknownSourceError)):
            return False
        now = time.monotonic_ns()
        if self._next_sequence == 0 and not reader.opened:
            waited = (now - self._started_ns) / 1e9
            return waited < self._config.wait_for_source_seconds
        limit = self._config.give_up_after_seconds
        since = self._lost_since_ns
        return limit is None or since is None or (now - since) / 1e9 < limit

    def _note_loss(self, error: EdgeIrdetError, reader: _Reader) -> None:
        level = logging.WARNING if self._lost_since_ns is None else logging.DEBUG
        self._lost_since_ns = self._lost_since_ns or time.monotonic_ns()
        _log.log(
            level, "source lost", extra={"source": self._entry.uri, "code": error.code, "reason": error.what}
        )
        self._entry.enter(SourceState.LOST, error.what)

    def _count_losses(self, reader: _Reader) -> None:
        """Write down what was lost so far; of a reader that was abandoned, nothing more counts."""
        if not reader.counting:
            return
        skips = reader.source.skips
        skipped = skips.count - reader.skips_at_open
        if self._skipped + skipped != self._entry.losses.skipped:
            reasons = skips.reasons[reader.reasons_at_open :]
            self._entry.name_skips((*self._skip_reasons, *reasons)[:NAMED_SKIPS])
        missed = reader.source.missed - reader.missed_at_open
        self._entry.set_losses(self._skipped + skipped, self._missed + missed)

    def _keep_counts(self, reader: _Reader) -> None:
        self._count_losses(reader)
        self._skipped, self._missed = self._entry.losses.skipped, self._entry.losses.missed
        self._skip_reasons = self._entry.skip_reasons
        reader.counting = False
