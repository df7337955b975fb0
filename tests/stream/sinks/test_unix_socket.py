from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_irdet.errors import OutputFailedError
from edge_irdet.record import Record, decode_record
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sinks.unix_socket import MAX_READERS, MAX_WAITING_BYTES, UnixSocketSink

Put = Callable[[Sink, Record], None]
Make = Callable[..., Record]

pytestmark = pytest.mark.usefixtures("no_leak")


@pytest.fixture
def place(short_folder: Path) -> Path:
    return short_folder / "records.sock"


@pytest.fixture
def sink(place: Path, info: StreamInfo, no_leak: None) -> Iterator[Sink]:
    sink = open_sink(f"unix://{place}")
    sink.open(info)
    yield sink
    sink.abandon()


class Reader:
    """A consumer as it would be written: connect, read lines."""

    def __init__(self, place: Path) -> None:
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.settimeout(10)
        self.connection.connect(str(place))
        self.file = self.connection.makefile("rb")

    def record(self) -> Record:
        return decode_record(self.file.readline())

    def rest(self) -> list[bytes]:
        return self.file.read().splitlines(keepends=True)

    def close(self) -> None:
        self.file.close()
        self.connection.close()


@pytest.fixture
def connect(place: Path, sink: Sink) -> Iterator[Callable[[], Reader]]:
    readers = []

    def one() -> Reader:
        readers.append(Reader(place))
        return readers[-1]

    yield one
    for reader in readers:
        reader.close()


