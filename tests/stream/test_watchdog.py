from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from doubles.boards import board_of, turn, write_record
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.record import FrameCounts
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.health import HealthLimits
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.status import SourceState, StreamStatus
from edge_irdet.stream.watchdog import HealthFile, HealthReport, ServiceManager


class Systemd:
    """The receiving end of the notification socket; a FAKE in that it restarts nothing."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(5)

    def heard(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def until(self, name: str) -> dict[str, str]:
        deadline = time.monotonic() + 5
        while name not in (found := self.heard()):
            assert time.monotonic() < deadline
        return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@edge-irdet-test-{os.getpid()}"
    manager = Systemd("\0" + name[1:] if name.startswith("@") else name, name)
    yield manager
    manager.close()


@pytest.fixture
def board() -> StreamBoard:
    return board_of("camera")


def silent() -> ServiceManager:
    return ServiceManager({})


def report(path: Path) -> HealthReport:
    return msgspec.json.decode(path.read_bytes(), type=HealthReport)


def written_after(path: Path, before: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if path.stat().st_mtime_ns > before:
            return True
        time.sleep(0.005)
    return False


def test_the_file_is_renewed_while_the_stream_is_alive_and_removed_at_its_end(
    tmp_path: Path, board: StreamBoard
) -> None:
    path = tmp_path / "health.json"
    turn(board, "camera", SourceState.WAITING, "rtsp://user:pass@host did not answer")
    with HealthFile(path, board, interval=0.01, service=silent()):
        first = report(path)
        assert first.pid == os.getpid()
        assert first.healthy is False, "waiting for its camera"
        assert "rtsp://***@host" in first.reasons[0]
        assert abs(first.time - time.time()) < 60
        assert written_after(path, path.stat().st_mtime_ns)
    assert not path.exists()
    assert [place.name for place in tmp_path.iterdir()] == []


def test_a_stuck_stream_is_not_reported(
    tmp_path: Path, board: StreamBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source runs and no record comes: from the limit on the file stays as it was."""
    path = tmp_path / "health.json"
    looks = threading.Semaphore(0)

    status = board.status

    def asked() -> StreamStatus:
        looks.release()
        return status()

    monkeypatch.setattr(board, "status", asked)
    limits = HealthLimits(stuck_seconds=0.2)
    with HealthFile(path, board, interval=0.005, limits=limits, service=silent()):
        time.sleep(0.25)
        looks.acquire()
        before = path.stat().st_mtime_ns
        for _ in range(60):
            assert looks.acquire(timeout=5)
        assert path.stat().st_mtime_ns - before < 50_000_000


def test_systemd_is_told(board: StreamBoard, systemd: Systemd) -> None:
    """Ready at once, camera or not: else systemd would end what waits for its camera."""
    turn(board, "camera", SourceState.CONNECTING)
    service = ServiceManager({"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "40000"})
    assert service
    assert service.watchdog_seconds == 0.04
    with HealthFile(None, board, interval=60, service=service):
        assert systemd.heard() == {"READY": "1"}
        first = systemd.heard()
        assert first["WATCHDOG"] == "1"
        assert first["STATUS"].startswith("camera is connecting for 0 s")
        assert systemd.heard()["WATCHDOG"] == "1", "at half of the watchdog's time, not at the file's"
    assert systemd.until("STOPPING") == {"STOPPING": "1"}


def test_a_degraded_stream_feeds_the_watchdog_and_says_so(
    tmp_path: Path, board: StreamBoard, systemd: Systemd
) -> None:
    frame = Frame(np.zeros((48, 64), np.uint8), 0, time.monotonic_ns(), "camera", PixelFormat.GREY)
    record = make_record(frame, Detections.none(), ("target",), time.monotonic_ns(), FrameCounts())
    write_record(board, frame, record)
    board.sinks[0].count_refused("no space left on device")
    service = ServiceManager({"NOTIFY_SOCKET": systemd.name, "WATCHDOG_USEC": "40000"})
    path = tmp_path / "health.json"
    with HealthFile(path, board, service=service):
        told = systemd.until("WATCHDOG")
        assert told["STATUS"].startswith("degraded: the output out.jsonl has lost 1 of 2 records")
        found = report(path)
        assert (found.healthy, found.degraded) == (True, True)
        assert "no space left" in found.reasons[0]


def test_one_line_stays_one_line(systemd: Systemd) -> None:
    ServiceManager({"NOTIFY_SOCKET": systemd.name}).notify(STATUS="one\nREADY=1\r\n two")
    assert systemd.heard() == {"STATUS": "one READY=1 two"}


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_whose_watchdog_it_is(environment: dict[str, str], seconds: float | None) -> None:
    assert ServiceManager(environment).watchdog_seconds == seconds


def test_without_systemd_nothing_is_sent_and_nobody_minds(board: StreamBoard) -> None:
    assert not silent()
    silent().notify(READY="1")
    gone = ServiceManager({"NOTIFY_SOCKET": "/nonexistent/notify"})
    gone.notify(READY="1")
    with HealthFile(None, board, service=gone):
        pass


@pytest.mark.parametrize("content", [b"mine", b"[]", b'{"sequence": 1}', b"x" * 70_000])
def test_a_file_that_is_not_a_health_file_is_kept(content: bytes, tmp_path: Path, board: StreamBoard) -> None:
    path = tmp_path / "document"
    path.write_bytes(content)
    with pytest.raises(OptionError, match="not one of a stream"):
        HealthFile(path, board, service=silent()).start()
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b'{"healthy": true, "field_of_another_version": 1}'])
def test_a_health_file_that_an_earlier_stream_left_is_replaced(
    content: bytes, tmp_path: Path, board: StreamBoard
) -> None:
    path = tmp_path / "health.json"
    path.write_bytes(content)
    with HealthFile(path, board, service=silent()):
        assert msgspec.json.decode(path.read_bytes(), type=HealthReport).pid == os.getpid()


def test_a_folder_that_is_not_there_is_found_at_the_start(tmp_path: Path, board: StreamBoard) -> None:
    with pytest.raises(OutputFailedError):
        HealthFile(tmp_path / "none" / "health.json", board, service=silent()).start()


def test_a_file_that_cannot_be_renewed_is_said_once_and_ends_nothing(
    tmp_path: Path, board: StreamBoard, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "place" / "health.json"
    path.parent.mkdir()
    with HealthFile(path, board, interval=0.01, service=silent()):
        path.unlink()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                path.unlink(missing_ok=True)
                path.parent.rmdir()
                break
            except OSError:
                continue
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        path.parent.mkdir()
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert len(caplog.records) == 1
    assert "could not be written" in caplog.text


@pytest.mark.parametrize("interval", [0, -1, float("nan"), 1e9])
def test_intervals(interval: float, board: StreamBoard) -> None:
    with pytest.raises(OptionError):
        HealthFile(None, board, interval)
