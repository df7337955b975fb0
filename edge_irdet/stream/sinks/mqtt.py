"""Records to an MQTT broker."""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from edge_irdet.errors import ExtraMissingError, OptionError, OutputFailedError
from edge_irdet.errors.installation import install_step
from edge_irdet.intake import ContentRefusedError, read_utf8_file
from edge_irdet.record import Record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.parameters import host_and_port, truth, whole_number
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.uri import check_parameters, parse_uri, redact_uri

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

PARAMETERS = ("qos", "retain", "client_id", "password_file", "ca")
MAX_PASSWORD_BYTES = 65536
"""Largest password file that is read."""

PORTS = {"mqtt": 1883, "mqtts": 8883}

MAX_WAITING = 256
"""Records on their way to the broker; further ones are lost."""

KEEP_ALIVE_SECONDS = 15
"""A broker that is silent for one and a half times this long is connected to again."""

CONNECT_SECONDS = 5.0
"""How long one attempt to connect may take."""

FIRST_CONNECT_SECONDS = 2.0
"""How long opening waits for the broker before it goes on without."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0
"""Between attempts to connect; the pause doubles each time."""

CLOSE_SECONDS = 1.0
"""How long closing waits for records that are on their way."""

DISCONNECT_SECONDS = 0.4


@dataclass(frozen=True)
class BrokerConfig:
    """An MQTT broker and what to publish there."""

    host: str
    """Name or address."""

    port: int
    """1..65535."""

    topic: str
    """Without wildcards."""

    qos: int = 0
    """0: at most once; 1: at least once; 2: exactly once. With 1 and 2 records wait for the broker."""

    retain: bool = False
    """Whether the broker gives its last record to those who subscribe later."""

    tls: bool = False
    """Whether the connection is encrypted and the broker must prove its name."""

    authority: str | None = None
    """PEM file of the certificate authority that vouches for the broker; None takes the system's."""

    client_id: str = ""
    """How the broker knows this client, once at a time; empty lets one be made up."""

    user: str | None = field(default=None, repr=False)
    """User name."""

    password: str | None = field(default=None, repr=False)
    """Password."""


