"""``edge-irdet build`` on a FAKE device; tests/cli/test_build.py runs it with NVIDIA's real builder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.cli.build as command
import edge_irdet.engine.tensorrt.measuring as measuring
from edge_irdet.engine.tensorrt.identity import EngineRecord
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.package import Package, Precision


def test_auto_measures_and_names_the_fastest(small_package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    module = TensorRTModule(fake_tensorrt("10", cuda))
    monkeypatch.setattr(command, "open_cuda", lambda name: cuda)
    monkeypatch.setattr(command, "open_tensorrt", lambda name: module)
    medians = iter([2.0, 3.0])
    monkeypatch.setattr(measuring, "measure_latency", lambda runner: {"p50": next(medians), "p99": 9.0})
    arguments = [str(small_package.directory), "--module", "tensorrt", "--cuda", "pycuda"]
    result = CliRunner().invoke(command.build_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "fastest: fp32" in result.output
    records = {
        record.identity.precision.value: record
        for path in (small_package.directory / "engines").glob("*.json")
        for record in [msgspec.json.decode(path.read_bytes(), type=EngineRecord)]
    }
    assert {name: record.latency_ms["p50"] for name, record in records.items() if record.latency_ms} == {
        "fp16": 3.0,
        "fp32": 2.0,
    }
    cuda.require_nothing_left()
    again = CliRunner().invoke(command.build_command, arguments, catch_exceptions=False)
    assert "fastest: fp32" in again.output  # kept, with what was measured


@pytest.mark.parametrize(
    ("medians", "said"),
    [
        ([3.0, 2.0, 2.5], "fastest: fp16\nint8 does not pay here (2.500 ms): streams take fp16"),
        ([3.0, 2.0, 1.5], "fastest: int8\n"),
    ],
)
def test_int8_that_does_not_pay_is_said(
    package_of: Callable[..., Package],
    graph_of: Callable[..., Any],
    medians: list[float],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = package_of({precision: graph_of(seed) for seed, precision in enumerate(Precision)})
    cuda = FakeCuda()
    module = TensorRTModule(fake_tensorrt("10", cuda))
    monkeypatch.setattr(command, "open_cuda", lambda name: cuda)
    monkeypatch.setattr(command, "open_tensorrt", lambda name: module)
    order = iter(medians)
    monkeypatch.setattr(measuring, "measure_latency", lambda runner: {"p50": next(order), "p99": 9.0})
    arguments = [str(package.directory), "--module", "tensorrt", "--cuda", "pycuda"]
    result = CliRunner().invoke(command.build_command, arguments, catch_exceptions=False)
    assert said in result.output
    assert "was not built" not in result.output
