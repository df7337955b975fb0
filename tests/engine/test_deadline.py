"""Graphs that never end: an error of the runner, at loading and in the middle of a stream."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import onnxruntime

from doubles.hostile_graphs import endless_graph, large_constant_graph
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.deadline import Deadline
from edge_irdet.errors import RunnerError

BLACK, BRIGHT = np.zeros((1, 1, 8, 8), np.uint8), np.full((1, 1, 8, 8), 9, np.uint8)


def test_a_graph_that_never_ends_is_refused_when_it_is_loaded() -> None:
    began, threads = time.monotonic(), threading.active_count()
    runner = CpuRunner(endless_graph(), threads=1, origin="model.onnx", seconds=0.4)
    with pytest.raises(RunnerError, match=r"not ended with model\.onnx after 0\.4 s"):
        runner.activate()
    assert time.monotonic() - began < 5.0
    assert threading.active_count() == threads, "the thread that watched has ended"


def test_a_frame_that_never_ends_is_an_error_and_the_next_one_is_not() -> None:
    with CpuRunner(endless_graph(only_bright=True), threads=1, seconds=0.4) as runner:
        for _ in range(2):
            with pytest.raises(RunnerError, match="not ended"):
                runner.infer({"image": BRIGHT})
            assert runner.infer({"image": BLACK})["scores"].shape == (1, 6, 1)


@pytest.mark.skipif(
    not hasattr(onnxruntime.SessionOptions(), "set_load_cancellation_flag"),
    reason="this ONNX Runtime cannot cancel loading",
)
def test_loading_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(RunnerError, match="not ended"):
        CpuRunner(large_constant_graph(80_000_000), threads=1, seconds=0.02).activate()


def test_what_the_runtime_says_of_a_strangers_graph_reaches_no_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    runner = CpuRunner(endless_graph(only_bright=True), threads=1, seconds=0.2)
    with runner, pytest.raises(RunnerError):
        runner.infer({"image": BRIGHT})
    with pytest.raises(RunnerError):
        CpuRunner(b"no graph").activate()
    assert capfd.readouterr() == ("", "")


def test_a_deadline_cancels_once_and_only_the_call_that_is_late() -> None:
    cancelled: list[str] = []
    with Deadline(0.1) as deadline:
        deadline.begin(lambda: cancelled.append("first"))
        assert not deadline.end()
        time.sleep(0.3)
        deadline.begin(lambda: cancelled.append("second"))
        time.sleep(0.5)
        assert deadline.end()
        deadline.begin(lambda: cancelled.append("third"))
        assert not deadline.end()
    assert cancelled == ["second"]
