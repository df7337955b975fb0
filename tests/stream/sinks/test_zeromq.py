from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

zmq = pytest.importorskip("zmq", reason="pip install -e '.[zmq]'")

from edge_irdet.errors import OutputFailedError
from edge_irdet.record import Record, decode_record
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

Put = Callable[[Sink, Record], None]
Make = Callable[..., Record]

pytestmark = pytest.mark.usefixtures("no_leak")

ANY = "zmq:tcp://127.0.0.1:*"


@pytest.fixture
def context(no_leak: None) -> Iterator[zmq.Context]:
    with zmq.Context() as context:
        yield context
        context.destroy(linger=0)


def subscriber(context: zmq.Context, topic: bytes = b"") -> zmq.Socket:
    reader = context.socket(zmq.SUB)
    reader.setsockopt(zmq.RCVTIMEO, 10_000)
    reader.subscribe(topic)
    return reader


def met(sink: Sink, reader: zmq.Socket, put: Put, make_record: Make) -> None:
    """Publish until the subscriber has a record: subscriptions take a moment to arrive."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        put(sink, make_record(0))
        if reader.poll(20):
            while reader.poll(100):
                reader.recv_multipart()
            return
    raise AssertionError("no record arrived")


def test_a_subscriber_gets_topic_and_record(
    context: zmq.Context, info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"{ANY}?topic=site/irdet")
    sink.open(info)
    reader, other = subscriber(context, b"site/"), subscriber(context, b"elsewhere")
    for one in (reader, other):
        one.connect(sink.endpoint)
    met(sink, reader, put, make_record)
    for number in range(1, 6):
        put(sink, make_record(number, detections=number))
        topic, payload = reader.recv_multipart()
        assert topic == b"site/irdet"
        assert decode_record(payload) == make_record(number, detections=number)
    assert not other.poll(0)
    sink.close()
    sink.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None)
@given(data=st.data())
def test_any_record_comes_as_it_was(
    data: st.DataObject,
    records: st.SearchStrategy[Record],
    context: zmq.Context,
    info: StreamInfo,
    put: Put,
    make_record: Make,
    tmp_path: Path,
) -> None:
    sink = open_sink(ANY)
    sink.open(info)
    reader = subscriber(context)
    reader.connect(sink.endpoint)
    met(sink, reader, put, make_record)
    for given_record in data.draw(st.lists(records, min_size=3, max_size=10)):
        put(sink, given_record)
        assert decode_record(reader.recv_multipart()[1]) == given_record
    reader.close(0)
    sink.close()


def test_a_subscriber_that_listens_is_connected_to_and_found_again(
    context: zmq.Context, info: StreamInfo, put: Put, make_record: Make
) -> None:
    reader = subscriber(context)
    reader.bind("tcp://127.0.0.1:*")
    place = reader.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    sink = open_sink(f"zmq:{place}?mode=connect")
    sink.open(info)
    met(sink, reader, put, make_record)
    reader.close(0)
    for number in range(50):
        put(sink, make_record(number))  # nobody there is no failure
    again = subscriber(context)
    bound_again(again, place)
    met(sink, again, put, make_record)
    sink.close()


def bound_again(reader: zmq.Socket, place: str) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            reader.bind(place)
            return
        except zmq.ZMQError:
            assert time.monotonic() < end
            time.sleep(0.02)  # the closed socket's port is given back by ZeroMQ's own thread


def test_nobody_and_a_subscriber_that_never_reads_hold_nothing_up(
    context: zmq.Context, info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"{ANY}?queue=4")
    sink.open(info)
    for number in range(100):
        put(sink, make_record(number))
    assert sink.lost_later == 0, "nobody there is no loss"
    reader, stuck = subscriber(context), subscriber(context)
    stuck.setsockopt(zmq.RCVHWM, 1)
    for one in (reader, stuck):
        one.connect(sink.endpoint)
    met(sink, reader, put, make_record)
    for number in range(300):
        put(sink, make_record(number, detections=500))
        assert decode_record(reader.recv_multipart()[1]).sequence == number
    assert sink.lost_later >= 1, "the stuck subscriber has lost records, and only the sink can know"
    start = time.monotonic()
    sink.close()
    assert time.monotonic() - start < 5


def test_the_last_records_arrive_although_the_stream_ends(
    context: zmq.Context, info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(ANY)
    sink.open(info)
    reader = subscriber(context)
    reader.connect(sink.endpoint)
    met(sink, reader, put, make_record)
    for number in range(1, 101):
        put(sink, make_record(number))
    sink.close()
    assert [decode_record(reader.recv_multipart()[1]).sequence for _ in range(100)] == list(range(1, 101))


@pytest.mark.parametrize("endpoint", ["tcp://192.0.2.1:5556", "tcp://nonsense", "ipc://{short}/none/a.ipc"])
def test_endpoints_that_cannot_be_bound(endpoint: str, short_folder: Path, info: StreamInfo) -> None:
    sink = open_sink(f"zmq:{endpoint.format(short=short_folder)}")
    try:
        with pytest.raises(OutputFailedError):
            sink.open(info)
    finally:
        sink.close()


def test_a_port_that_is_taken(info: StreamInfo) -> None:
    first = open_sink(ANY)
    first.open(info)
    with pytest.raises(OutputFailedError, match="cannot be bound: Address already in use"):
        open_sink(f"zmq:{first.endpoint}").open(info)
    first.close()


def test_a_file_of_the_user_is_not_replaced_by_an_ipc_socket(
    context: zmq.Context, short_folder: Path, info: StreamInfo, put: Put, make_record: Make
) -> None:
    document = short_folder / "document"
    document.write_text("mine")
    with pytest.raises(OutputFailedError, match="not a socket"):
        open_sink(f"zmq:ipc://{document}").open(info)
    assert document.read_text() == "mine"
    sink = open_sink(f"zmq:ipc://{short_folder / 'records.ipc'}")
    sink.open(info)
    reader = subscriber(context)
    reader.connect(sink.endpoint)
    met(sink, reader, put, make_record)
    sink.close()