class MqttSink(Sink):
    """Publishes each record to one topic, from a thread that connects again by itself.

    While the broker is away, records are lost and counted with QoS 0; with 1 and 2 up to :data:`MAX_WAITING`
    wait for it and the ones after these are lost. A broker that is away at the start does not hold up the
    stream.

    Args:
        name: as the user wrote it.
        config: the broker.

    Raises:
        ExtraMissingError: paho-mqtt is not installed.
    """

    usage: ClassVar[str] = (
        "mqtt[s]://[USER:PASSWORD@]HOST[:PORT]/TOPIC[?qos=0|1|2&retain=false&client_id=NAME&password_file=PATH"
        "&ca=PATH]   one JSON record per message"
    )

    def __init__(self, name: str, config: BrokerConfig) -> None:
        super().__init__(name)
        self.config = config
        try:
            from paho.mqtt import client as paho
        except ImportError as error:
            raise ExtraMissingError(
                f"{self.name} needs paho-mqtt, which cannot be imported ({error})",
                install_step("mqtt"),
            ) from error
        self._paho = paho
        self._client: Client | None = None
        self._thread: threading.Thread | None = None
        self._waiting: deque[MQTTMessageInfo] = deque()
        self._connected = threading.Event()
        self._tried = threading.Event()
        self._closing = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._reason = "the broker has not answered yet"

    def open(self, info: StreamInfo) -> None:
        """Start to connect.

        Raises:
            OutputFailedError: the certificate authority's file cannot be used.
        """
        paho = self._paho
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self.config.client_id,
        )
        client.connect_timeout = CONNECT_SECONDS
        client.max_queued_messages_set(MAX_WAITING)
        if self.config.user is not None:
            client.username_pw_set(self.config.user, self.config.password)
        if self.config.tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=self.config.authority))
            except OSError as error:
                raise OutputFailedError(
                    f"{self.name}: the certificates in {self.config.authority} cannot be used: {error}",
                    "name a PEM file of the authority that signed the broker's certificate with ca=",
                ) from error
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        # With this the client leaves all sending to the thread below instead of to whoever publishes.
        client.on_socket_register_write = _leave_to_the_loop
        client.connect_async(self.config.host, self.config.port, KEEP_ALIVE_SECONDS)
        self._client = client
        self._closing.clear()
        self._thread = threading.Thread(target=self._exchange, args=(client,), name="mqtt", daemon=True)
        self._thread.start()
        self._tried.wait(FIRST_CONNECT_SECONDS)

    def write(self, frame: Frame, record: Record) -> None:
        """Hand the record to the connection's thread.

        Raises:
            OutputFailedError: the broker is away, or too many records wait for it.
        """
        assert self._client is not None
        self._settle()
        if self.config.qos == 0 and not self._connected.is_set():
            raise self._failure(self._reason)
        if len(self._waiting) >= MAX_WAITING:
            away = "" if self._connected.is_set() else f" ({self._reason})"
            raise self._failure(f"{len(self._waiting)} records wait for the broker already{away}")
        given = self._client.publish(
            self.config.topic, encode_record(record), self.config.qos, self.config.retain
        )
        success = self._paho.MQTT_ERR_SUCCESS
        if self.config.qos and given.rc == self._paho.MQTT_ERR_NO_CONN:
            given.rc = success  # it is kept, and sent when the broker is back
        if given.rc != success:
            # Lost between the question above and now, or refused by the client for a reason of its own.
            lost = given.rc == self._paho.MQTT_ERR_NO_CONN
            raise self._failure("the connection was lost" if lost else self._paho.error_string(given.rc))
        self._waiting.append(given)

    def close(self) -> None:
        """Wait for records that are on their way, for a bounded time, and disconnect; may be called again.

        Raises:
            OutputFailedError: records did not reach the broker.
        """
        client, thread = self._client, self._thread
        if client is None or thread is None:
            return
        deadline = time.monotonic() + CLOSE_SECONDS
        self._settle()
        while self._waiting and self._connected.is_set() and time.monotonic() < deadline:
            # No event tells of all of them at once.
            time.sleep(0.005)
            self._settle()
        self._closing.set()
        client.disconnect()
        thread.join(2 * DISCONNECT_SECONDS)
        # The client holds its sockets until nobody holds it.
        client.on_connect = client.on_disconnect = None
        self._client = self._thread = None
        self._settle()
        left, self._waiting = len(self._waiting), deque()
        if left:
            self.lost_later += left
            raise self._failure(f"{left} records had not reached the broker when the stream ended")

    def _exchange(self, client: Client) -> None:
        """Connect, send and receive until the sink is closed; runs in the thread."""
        success = self._paho.MQTT_ERR_SUCCESS
        while not self._closing.is_set():
            try:
                state = client.reconnect()
                while state == success and not self._closing.is_set():
                    state = client.loop(1.0)
                # A broker that has stopped reading may never take the farewell.
                end = time.monotonic() + DISCONNECT_SECONDS
                while state == success and time.monotonic() < end:
                    state = client.loop(DISCONNECT_SECONDS / 4)
            except (OSError, ValueError) as error:
                self._reason = _plain(error)
            self._connected.clear()
            self._tried.set()
            self._closing.wait(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _on_connect(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._reason = f"the broker refuses: {reason}"
        else:
            self._pause = FIRST_PAUSE_SECONDS
            self._connected.set()
        self._tried.set()

    def _on_disconnect(self, client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._connected.is_set():
            self._reason = f"the connection was lost ({reason})"
        self._connected.clear()

    def _settle(self) -> None:
        """Forget records that have arrived, and count those that were lost with a connection."""
        while self._waiting:
            try:
                if not self._waiting[0].is_published():
                    return
            except RuntimeError:
                self.lost_later += 1
            self._waiting.popleft()

    def _failure(self, reason: str) -> OutputFailedError:
        return OutputFailedError(
            f"{self.name} does not take records: {reason}",
            f"see whether a broker runs on {self.config.host}:{self.config.port} and lets this user publish; "
            "the stream goes on trying",
        )


def _leave_to_the_loop(client: Client, data: Any, connection: Any) -> None:
    return


def _plain(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text) or type(error).__name__


def broker_config(uri: str) -> BrokerConfig:
    """The broker that an ``mqtt://`` or ``mqtts://`` URI describes.

    User and password stand before the last @, percent-encoded where they hold ``:`` or ``%``.

    Raises:
        OptionError: no host or topic, an unknown parameter, or a value out of range.
    """
    shown = redact_uri(uri)
    scheme, _, rest = uri.partition("://")
    if not rest or any(character.isspace() for character in uri):
        raise OptionError(
            "an mqtt output has no host, or has white space in it",
            "write mqtt://HOST/TOPIC, with %20 for a space",
        )
    # Up to the last @, as the redaction does: nothing of a password may be taken for anything else.
    credentials, _, place = rest.rpartition("@")
    parsed = parse_uri(f"{scheme}://{place}")
    check_parameters(shown, parsed.parameters, PARAMETERS)
    authority, _, topic = parsed.path.partition("/")
    scheme = parsed.scheme
    host, port = host_and_port(shown, authority, PORTS[scheme])
    topic = unquote(topic)
    if not topic or "+" in topic or "#" in topic or "\0" in topic or len(topic.encode()) > 65535:
        raise OptionError(
            f"the output {shown!r} names no topic that records can be published to",
            "write mqtt://HOST/TOPIC, a topic without + and #, for example mqtt://broker/site/records",
        )
    given = parsed.parameters
    user, password = _credentials(shown, credentials, given.get("password_file"))
    if "ca" in given and scheme != "mqtts":
        raise OptionError(f"the output {shown!r} has ca=, but is not encrypted", "write mqtts://")
    return BrokerConfig(
        host=host,
        port=port,
        topic=topic,
        qos=whole_number(shown, given, "qos", 0, 0, 2),
        retain=truth(shown, given, "retain", False),
        tls=scheme == "mqtts",
        authority=given.get("ca"),
        client_id=given.get("client_id", ""),
        user=user,
        password=password,
    )


def _credentials(shown: str, text: str, file: str | None) -> tuple[str | None, str | None]:
    user, colon, password = text.partition(":")
    if colon and not user:
        raise OptionError(
            f"the output {shown!r} has a password and no user", "write mqtt://USER:PASSWORD@HOST/TOPIC"
        )
    if file is None:
        return (unquote(user) or None), (unquote(password) if colon else None)
    if colon or not user:
        raise OptionError(
            f"the output {shown!r} has password_file= and a password, or no user",
            "write mqtt://USER@HOST/TOPIC",
        )
    try:
        content = read_utf8_file(Path(file), MAX_PASSWORD_BYTES)
    except ContentRefusedError as error:
        raise OptionError(f"the password file {file} {error.reason}", f"ls -l {file}") from error
    return unquote(user), content.rstrip("\r\n")
