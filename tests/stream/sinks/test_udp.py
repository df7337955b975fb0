from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_irdet.errors import OutputFailedError
from edge_irdet.record import Record, decode_record, encode_record
from edge_irdet.stream.sinks import udp
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sinks.udp import MAX_DATAGRAM

Put = Callable[[Sink, Record], None]
Make = Callable[..., Record]

IP_RECVTTL = 12
"""From linux/in.h; Python does not have it."""

pytestmark = pytest.mark.usefixtures("no_leak")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        yield receiver


def received(receiver: socket.socket) -> Record:
    return decode_record(receiver.recv(1 << 16))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_one_record_a_datagram(
    host: str, listener: socket.socket, info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"udp://{host}:{listener.getsockname()[1]}")
    sink.open(info)
    for number in range(5):
        put(sink, make_record(number, detections=number))
        assert received(listener) == make_record(number, detections=number)
    sink.close()
    sink.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.data())
def test_any_record_comes_as_it_was(
    data: st.DataObject,
    records: st.SearchStrategy[Record],
    listener: socket.socket,
    info: StreamInfo,
    put: Put,
) -> None:
    given_record = data.draw(records)
    sink = open_sink(f"udp://127.0.0.1:{listener.getsockname()[1]}")
    sink.open(info)
    put(sink, given_record)
    assert received(listener) == given_record
    sink.close()


def test_ipv6(info: StreamInfo, put: Put, make_record: Make) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"this machine has no IPv6: {error.strerror}")
        receiver.settimeout(10)
        sink = open_sink(f"udp://[::1]:{receiver.getsockname()[1]}")
        sink.open(info)
        put(sink, make_record(7))
        assert received(receiver) == make_record(7)
        sink.close()


def test_multicast_with_its_time_to_live_and_interface(info: StreamInfo, put: Put, make_record: Make) -> None:
    group = "239.255.13.7"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((group, 0))
        receiver.settimeout(10)
        member = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        receiver.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        sink = open_sink(f"udp://{group}:{receiver.getsockname()[1]}?ttl=3&interface=lo")
        sink.open(info)
        put(sink, make_record(1))
        payload, ancillary, _, _ = receiver.recvmsg(1 << 16, 64)
        assert decode_record(payload) == make_record(1)
        assert int.from_bytes(ancillary[0][2], "little") == 3
        sink.close()


def test_an_interface_that_is_not_there(info: StreamInfo) -> None:
    with pytest.raises(OutputFailedError, match="no network interface eth99"):
        open_sink("udp://239.255.13.7:5005?interface=eth99").open(info)


def test_nobody_listening_is_no_failure(info: StreamInfo, put: Put, make_record: Make) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    sink = open_sink(f"udp://127.0.0.1:{port}")
    sink.open(info)
    for number in range(20):
        put(sink, make_record(number))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        receiver.settimeout(10)
        put(sink, make_record(20))
        assert received(receiver).sequence == 20, "and who comes later gets what follows"
    sink.close()


def test_a_record_too_large_is_lost_as_a_whole_and_the_next_one_is_sent(
    listener: socket.socket,
    info: StreamInfo,
    put: Put,
    make_record: Make,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = len(encode_record(make_record(0, detections=2))) - len(encode_record(make_record(0)))
    most = 1 + (MAX_DATAGRAM - len(encode_record(make_record(0)))) // one
    sink = open_sink(f"udp://127.0.0.1:{listener.getsockname()[1]}")
    sink.open(info)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    with caplog.at_level(logging.WARNING):
        put(sink, make_record(0, detections=most))
        assert received(listener).sequence == 0
        with pytest.raises(OutputFailedError, match=f"{most + 1} detections takes"):
            put(sink, make_record(1, detections=most + 1))
        put(sink, make_record(2))
    assert received(listener).sequence == 2
    sink.close()
    assert len(caplog.records) == 1, "said once"
    assert "fragments" in caplog.text


def test_a_host_that_does_not_exist(info: StreamInfo, monkeypatch: pytest.MonkeyPatch, no_leak: None) -> None:
    """The name server is faked: the answer would depend on the machine."""
    monkeypatch.setattr(udp, "_resolve", answers(None, socket.gaierror(socket.EAI_NONAME, "Name not known")))
    with pytest.raises(OutputFailedError, match=r"no host tracker\.local \(Name not known\)"):
        open_sink("udp://tracker.local:5005").open(info)


def answers(*given: object) -> Callable[..., object]:
    """A FAKE name server that gives these answers, the last one for ever."""
    left = list(given)

    def resolve(target: object, flags: int = 0) -> object:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    return resolve


def test_a_name_server_that_comes_back_and_an_address_that_changes(
    info: StreamInfo,
    put: Put,
    make_record: Make,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    no_leak: None,
) -> None:
    port = listener.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        first = udp._Address(socket.AF_INET, elsewhere.getsockname())
        second = udp._Address(socket.AF_INET, ("127.0.0.1", port))
        down = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        monkeypatch.setattr(udp, "_resolve", answers(None, down, first, down, second))
        monkeypatch.setattr(udp, "RETRY_SECONDS", 0.05)
        monkeypatch.setattr(udp, "REFRESH_SECONDS", 0.3)
        sink = open_sink("udp://tracker.local:5005")
        sink.open(info)
        with pytest.raises(OutputFailedError, match="Temporary failure"):
            put(sink, make_record(0))
        elsewhere.settimeout(0.02)
        assert until_received(sink, put, make_record, elsewhere)
        listener.settimeout(0.02)
        assert until_received(sink, put, make_record, listener), "the name has moved"
        sink.close()


def until_received(sink: Sink, put: Put, make_record: Make, receiver: socket.socket) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(OutputFailedError):
            put(sink, make_record(0))
        with suppress(TimeoutError):
            received(receiver)
            return True
    return False


def test_a_network_that_is_down_costs_its_records_only(
    info: StreamInfo, put: Put, make_record: Make, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FAKE socket fails as one without a route does; the next record goes through a new real one."""
    sink = open_sink(f"udp://127.0.0.1:{listener.getsockname()[1]}")
    sink.open(info)

    class Unrouted(socket.socket):
        def sendto(self, *given: object) -> int:
            raise OSError(101, "Network is unreachable")

    sink._socket.close()
    sink._socket = Unrouted(socket.AF_INET, socket.SOCK_DGRAM)
    with pytest.raises(OutputFailedError, match="Network is unreachable"):
        put(sink, make_record(0))
    put(sink, make_record(1))
    assert received(listener).sequence == 1
    sink.close()
