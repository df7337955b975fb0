"""Records through a ZeroMQ PUB socket."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from edge_irdet.errors import ExtraMissingError, OptionError, OutputFailedError
from edge_irdet.errors.installation import install_step
from edge_irdet.record import Record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.parameters import whole_number
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sinks.socket_file import clear_socket_file
from edge_irdet.stream.uri import SourceURI, check_parameters, redact_uri

if TYPE_CHECKING:
    import zmq

PARAMETERS = ("topic", "mode", "queue")
MODES = ("bind", "connect")
DEFAULT_TOPIC = "edge-irdet"
DEFAULT_QUEUE = 256
LINGER_MS = 1000
"""How long closing waits for records that are on their way to connected subscribers."""

CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class PublisherConfig:
    """A ZeroMQ publisher."""

    endpoint: str
    """``tcp://...`` or ``ipc://...``, as ZeroMQ writes it."""

    bind: bool = True
    """Whether subscribers come to us; else we go to them (or to a proxy's XSUB side)."""

    topic: str = DEFAULT_TOPIC
    """First part of each message; subscribers choose by its beginning."""

    queue: int = DEFAULT_QUEUE
    """Records that wait for one slow subscriber (ZMQ_SNDHWM); further ones are lost to it, and only to it.
    The first of them counts as lost: ZeroMQ does not tell how many follow until it has caught up."""


class ZeroMqSink(Sink):
    """Messages of two parts, the topic and the JSON record.

    That nobody has subscribed is not a failure: a PUB socket is made so. Subscribers that come later get the
    records from then on; ZeroMQ itself connects again after a loss, in both modes.

    Args:
        name: as the user wrote it.
        config: where and how.

    Raises:
        ExtraMissingError: pyzmq is not installed.
    """

    usage: ClassVar[str] = (
        "zmq:tcp://*:5556[?topic=edge-irdet&mode=bind|connect&queue=256]   ZeroMQ PUB: topic, JSON record"
    )

    def __init__(self, name: str, config: PublisherConfig) -> None:
        super().__init__(name)
        self.config = config
        self.endpoint = config.endpoint
        """Where it really listens, once open: ``tcp://127.0.0.1:*`` lets the system choose the port."""
        self._topic = config.topic.encode()
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        try:
            import zmq
        except ImportError as error:
            raise ExtraMissingError(
                f"{self.name} needs pyzmq, which cannot be imported ({error})",
                install_step("zmq"),
            ) from error
        self._error = zmq.ZMQError
        self._again = zmq.Again
        self._flags = zmq.DONTWAIT
        self._no_drop, self._events = zmq.XPUB_NODROP, zmq.EVENTS

    def open(self, info: StreamInfo) -> None:
        """Bind or start to connect.

        Raises:
            OutputFailedError: the endpoint is wrong, taken, or not of this machine.
        """
        import zmq

        kind, _, place = self.config.endpoint.partition("://")
        if kind == "ipc" and self.config.bind:
            # ZeroMQ would remove whatever stands there, a file of the user's as well.
            clear_socket_file(Path(place))
        self._context = zmq.Context()
        try:
            self._socket = self._context.socket(zmq.PUB)
            self._socket.setsockopt(zmq.SNDHWM, self.config.queue)
            # Else ZeroMQ would drop what does not fit a subscriber's queue without a word.
            self._socket.setsockopt(zmq.XPUB_NODROP, 1)
            self._socket.setsockopt(zmq.LINGER, LINGER_MS)
            self._socket.setsockopt(zmq.IPV6, 1)
            if self.config.bind:
                self._socket.bind(self.config.endpoint)
            else:
                self._socket.connect(self.config.endpoint)
            self.endpoint = self._socket.get_string(zmq.LAST_ENDPOINT)
        except (zmq.ZMQError, OSError) as error:
            self.close()
            action = "bound" if self.config.bind else "connected"
            raise OutputFailedError(
                f"{self.name} cannot be {action}: {error.strerror}",
                "choose a free port of this machine (ss -ltn); an endpoint elsewhere needs ?mode=connect",
            ) from error

    def write(self, frame: Frame, record: Record) -> None:
        """Hand the record to ZeroMQ, which never makes it wait.

        Raises:
            OutputFailedError: ZeroMQ did not take it.
        """
        assert self._socket is not None
        message = (self._topic, encode_record(record))
        try:
            if not self._send(message):
                # What subscribers have taken is only learned when ZeroMQ is asked for its state.
                self._socket.getsockopt(self._events)
                if not self._send(message):
                    self._send_to_those_with_room(message)
        except self._error as error:
            raise OutputFailedError(
                f"{self.name} does not take records: {error.strerror}", "the next record is tried again"
            ) from error

    def _send(self, message: tuple[bytes, bytes]) -> bool:
        """Send to all subscribers; False, and nothing sent, where the queue of one is full."""
        assert self._socket is not None
        try:
            self._socket.send_multipart(message, self._flags)
        except self._again:
            return False
        return True

    def _send_to_those_with_room(self, message: tuple[bytes, bytes]) -> None:
        assert self._socket is not None
        self.lost_later += 1
        self._socket.setsockopt(self._no_drop, 0)
        try:
            self._socket.send_multipart(message, self._flags)
        finally:
            self._socket.setsockopt(self._no_drop, 1)

    def close(self) -> None:
        """Give what is on its way a second to arrive; may be called again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._context is not None:
            # Ends with the linger time, unless ZeroMQ's own thread sits in a name look-up.
            ending = threading.Thread(target=self._context.term, name="zmq-term", daemon=True)
            ending.start()
            ending.join(CLOSE_SECONDS)
            self._context = None


def publisher_config(uri: str, parsed: SourceURI) -> PublisherConfig:
    """The publisher that a ``zmq:`` URI describes.

    Raises:
        OptionError: no ``tcp://`` or ``ipc://`` endpoint, an unknown parameter, or a value out of range.
    """
    check_parameters(uri, parsed.parameters, PARAMETERS)
    given = parsed.parameters
    kind, _, place = parsed.path.partition("://")
    if kind not in ("tcp", "ipc") or not place:
        plain = re.fullmatch(r"[^/@]*:[^/@]*", parsed.path)
        hint = f"zmq:tcp://{parsed.path}" if plain else "zmq:tcp://*:5556"
        raise OptionError(
            f"the output {redact_uri(uri)!r} names no ZeroMQ endpoint of tcp:// or ipc://",
            f"write {hint}, or zmq:ipc:///run/edge-irdet/records.ipc",
        )
    mode = given.get("mode", MODES[0])
    if mode not in MODES:
        raise OptionError(
            f"the parameter mode={mode} of {redact_uri(uri)!r} is neither {' nor '.join(MODES)}",
            "write mode=bind (subscribers come to this machine) or mode=connect",
        )
    return PublisherConfig(
        endpoint=parsed.path,
        bind=mode == "bind",
        topic=given.get("topic", DEFAULT_TOPIC),
        queue=whole_number(uri, given, "queue", DEFAULT_QUEUE, 1, 100_000),
    )
