"""Real servers on loopback that can be stopped, stalled and damaged at will."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from doubles.numbered_pictures import numbered_bytes

SYSTEM_PYTHON = "/usr/bin/python3"
"""Where Debian's GStreamer bindings and its OpenCV with GStreamer are."""

TS_PACKET = 188


def picture(number: int, width: int = 320, height: int = 240) -> np.ndarray:
    return np.frombuffer(numbered_bytes(number, width, height), np.uint8).reshape(height, width)


class TcpServer:
    """Calls ``serve(connection)`` in a thread for each client.

    Args:
        serve: may fail with OSError when the client leaves.
        port: 0 for any; a port that was used before for a restart.
    """

    def __init__(self, serve: Callable[[socket.socket], None], port: int = 0) -> None:
        self.serve = serve
        self.listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self.listening.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.accepted = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                self.connections.append(connection)
                self.accepted.set()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.serve(connection)
        connection.close()

    def stop(self) -> None:
        """As when the process is killed: nothing more is sent, every connection is closed."""
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> TcpServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class MjpegCamera:
    """What an HTTP camera does: numbered JPEGs at a fixed rate, the newest to each client.

    Args:
        rate: pictures a second.
        port: 0 for any.
    """

    HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"

    def __init__(
        self, rate: float = 50.0, port: int = 0, sizes: Callable[[int], tuple[int, int]] | None = None
    ):
        self.rate = rate
        self.sizes = sizes or (lambda number: (320, 240))
        self.number = 0
        self.running = threading.Event()
        self.running.set()
        self.server = TcpServer(self._serve, port)
        self.url = f"http://127.0.0.1:{self.server.port}/video.mjpg"

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5.0)
        if not connection.recv(4096).startswith(b"GET /video.mjpg"):
            connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")
            return
        connection.sendall(self.HEAD)
        while True:
            self.running.wait()
            number = self.number
            jpeg = cv2.imencode(".jpg", picture(number, *self.sizes(number)))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            connection.sendall(head.encode() + jpeg + b"\r\n")
            self.number = number + 1
            time.sleep(1.0 / self.rate)

    def __enter__(self) -> MjpegCamera:
        return self

    def __exit__(self, *error: object) -> None:
        self.running.set()
        self.server.stop()


def numbered_transport_stream(path: Path, count: int = 60, width: int = 320, height: int = 240) -> bytes:
    """An MPEG transport stream of numbered MPEG-4 pictures, a key picture every twelve."""
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (width, height)
    )
    assert writer.isOpened()
    for number in range(count):
        writer.write(cv2.cvtColor(picture(number, width, height), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path.read_bytes()


@contextlib.contextmanager
def rtsp_server(*options: str) -> Iterator[RtspServer]:
    """A real RTSP server in a process of its own; see ``rtsp_server.py`` for the options."""
    server = RtspServer(*options)
    try:
        yield server
    finally:
        server.kill()


class RtspServer:
    """GStreamer's RTSP server, serving numbered H.264 pictures at ``/numbered``."""

    def __init__(self, *options: str) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [SYSTEM_PYTHON, str(script), *options], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the RTSP server did not start"
        self.port = int(line)
        self.url = f"rtsp://127.0.0.1:{self.port}/numbered"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


def has_rtsp_server() -> bool:
    """Whether the system's Python has GStreamer, its RTSP server and an H.264 encoder."""
    code = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "raise SystemExit(not all(map(Gst.ElementFactory.find, ('openh264enc', 'rtph264pay'))))"
    )
    try:
        return subprocess.run([SYSTEM_PYTHON, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
