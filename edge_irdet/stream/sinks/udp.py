"""Records as UDP datagrams."""

from __future__ import annotations

import ipaddress
import logging
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.record import Record, encode_record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.parameters import host_and_port, whole_number
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.uri import SourceURI, check_parameters, redact_uri

PARAMETERS = ("ttl", "interface")

MAX_DATAGRAM = 65_507
"""Bytes of payload that fit a UDP datagram over IPv4 (65,535 less 20 of IP and 8 of UDP header)."""

ETHERNET_PAYLOAD = 1_452
"""Bytes that cross Ethernet (1,500) in one packet over IPv4 and IPv6 alike; more is sent in fragments, and
one lost fragment loses the datagram."""

FIRST_LOOK_UP_SECONDS = 2.0
"""How long opening waits for a name's address before it goes on without."""

RETRY_SECONDS = 2.0
"""Pause after a look-up that failed."""

REFRESH_SECONDS = 60.0
"""A name is looked up again after this time: its machine may have got another address."""

CLOSE_SECONDS = 1.0

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class UdpTarget:
    """Where datagrams go."""

    host: str
    """Address or name; a multicast or broadcast address is fine."""

    port: int
    """1..65535."""

    ttl: int | None = None
    """Routers a multicast datagram may pass, plus one; None leaves 1, the local network."""

    interface: str | None = None
    """Network interface that multicast leaves by; None leaves it to the routing table."""


class UdpSink(Sink):
    """One record per datagram. That nobody listens is not a failure: UDP has no way to know.

    A record that is too large for a datagram is lost as a whole. A host name is looked up when the stream
    opens and every minute after that, in a thread of its own; it stands for its IPv4 address if it has one.

    Args:
        name: as the user wrote it.
        target: where to.
    """

    usage: ClassVar[str] = "udp://HOST:PORT[?ttl=1&interface=eth0]   one JSON record per datagram"

    def __init__(self, name: str, target: UdpTarget) -> None:
        super().__init__(name)
        self.target = target
        self._look_up: _LookUp | None = None
        self._address: _Address | None = None
        self._socket: socket.socket | None = None
        self._warned = False

    def open(self, info: StreamInfo) -> None:
        """Find the address; a name server that does not answer is asked again while the stream runs.

        Raises:
            OutputFailedError: there is no such name or interface.
        """
        self._address = _resolve(self.target, socket.AI_NUMERICHOST)
        if self._address is None:
            self._look_up = _LookUp(self.target)
            self._look_up.first.wait(FIRST_LOOK_UP_SECONDS)
            if self._look_up.unknown:
                error = self._failure(f"there is no host {self.target.host} ({self._look_up.failure})")
                self.close()
                raise error
        else:
            self._ready(self._address)

    def write(self, frame: Frame, record: Record) -> None:
        """Send the record.

        Raises:
            OutputFailedError: it is too large, the address is not known, or this machine cannot send now.
        """
        payload = encode_record(record)
        if len(payload) > MAX_DATAGRAM:
            raise OutputFailedError(
                f"{self.name}: record {record.sequence} with {len(record.detections)} detections takes "
                f"{len(payload):,} bytes; a datagram holds {MAX_DATAGRAM:,}",
                "raise --score, or use zmq:, mqtt:// or unix://, which take records of any size",
            )
        if len(payload) > ETHERNET_PAYLOAD and not self._warned:
            self._warned = True
            _LOGGER.warning(
                "%s: record %d takes %d bytes, more than an Ethernet packet's %d; such records are sent in "
                "fragments, and are lost when one of them is",
                self.name,
                record.sequence,
                len(payload),
                ETHERNET_PAYLOAD,
            )
        address = self._current_address()
        sender = self._ready(address)
        try:
            sender.sendto(payload, address.place)
        except BlockingIOError as error:
            raise self._failure("the network does not take more now") from error
        except OSError as error:
            # The next record starts from a new socket: the interface may have gone and come back.
            self._close_socket()
            raise self._failure(error.strerror or str(error)) from error

    def close(self) -> None:
        """Give the socket back and end the look-ups; may be called again."""
        self._close_socket()
        if self._look_up is not None:
            self._look_up.close()
            self._look_up = None

    def _current_address(self) -> _Address:
        if self._look_up is not None:
            found = self._look_up.address
            if found is None:
                raise self._failure(
                    f"the address of {self.target.host} is not known yet: {self._look_up.failure}"
                )
            if found != self._address:
                self._close_socket()
                self._address = found
        assert self._address is not None, "open() has been called"
        return self._address

    def _ready(self, address: _Address) -> socket.socket:
        if self._socket is None:
            sender = socket.socket(address.family, socket.SOCK_DGRAM)
            try:
                sender.setblocking(False)
                self._set_options(sender, address)
            except OSError as error:
                sender.close()
                raise self._failure(error.strerror or str(error)) from error
            self._socket = sender
        return self._socket

    def _set_options(self, sender: socket.socket, address: _Address) -> None:
        ttl, interface = self.target.ttl, self.target.interface
        try:
            index = 0 if interface is None else socket.if_nametoindex(interface)
        except OSError as error:
            raise OSError(error.errno, f"there is no network interface {interface}") from error
        if address.family == socket.AF_INET:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if ttl is not None:
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            if index:
                # struct ip_mreqn of ip(7): group, local address, interface index.
                sender.setsockopt(
                    socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", b"", b"", index)
                )
        else:
            if ttl is not None:
                sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
            if index:
                sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _failure(self, reason: str) -> OutputFailedError:
        return OutputFailedError(
            f"{self.name} cannot be sent to: {reason}",
            f"check host, interface and route: ip route get {self.target.host}",
        )


