"""Telling a service manager, or whoever looks at a file, that the stream is alive.

The file is rewritten, and systemd's watchdog fed, while the stream is *alive* in the sense of
:mod:`edge_irdet.stream.health`: not while the detector or an output is stuck, but while a lost camera is
waited for, because a restart would not bring it back. Whether the stream is also *healthy* stands in the
file and in the status line that ``systemctl status`` shows.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from typing_extensions import Self

from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.files import write_bytes_atomically
from edge_irdet.intake import ContentMissingError, ContentRefusedError, decode_json, read_regular_file
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.health import Health, HealthLimits, judge_health

JOIN_SECONDS = 2.0

MAX_REPORT_BYTES = 65536
"""Largest file that can be a health file."""

_log = logging.getLogger("edge_irdet.watchdog")


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds, as JSON."""

    time: float
    """When it was written, seconds since 1970. The file's own modification time says the same."""

    pid: int
    """Of the process that wrote it."""

    healthy: bool
    """Whether every source runs and gives young records."""

    degraded: bool
    """Whether an output or a source loses part of the result."""

    reasons: list[str]
    """Why it is not healthy, or is degraded."""

    record_age_seconds: float | None
    """Age of the stream's newest record; None before the first."""


class ServiceManager:
    """systemd's notification socket (sd_notify(3)); does nothing where it is missing.

    Args:
        environment: where ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An @ stands for the zero byte with which names outside the file system begin.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds = _watchdog_seconds(environment)
        self._warned = False

    def __bool__(self) -> bool:
        return bool(self._address)

    def notify(self, **values: str) -> None:
        """Send ``NAME=value`` lines; a manager that does not listen is logged once and otherwise ignored."""
        if not self._address:
            return
        message = "\n".join(f"{name}={' '.join(value.split())}" for name, value in values.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            if not self._warned:
                _log.warning("the service manager cannot be told: %s", error.strerror or error)
            self._warned = True


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    text = environment.get("WATCHDOG_USEC", "")
    meant = environment.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdigit() and int(text) > 0) or meant not in ("", str(os.getpid())):
        return None
    return int(text) / 1e6


class HealthFile:
    """Writes a small JSON file every few seconds while the stream is alive, and feeds systemd's watchdog.

    A context manager around the stream's run. ``READY=1`` is sent at the start and not at the first record: a
    camera that is not there yet must not make systemd give up on the service.

    Args:
        path: the file, best on a file system in memory (``/run``); None only tells systemd. It is removed
            when the stream ends in order.
        board: of the stream.
        interval: seconds between two looks; a watchdog that wants more gets more.
        limits: what counts as alive and healthy; None takes those of the board.
        service: systemd's socket.

    Raises:
        OptionError: the interval is not a positive number.
    """

    def __init__(
        self,
        path: Path | None,
        board: StreamBoard,
        interval: float = 5.0,
        limits: HealthLimits | None = None,
        service: ServiceManager | None = None,
    ) -> None:
        if not 0 < interval <= 3600:
            raise OptionError(
                f"the health file cannot be written every {interval} s", "choose seconds, more than 0"
            )
        self.path = path
        self._board = board
        self._limits = limits or board.limits
        self._service = ServiceManager() if service is None else service
        watchdog = self._service.watchdog_seconds
        # Half of it, as sd_watchdog_enabled(3) asks for.
        self._interval = interval if watchdog is None else min(interval, watchdog / 2)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False

    def start(self) -> None:
        """Write the file for the first time and go on in a thread.

        Raises:
            OptionError: something else stands at the path, which would be lost.
            OutputFailedError: the file cannot be written.
        """
        if self.path is not None:
            _require_own(self.path)
            self._write(self._judge())
        self._service.notify(READY="1")
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and remove the file; may be called again."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join(JOIN_SECONDS)
        self._thread = None
        self._service.notify(STOPPING="1")
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            self._look()
            if self._ended.wait(self._interval):
                return

    def _look(self) -> None:
        health = self._judge()
        if not health.alive:
            # Nothing is written or fed: silence is what the watchdog listens for.
            self._service.notify(STATUS="stuck: " + "; ".join(health.reasons))
            return
        if self.path is not None:
            try:
                self._write(health)
                self._failing = False
            except OutputFailedError as error:
                if not self._failing:
                    _log.warning("%s", error.what)
                self._failing = True
        state = "; ".join(health.reasons) or "healthy"
        if health.healthy and health.degraded:
            state = f"degraded: {state}"
        self._service.notify(WATCHDOG="1", STATUS=state)

    def _judge(self) -> Health:
        return judge_health(self._board.status(), time.monotonic_ns(), self._limits)

    def _write(self, health: Health) -> None:
        assert self.path is not None
        report = HealthReport(
            time=time.time(),
            pid=os.getpid(),
            healthy=health.healthy,
            degraded=health.degraded,
            reasons=health.reasons,
            record_age_seconds=health.record_age_seconds,
        )
        write_bytes_atomically(self.path, msgspec.json.encode(report) + b"\n")


def _require_own(path: Path) -> None:
    """Check that a path is free, or holds a health file that an earlier stream left.

    A file of another version, or one that a power loss left empty, must not keep a service from starting.
    """
    try:
        content = read_regular_file(path, MAX_REPORT_BYTES)
        if not content or "healthy" in decode_json(content, dict[str, Any]):
            return
        reason = "it has no field named healthy"
    except ContentMissingError:
        return
    except ContentRefusedError as error:
        reason = error.reason
    raise OptionError(
        f"the health file {path} is there and is not one of a stream: {reason}",
        "name another path with --health-file; the file would be overwritten, and removed at the end",
    )
