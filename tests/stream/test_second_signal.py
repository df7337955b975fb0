"""A second signal ends a process that is busy in a library; each is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("onnx")

import cv2
import numpy as np

from doubles.hostile_graphs import endless_graph, hostile_package

TESTS = Path(__file__).parents[1]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a Python process whose standard error is read."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


BUSY = """
import signal, sys, time
import numpy as np
from doubles.hostile_graphs import endless_graph
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.stream.process import stopped_by_signals

class Stream:
    def stop(self):
        print("stopped", file=sys.stderr, flush=True)

with CpuRunner(endless_graph(only_bright=True), threads=1) as runner, stopped_by_signals(Stream()):
    print("busy", file=sys.stderr, flush=True)
    runner.infer({"image": np.full((1, 1, 8, 8), 9, np.uint8)})
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_stream_whose_inference_never_does(
    start: Start, second: signal.Signals
) -> None:
    process = start("-c", BUSY)
    assert process.stderr is not None
    assert process.stderr.readline() == "busy\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)  # its handler waits for the library
    process.send_signal(second)
    assert process.wait(5.0) == 128 + second
    assert "second signal" in process.stderr.read()


WAITING = """
import sys, time
from edge_irdet.stream.process import stopped_by_signals

class Stream:
    stopped = 0
    def stop(self):
        self.stopped += 1

stream = Stream()
with stopped_by_signals(stream):
    print("ready", file=sys.stderr, flush=True)
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        time.sleep(0.01)
print(stream.stopped, file=sys.stderr)
"""


def test_signals_that_come_together_are_one_wish(start: Start) -> None:
    process = start("-c", WAITING)
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(10.0) == 0
    assert int(process.stderr.read()) >= 1


def test_one_signal_is_left_to_its_handler(start: Start) -> None:
    process = start("-c", WAITING)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10.0) == 0


@pytest.fixture
def frames(tmp_path: Path) -> str:
    (tmp_path / "frames").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "frames" / f"{number}.png"), np.full((8, 8), 9, np.uint8))
    return str(tmp_path / "frames")


@pytest.mark.parametrize("only_bright", [False, True], ids=["while it loads", "in its first frame"])
def test_the_command_line_ends_at_the_second_ctrl_c(
    tmp_path: Path, frames: str, start: Start, only_bright: bool
) -> None:
    package = hostile_package(tmp_path / "hostile", endless_graph(only_bright))
    process = start("-m", "edge_irdet", "stream", "--package", str(package), "--source", frames)
    assert process.stderr is not None
    assert "CPU runtime" in process.stderr.readline()
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(5.0) == 128 + signal.SIGINT