def test_every_reader_gets_the_records_from_when_it_connects(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    put(sink, make_record(0))
    first = connect()
    put(sink, make_record(1))
    second = connect()
    put(sink, make_record(2, detections=3))
    assert [first.record() for _ in range(2)] == [make_record(1), make_record(2, detections=3)]
    assert second.record() == make_record(2, detections=3)
    sink.close()
    assert first.rest() == second.rest() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(data=st.data())
def test_any_record_comes_as_it_was(
    data: st.DataObject,
    records: st.SearchStrategy[Record],
    sink: Sink,
    place: Path,
    put: Put,
) -> None:
    given_record = data.draw(records)
    reader = Reader(place)
    put(sink, given_record)
    assert reader.record() == given_record
    reader.close()


def test_only_this_user_may_connect_and_the_file_goes(sink: Sink, place: Path) -> None:
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(place.stat().st_mode)
    sink.close()
    assert not place.exists()
    sink.close()


def test_the_mask_of_the_process_does_not_matter(place: Path, info: StreamInfo) -> None:
    before = os.umask(0o777)
    try:
        sink = open_sink(f"unix:{place}")
        sink.open(info)
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        sink.close()
    finally:
        os.umask(before)


def test_a_reader_that_never_reads_is_cut_off_and_the_others_lose_nothing(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    stuck, good = connect(), connect()
    failures, sequence = [], 0
    while not failures:
        start = time.monotonic()
        try:
            put(sink, make_record(sequence, detections=20))
        except OutputFailedError as error:
            failures.append(error.what)
        assert time.monotonic() - start < 5
        assert good.record().sequence == sequence
        sequence += 1
        assert sequence < 10_000
    assert "1 of 2 readers" in failures[0]
    put(sink, make_record(sequence))
    assert good.record().sequence == sequence, "the stream goes on"
    lines = stuck.rest()
    assert sum(map(len, lines)) < MAX_WAITING_BYTES, "what waited with us is gone with the reader"
    whole = [decode_record(line).sequence for line in lines if line.endswith(b"\n")]
    assert whole == list(range(len(whole))), "what it did get has no gap"


def test_a_slow_reader_that_catches_up_has_no_gap(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    reader = connect()
    for sequence in range(200):
        put(sink, make_record(sequence, detections=20))
    assert sink._readers[0].waiting, "the kernel's buffer was not enough"
    for sequence in range(200):
        assert reader.record().sequence == sequence
        put(sink, make_record(200 + sequence))
    sink.close()
    assert [decode_record(line).sequence for line in reader.rest()] == list(range(200, 400))


def test_one_record_larger_than_all_buffers(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    reader = connect()
    put(sink, make_record(0, detections=20_000))
    with pytest.raises(OutputFailedError, match="behind"):
        put(sink, make_record(1))
    reader.close()
    again = connect()
    put(sink, make_record(2))
    assert again.record().sequence == 2


@pytest.mark.parametrize("abruptly", [False, True])
def test_readers_that_leave_are_no_failure(
    abruptly: bool, sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    leaving, staying = connect(), connect()
    if abruptly:
        leaving.connection.send(b"noise that nobody reads")
    put(sink, make_record(0))
    leaving.close()
    for sequence in range(1, 5):
        put(sink, make_record(sequence))
    assert [staying.record().sequence for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(sink._readers) == 1


def test_a_reader_that_only_closes_its_sending_side_still_reads(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    """As ``nc -U PATH < /dev/null`` does."""
    readers = [connect() for _ in range(MAX_READERS)]
    for reader in readers:
        reader.connection.shutdown(socket.SHUT_WR)
    put(sink, make_record(0))
    connect()
    put(sink, make_record(1))
    assert [readers[0].record().sequence for _ in range(2)] == [0, 1]


def test_twenty_readers_are_bounded_to_sixteen_and_places_become_free(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    readers = []
    for sequence in range(20):
        readers.append(connect())
        put(sink, make_record(sequence))
    for sequence, reader in enumerate(readers[:MAX_READERS]):
        assert reader.record().sequence == sequence
    for reader in readers[MAX_READERS:]:
        assert reader.rest() == [], "its connection is closed at once"
    readers[0].close()
    late = connect()
    put(sink, make_record(20))
    assert late.record().sequence == 20


def test_what_a_killed_process_left_behind_is_replaced(
    place: Path, info: StreamInfo, put: Put, make_record: Make
) -> None:
    leave = "import os, socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1]); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", leave, str(place)], check=False)
    assert place.is_socket()
    sink = open_sink(f"unix://{place}")
    sink.open(info)
    reader = Reader(place)
    put(sink, make_record(0))
    assert reader.record().sequence == 0
    reader.close()
    sink.close()


def test_a_running_stream_and_other_files_are_left_alone(
    sink: Sink, place: Path, info: StreamInfo, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    reader = connect()
    with pytest.raises(OutputFailedError, match="another process that listens"):
        open_sink(f"unix://{place}").open(info)
    put(sink, make_record(0))
    assert reader.record().sequence == 0
    document = place.with_name("document")
    document.write_text("mine")
    with pytest.raises(OutputFailedError, match="not a socket"):
        open_sink(f"unix://{document}").open(info)
    assert document.read_text() == "mine"


def test_a_file_that_another_stream_has_put_there_since_is_left(
    sink: Sink, place: Path, info: StreamInfo
) -> None:
    place.unlink()
    other = open_sink(f"unix://{place}")
    other.open(info)
    sink.close()
    assert place.is_socket()
    other.close()
    assert not place.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("none/records.sock", "no folder"), ("x" * 120, "bytes; the path"), ("link", "not a socket")],
)
def test_sockets_that_cannot_be_made(name: str, message: str, short_folder: Path, info: StreamInfo) -> None:
    (short_folder / "link").symlink_to("/nonexistent")
    with pytest.raises(OutputFailedError, match=message):
        open_sink(f"unix://{short_folder / name}").open(info)


def test_closing_waits_for_readers_that_still_read_and_not_for_others(
    sink: Sink, connect: Callable[[], Reader], put: Put, make_record: Make
) -> None:
    stuck = connect()
    for sequence in range(150):
        put(sink, make_record(sequence, detections=20))
    assert sink._readers[0].waiting
    start = time.monotonic()
    with pytest.raises(OutputFailedError, match="1 of 1 readers had not taken"):
        sink.close()
    assert time.monotonic() - start < 5
    assert stuck.rest()


def test_a_reader_in_another_process_gets_everything_up_to_the_end(
    sink: UnixSocketSink, place: Path, put: Put, make_record: Make
) -> None:
    """It starts to read when the stream is over for it: closing waits until it has caught up."""
    reading = (
        "import socket, sys\n"
        "connection = socket.socket(socket.AF_UNIX); connection.connect(sys.argv[1])\n"
        "print('connected', flush=True); sys.stdin.readline()\n"
        "print(len(connection.makefile('rb').readlines()))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", reading, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "connected\n"
    for sequence in range(150):
        put(sink, make_record(sequence, detections=20))
    assert sink._readers[0].waiting
    child.stdin.write("\n")
    child.stdin.flush()
    sink.close()
    assert child.communicate(timeout=10)[0] == "150\n"
