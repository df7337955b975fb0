"""The acceptance benchmark's adapter and TensorRT checks, against FAKES of CUDA and TensorRT.

They prove what the checks ask for and how they judge, nothing about CUDA or TensorRT.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from acceptance import adapter, tensorrt
from acceptance.isolation import CheckFailedError, CheckSkippedError
from acceptance_fakes import FAKES, BoundedFakeCuda, Kept, OneByteWrong, fake_cuda, loaded

from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.errors import CudaError, DriverMissingError, ExtraMissingError
from edge_irdet.package import Precision

SMALL = adapter.Sizes(contents=(1, 300, 5000), large=4096, rounds=3)

# The adapter's exercise, against the FAKE of CUDA ----------------------------------------------------------


def test_a_right_adapter_passes_and_leaves_nothing() -> None:
    cuda, findings = BoundedFakeCuda(), Kept()
    adapter.exercise(findings, cuda, sizes=SMALL)
    cuda.require_nothing_left()
    assert findings.figures["device"] == "Orin (FAKE)"
    assert findings.figures["contents_compared_bytes"] == [1, 300, 5000]
    assert findings.figures["cuda_graph"].startswith("captured")
    assert findings.figures["to_device_gb_per_s"] > 0
    assert findings.figures["balance"]["allocated_and_freed_mb"] == pytest.approx(3 * 4096 / 2**20)


def test_no_driver_and_no_binding_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DriverMissingError):
        adapter.exercise(Kept(), BoundedFakeCuda(device=None, driver=0), sizes=SMALL)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(ExtraMissingError):
        adapter.check_adapter(Kept(), "pycuda")


class CapturesNothing(BoundedFakeCuda):
    """A FAKE that runs at once what it should only record, and records nothing."""

    def begin_capture(self, stream: int) -> None:
        super().begin_capture(stream)
        self.capturing[stream] = self.streams[stream]

    def end_capture(self, stream: int) -> int:
        graph = int(super().end_capture(stream))
        self.graphs[graph] = []
        return graph


class Leaks(BoundedFakeCuda):
    """A FAKE that does not give device memory back."""

    def free(self, address: int) -> None:
        self.free_bytes -= self.memory_bytes[address].size
        super().free(address)


class GrantsAnything(BoundedFakeCuda):
    """A FAKE that grants whatever is asked for."""

    def allocate(self, size: int) -> int:
        return int(super().allocate(min(size, 1 << 20)))


class ShortPinnedMemory(BoundedFakeCuda):
    """A FAKE whose pinned buffers are a byte short."""

    def allocate_pinned(self, size: int) -> Any:
        return super().allocate_pinned(max(1, size - 1))


class ClaimsNoGraphs(BoundedFakeCuda):
    """A FAKE that says it cannot capture, and yet does not refuse."""

    supports_graphs = False

    def begin_capture(self, stream: int) -> None:
        pass


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (OneByteWrong, "1 of 1 bytes came back wrong"),
        (CapturesNothing, "had run already"),
        (Leaks, "not given back"),
        (GrantsAnything, "four times the device's memory"),
        (ShortPinnedMemory, "array of 299 bytes"),
        (ClaimsNoGraphs, "raised nothing"),
    ],
)
def test_a_wrong_adapter_fails_and_what_it_took_is_freed(wrong: type[Any], words: str) -> None:
    cuda = wrong()
    with pytest.raises(CheckFailedError, match=words):
        adapter.exercise(Kept(), cuda, sizes=SMALL)
    cuda.require_nothing_left()


@pytest.mark.parametrize(
    "call", ["allocate", "copy_to_device", "create_stream", "launch_graph", "synchronise"]
)
def test_a_failing_call_is_raised_and_what_was_taken_is_freed(call: str) -> None:
    cuda = BoundedFakeCuda()
    cuda.fail = {call: 1}
    with pytest.raises(CudaError, match=call):
        adapter.exercise(Kept(), cuda, sizes=SMALL)
    cuda.require_nothing_left()


# TensorRT, against the FAKE of it --------------------------------------------------------------------------


@pytest.fixture
def small_package_directory(tmp_path: Path) -> Path:
    """A package with a graph of a few nodes, as the runner's tests have it."""
    pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location("tensorrt_conftest", FAKES / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    package = module.write_package(tmp_path / "small", {Precision.FP32: module.small_graph()})
    return Path(package.directory)


@pytest.mark.parametrize("generation", ["8.5", "10", "11", "rtx"])
def test_engines_are_built_run_and_compared_on_the_fake_tensorrt(
    generation: str, small_package_directory: Path
) -> None:
    gpu = fake_cuda.ADA if generation == "rtx" else fake_cuda.ORIN
    cuda, findings = fake_cuda.FakeCuda(gpu), Kept()
    module = TensorRTModule(loaded("fake_tensorrt").fake_tensorrt(generation, cuda))
    tensorrt.accept(findings, module, [cuda], small_package_directory, Precision.FP32, 10)
    cuda.require_nothing_left()
    plain, graph = findings.figures["launches"]
    assert (plain["launch"], graph["launch"]) == ("enqueueV3 (as asked)", "CUDA graph")
    for launch in (plain, graph):
        assert launch["against_cpu"]["live_boxes"] > 0
        assert set(launch["latency_ms"]) == {"p50", "p90", "p99"}
        assert launch["peak_device_memory_mb"] == 0.0  # the FAKE's memory does not change
    assert findings.figures["plan_bytes"] > 0
    assert "two_threads" in findings.figures


def test_what_is_known_before_a_failure_is_kept(small_package_directory: Path) -> None:
    cuda, findings = OneByteWrong(), Kept()
    module = TensorRTModule(loaded("fake_tensorrt").fake_tensorrt("10", cuda))
    with pytest.raises(CheckFailedError, match="too far from the CPU"):
        tensorrt.accept(findings, module, [cuda], small_package_directory, Precision.FP32, 10)
    assert findings.figures["engine"].startswith("fp32-")
    cuda.require_nothing_left()


def test_targets_of_tensorrt_rtx() -> None:
    def module(*names: str) -> TensorRTModule:
        config = SimpleNamespace(num_compute_capabilities=1)
        kinds = SimpleNamespace(**{name: name for name in names})
        trt = SimpleNamespace(
            __name__="tensorrt_rtx", __version__="1.7", IBuilderConfig=config, ComputeCapability=kinds
        )
        return TensorRTModule(trt)

    assert tensorrt.targets_for(module("SM86", "SM120"), "12.0") == ("12.0",)
    for unnamed in ("8.7", "9.0", "7.2"):
        with pytest.raises(CheckSkippedError, match=f"does not name SM {unnamed} among its targets"):
            tensorrt.targets_for(module("SM86"), unnamed)