@dataclass(frozen=True)
class _Address:
    family: socket.AddressFamily
    place: Any
    """What ``sendto`` takes: a tuple that depends on the family."""


def _resolve(target: UdpTarget, flags: int = 0) -> _Address | None:
    """The address of a name, IPv4 first; None where only numbers were asked for and it is none.

    Raises:
        OSError: it cannot be found.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM, flags=flags)
    except socket.gaierror:
        if flags & socket.AI_NUMERICHOST:
            return None
        raise
    # A consumer on "localhost" listens on 127.0.0.1 far more often than on ::1, and UDP cannot tell.
    family, _, _, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
    return _Address(family, place)


class _LookUp:
    """Looks a name up again and again, in a thread of its own: a name server may take seconds to answer."""

    def __init__(self, target: UdpTarget) -> None:
        self._target = target
        self.address: _Address | None = None
        """The last one found."""
        self.failure = "the name server has not answered yet"
        """Why the last look-up failed."""
        self.unknown = False
        """Whether the name server says that there is no such name, and has never said otherwise."""
        self.first = threading.Event()
        """Set after the first look-up."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="udp-look-up", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; a look-up that hangs in the system ends by itself later."""
        self._closing.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        pause = 0.0
        while not self._closing.wait(pause):
            try:
                self.address = _resolve(self._target)
                pause, self.unknown = REFRESH_SECONDS, False
            except OSError as error:
                self.failure = error.strerror or str(error)
                self.unknown = self.address is None and error.errno in (
                    socket.EAI_NONAME,
                    socket.EAI_NODATA,
                )
                pause = RETRY_SECONDS
            self.first.set()


def udp_target(uri: str, parsed: SourceURI) -> UdpTarget:
    """Where a ``udp://`` URI sends to.

    Raises:
        OptionError: no host or port, an unknown parameter, or one that does not fit the address.
    """
    check_parameters(uri, parsed.parameters, PARAMETERS)
    host, port = host_and_port(uri, parsed.path.rstrip("/"))
    given = parsed.parameters
    if given and not _is_multicast(host):
        raise OptionError(
            f"the output {redact_uri(uri)!r} has multicast parameters, and {host} is not a multicast address",
            "omit ttl and interface, or send to 224.0.0.0..239.255.255.255 or [ff00::]..[ffff::]",
        )
    ttl = whole_number(uri, given, "ttl", 1, 0, 255) if "ttl" in given else None
    return UdpTarget(host, port, ttl, given.get("interface"))


def _is_multicast(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False
