"""Records to readers of a Unix socket."""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.record import Record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sinks.socket_file import clear_socket_file
from edge_irdet.stream.uri import SourceURI, check_parameters, redact_uri

MAX_READERS = 16
"""Readers at a time; a further one finds its connection closed."""

MAX_WAITING_BYTES = 1 << 20
"""What waits for one reader beside the kernel's buffer; one that falls back further is disconnected."""

CLOSE_SECONDS = 1.5
"""How long closing waits for readers that have not caught up."""

SOCKET_MODE = 0o600
"""Only the user who runs the stream may connect."""


class UnixSocketSink(Sink):
    """Listens; every reader gets one JSON record a line, from the first record after it has connected.

    Needs no thread: readers are let in and served when a record comes, and nothing ever waits for them. One
    that falls back by more than :data:`MAX_WAITING_BYTES` is disconnected, so that what a reader gets has no
    gaps up to its end; the record at which that happens counts as lost. That there is no reader, or that one
    leaves, is not a failure.

    Args:
        name: as the user wrote it.
        path: of the socket.
    """

    usage: ClassVar[str] = "unix:///run/edge-irdet/records.sock   one JSON record per line to each reader"

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self.path = path
        self._listener: socket.socket | None = None
        self._identity = (0, 0)
        self._readers: list[_Reader] = []

    def open(self, info: StreamInfo) -> None:
        """Make the socket, readable by this user only.

        Raises:
            OutputFailedError: it cannot be made, or another process listens on it.
        """
        clear_socket_file(self.path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            # Before the bind, so that there is no moment at which others may connect.
            os.fchmod(listener.fileno(), SOCKET_MODE)
            listener.bind(str(self.path))
            os.chmod(self.path, SOCKET_MODE)
            listener.listen(MAX_READERS)
            made = os.stat(self.path)
        except OSError as error:
            listener.close()
            raise OutputFailedError(
                f"{self.path} cannot be made: {error.strerror}", f"ls -ld {self.path.parent}"
            ) from error
        self._listener = listener
        self._identity = (made.st_dev, made.st_ino)

    def write(self, frame: Frame, record: Record) -> None:
        """Let new readers in and give the record to all.

        Raises:
            OutputFailedError: a reader was too slow and has been disconnected; all others have the record.
        """
        self._let_in()
        if not self._readers:
            return
        line = encode_record(record) + b"\n"
        kept, reasons = [], []
        for reader in self._readers:
            try:
                if reader.give(line):
                    kept.append(reader)
                    continue
                reasons.append(f"it was {len(reader.waiting):,} bytes behind")
            except (BrokenPipeError, ConnectionResetError):
                pass
            except OSError as error:
                reasons.append(error.strerror or str(error))
            reader.connection.close()
        self._readers = kept
        if reasons:
            raise OutputFailedError(
                f"{self.name}: {len(reasons)} of {len(kept) + len(reasons)} readers cut off: {reasons[0]}",
                "read faster, in a thread of its own for example, and connect again",
            )

    def close(self) -> None:
        """Give readers what waits for them, for a bounded time, and remove the socket; may be called again.

        Raises:
            OutputFailedError: readers did not take the records that waited for them.
        """
        if self._listener is None:
            return
        self._remove_file()
        self._listener.close()
        self._listener = None
        late, readers = self._drain(time.monotonic() + CLOSE_SECONDS), len(self._readers)
        for reader in self._readers:
            reader.connection.close()
        self._readers = []
        if late:
            raise OutputFailedError(
                f"{self.name}: {late} of {readers} readers had not taken their last records at the end",
                "read faster, in a thread of its own for example",
            )

    def _let_in(self) -> None:
        assert self._listener is not None
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                # Nobody waits; or this process has no descriptor left, and they go on waiting.
                return
            if len(self._readers) == MAX_READERS:
                self._readers = [reader for reader in self._readers if not reader.has_left()]
            if len(self._readers) < MAX_READERS:
                self._readers.append(_Reader(connection))
            else:
                connection.close()

    def _drain(self, deadline: float) -> int:
        """Send on what waits until ``deadline``; returns how many readers have not taken everything."""
        behind = {reader.connection.fileno(): reader for reader in self._readers if reader.waiting}
        poll = select.poll()
        for descriptor in behind:
            poll.register(descriptor, select.POLLOUT)
        while behind and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                try:
                    behind[descriptor].catch_up()
                except OSError:
                    behind[descriptor].waiting.clear()  # it has left
                if not behind[descriptor].waiting:
                    poll.unregister(descriptor)
                    del behind[descriptor]
        return len(behind)

    def _remove_file(self) -> None:
        try:
            found = os.stat(self.path)
            # Another stream may have put its own there since.
            if (found.st_dev, found.st_ino) == self._identity:
                self.path.unlink()
        except OSError:
            return


class _Reader:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.waiting = bytearray()
        """What the kernel did not take yet: the end of a line and whole lines."""

    def give(self, line: bytes) -> bool:
        """Send a line, or keep it for later; False where the reader has fallen back too far.

        Raises:
            OSError: the reader has left, or the system has no memory for it.
        """
        if self.waiting:
            if len(self.waiting) + len(line) > MAX_WAITING_BYTES:
                return False
            self.waiting += line
            self.catch_up()
        else:
            sent = self._send(line)
            if sent < len(line):
                self.waiting += memoryview(line)[sent:]
        return True

    def catch_up(self) -> None:
        """Send what the kernel takes now of what waits."""
        del self.waiting[: self._send(self.waiting)]

    def has_left(self) -> bool:
        """Whether the reader has closed its side; close the connection if so."""
        poll = select.poll()
        poll.register(self.connection, 0)
        left = bool(poll.poll(0))
        if left:
            self.connection.close()
        return left

    def _send(self, content: bytes | bytearray) -> int:
        try:
            return self.connection.send(content)
        except BlockingIOError:
            return 0


def socket_path(uri: str, parsed: SourceURI) -> Path:
    """The socket that a ``unix:`` URI names.

    Raises:
        OptionError: no path, or a parameter.
    """
    check_parameters(uri, parsed.parameters, ())
    if not parsed.path or parsed.path.endswith("/"):
        raise OptionError(
            f"the output {redact_uri(uri)!r} names no socket", "write unix:///run/edge-irdet/records.sock"
        )
    return Path(unquote(parsed.path))
