from __future__ import annotations

import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

paho = pytest.importorskip("paho.mqtt.client", reason="pip install -e '.[mqtt]'")

from edge_irdet.errors import OutputFailedError
from edge_irdet.record import Record, decode_record
from edge_irdet.stream.sinks import mqtt
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

Put = Callable[[Sink, Record], None]
Make = Callable[..., Record]

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto: apt-get install mosquitto"),
    pytest.mark.usefixtures("no_leak"),
]
USER, PASSWORD = "operator", "pass@word/with:all?of%it"
QUOTED = "pass@word/with:all?of%25it"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A real mosquitto that can be killed and started again on its port."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self.config = folder / "mosquitto.conf"
        # Without a user of its own it would give up root, and with it the right to read the test's folder.
        user = "user root\n" if os.geteuid() == 0 else ""
        self.config.write_text(
            f"{user}listener {self.port} 127.0.0.1\npersistence false\n" + "\n".join(lines) + "\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, "mosquitto ended"
            time.sleep(0.02)
        raise AssertionError("mosquitto does not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def broker(tmp_path: Path, no_leak: None) -> Iterator[Broker]:
    broker = Broker(tmp_path, "allow_anonymous true")
    broker.start()
    yield broker
    broker.kill()


class Subscriber:
    """A consumer as it would be written; its messages wait in ``messages``."""

    def __init__(self, broker: Broker, topic: str, qos: int = 0) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.ready = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *rest: client.subscribe(topic, qos)
        self.client.on_subscribe = lambda *rest: self.ready.set()
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self.ready.wait(20)

    def record(self) -> Record:
        return decode_record(self.messages.get(timeout=20).payload)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_connect = self.client.on_subscribe = self.client.on_message = None
        del self.client  # it gives its sockets back when nobody holds it


@pytest.fixture
def subscribe(broker: Broker) -> Iterator[Callable[..., Subscriber]]:
    made = []

    def one(topic: str, qos: int = 0) -> Subscriber:
        made.append(Subscriber(broker, topic, qos))
        return made[-1]

    yield one
    for subscriber in made:
        subscriber.close()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_records_reach_a_subscriber(
    qos: int,
    broker: Broker,
    subscribe: Callable[..., Subscriber],
    info: StreamInfo,
    put: Put,
    make_record: Make,
) -> None:
    subscriber = subscribe("site/irdet", qos)
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/site/irdet?qos={qos}")
    sink.open(info)
    for number in range(100):
        put(sink, make_record(number, detections=number % 4))
    sink.close()
    sink.close()
    got = [subscriber.record() for _ in range(100)]
    assert got == [make_record(number, detections=number % 4) for number in range(100)]
    assert sink.lost_later == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
@given(data=st.data())
def test_any_record_comes_as_it_was(
    data: st.DataObject,
    records: st.SearchStrategy[Record],
    broker: Broker,
    subscribe: Callable[..., Subscriber],
    info: StreamInfo,
    put: Put,
) -> None:
    given_records = data.draw(st.lists(records, min_size=1, max_size=20))
    subscriber = subscribe("t")
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t")
    sink.open(info)
    for one in given_records:
        put(sink, one)
        assert subscriber.record() == one
    sink.close()


def test_the_last_record_is_retained_where_asked_for(
    broker: Broker, subscribe: Callable[..., Subscriber], info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t?retain=true&qos=1&client_id=camera")
    sink.open(info)
    put(sink, make_record(0))
    put(sink, make_record(1))
    sink.close()
    message = subscribe("t").messages.get(timeout=20)
    assert message.retain
    assert decode_record(message.payload) == make_record(1)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_broker_that_is_killed_and_comes_back(
    qos: int,
    broker: Broker,
    subscribe: Callable[..., Subscriber],
    info: StreamInfo,
    put: Put,
    make_record: Make,
) -> None:
    subscriber = subscribe("t", qos)
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t?qos={qos}")
    sink.open(info)
    put(sink, make_record(0))
    assert subscriber.record().sequence == 0
    gate = held_back(sink)
    broker.kill()
    assert "connection" in lose(sink, put, make_record, pause=0.002)
    subscriber.ready.clear()
    broker.start()
    assert subscriber.ready.wait(20)
    gate.set()
    taken, number = [], 10_000
    end = time.monotonic() + 30
    while subscriber.messages.empty():
        assert time.monotonic() < end
        number += 1
        try:
            put(sink, make_record(number))
            taken.append(number)
        except OutputFailedError:
            time.sleep(0.01)
    sink.close()
    got = subscriber.record().sequence
    if qos:
        assert got == 1, "what waited comes first"
    else:
        assert got in taken, "records of the time without a broker are lost, later ones arrive"


def held_back(sink: Sink) -> threading.Event:
    """Let the sink connect again only once the event is set: what it sends first would find no subscriber."""
    gate, client = threading.Event(), sink._client

    def reconnect() -> object:
        assert gate.wait(30)
        del client.reconnect  # the method of the class is back, and holds nothing
        return client.reconnect()

    client.reconnect = reconnect
    return gate


def lose(sink: Sink, put: Put, make_record: Make, detections: int = 1, pause: float = 0.0) -> str:
    """Write from record 1 on until one is refused; returns why."""
    for number in range(1, 10_000):
        try:
            put(sink, make_record(number, detections=detections))
        except OutputFailedError as error:
            return error.what
        time.sleep(pause)
    raise AssertionError("nothing was refused")


def test_without_a_broker_records_are_lost_and_the_stream_goes_on(
    info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"mqtt://{USER}:{QUOTED}@127.0.0.1:{free_port()}/t")
    start = time.monotonic()
    sink.open(info)
    for number in range(5):
        with pytest.raises(OutputFailedError, match="Connection refused") as caught:
            put(sink, make_record(number))
        assert "word" not in str(caught.value)
        assert USER not in str(caught.value)
    sink.close()
    assert time.monotonic() - start < 5


def test_with_qos_1_a_bounded_number_of_records_waits_for_the_broker(
    tmp_path: Path, info: StreamInfo, put: Put, make_record: Make
) -> None:
    broker = Broker(tmp_path, "allow_anonymous true")
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t?qos=1")
    sink.open(info)
    for number in range(mqtt.MAX_WAITING):
        put(sink, make_record(number))
    for number in range(3):
        with pytest.raises(OutputFailedError, match=r"256 records wait for the broker already \(Conn"):
            put(sink, make_record(number))
    with pytest.raises(OutputFailedError, match="256 records had not reached"):
        sink.close()
    assert sink.lost_later == mqtt.MAX_WAITING
    late = open_sink(f"mqtt://127.0.0.1:{broker.port}/t?qos=1")
    late.open(info)
    for number in range(mqtt.MAX_WAITING):
        put(late, make_record(number))
    gate = held_back(late)
    broker.start()
    subscriber = Subscriber(broker, "t", 1)
    gate.set()
    assert [subscriber.record().sequence for _ in range(mqtt.MAX_WAITING)] == list(range(mqtt.MAX_WAITING))
    late.close()
    subscriber.close()
    broker.kill()


def test_a_broker_that_stops_reading_holds_nothing_up(
    broker: Broker, info: StreamInfo, put: Put, make_record: Make
) -> None:
    """Its process is stopped, so that its connections stay open and fill up."""
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t")
    sink.open(info)
    put(sink, make_record(0))
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    assert "256 records wait" in lose(sink, put, make_record, detections=200)
    start = time.monotonic()
    with pytest.raises(OutputFailedError, match="had not reached the broker"):
        sink.close()
    assert time.monotonic() - start < 5
    broker.process.send_signal(signal.SIGCONT)


def test_records_lost_with_the_connection_after_they_were_taken_are_counted(
    broker: Broker, info: StreamInfo, put: Put, make_record: Make
) -> None:
    sink = open_sink(f"mqtt://127.0.0.1:{broker.port}/t")
    sink.open(info)
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    lose(sink, put, make_record, detections=200)
    broker.kill()
    end = time.monotonic() + 20
    while not sink.lost_later:
        assert time.monotonic() < end
        with pytest.raises(OutputFailedError):
            put(sink, make_record(0))
        time.sleep(0.01)
    assert sink.lost_later == mqtt.MAX_WAITING
    sink.close()


def test_a_password_is_asked_for_and_never_shown(
    tmp_path: Path, info: StreamInfo, put: Put, make_record: Make
) -> None:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("no mosquitto_passwd")
    passwords = tmp_path / "passwords"
    subprocess.run([tool, "-b", "-c", str(passwords), USER, PASSWORD], check=True, capture_output=True)
    broker = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    good = open_sink(f"mqtt://{USER}:{QUOTED}@127.0.0.1:{broker.port}/t?qos=1")
    good.open(info)
    put(good, make_record(0))
    good.close()
    bad = open_sink(f"mqtt://{USER}:wrong{QUOTED}@127.0.0.1:{broker.port}/t")
    bad.open(info)
    with pytest.raises(OutputFailedError, match="the broker refuses: Not authorized") as caught:
        put(bad, make_record(0))
    assert "word" not in str(caught.value)
    bad.close()
    broker.kill()


def test_tls_proves_the_broker(tmp_path: Path, info: StreamInfo, put: Put, make_record: Make) -> None:
    tool = shutil.which("openssl")
    if tool is None:
        pytest.skip("no openssl")
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    request = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run(
        [tool, *request.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    broker = Broker(tmp_path, "allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    broker.start()
    good = open_sink(f"mqtts://localhost:{broker.port}/t?qos=1&ca={certificate}")
    good.open(info)
    put(good, make_record(0))
    good.close()
    for uri, reason in (
        (f"mqtts://localhost:{broker.port}/t", "certificate verify failed"),
        (f"mqtts://127.0.0.1:{broker.port}/t?ca={certificate}", "IP address mismatch"),
    ):
        bad = open_sink(uri)
        bad.open(info)
        with pytest.raises(OutputFailedError, match=reason):
            put(bad, make_record(0))
        bad.close()
    with pytest.raises(OutputFailedError, match="cannot be used"):
        open_sink(f"mqtts://localhost:{broker.port}/t?ca={key}").open(info)
    broker.kill()
