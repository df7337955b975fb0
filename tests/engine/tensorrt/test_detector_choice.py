"""Which runner ``Detector()`` takes, and that it says so; the device is a FAKE."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.selection as selection
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.comparison import compare
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, write_record
from edge_irdet.errors import DriverMissingError, EngineMissingError, OptionError, RunnerError
from edge_irdet.machine import gpu
from edge_irdet.package import Package, Precision

FRAME = np.full((4, 6), 200, np.uint8)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeCuda, TensorRTModule]:
    """A machine with a FAKE GPU, CUDA binding and TensorRT."""
    cuda = FakeCuda()
    module = TensorRTModule(fake_tensorrt("10", cuda, None))
    monkeypatch.setattr(selection, "open_cuda", lambda name: cuda)
    monkeypatch.setattr(selection, "open_tensorrt", lambda: module)
    return cuda, module


def test_the_stored_engine_that_fits_is_taken(
    small_package: Package, device: tuple[FakeCuda, TensorRTModule]
) -> None:
    cuda, module = device
    engine = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    detector = Detector(small_package.directory)
    assert isinstance(detector.runner, TensorRTRunner)
    assert (detector.runtime, detector.precision) == ("tensorrt", Precision.FP32)
    assert detector.reason.startswith(f"TensorRT runtime, fp32: {engine.path.name} fits tensorrt 10.3.0 on")
    assert "Orin (FAKE)" in detector.reason
    before = len(cuda.streams)
    with pytest.raises(RunnerError, match="activate"):
        detector.detect(FRAME)
    # The small graph's scores are no scores, so its outputs are compared as they are.
    feeds = {"image": FRAME[None, None]}
    on_cpu = Detector(small_package, DetectorConfig(runtime="cpu", precision="fp32", threads=1))
    with detector, on_cpu:
        assert len(cuda.streams) > before, "loaded by the with statement and not before"
        difference = compare(detector.runner.infer(feeds), on_cpu.runner.infer(feeds))
    assert (difference.score, difference.box_pixels) == (0.0, 0.0)


def test_the_fastest_precision_unless_one_is_named(
    small_package: Package, device: tuple[FakeCuda, TensorRTModule]
) -> None:
    cuda, module = device
    builder = EngineBuilder(small_package, module, cuda)
    builder.build(BuildConfig(Precision.FP32))
    fast = builder.build(BuildConfig(Precision.FP16))
    write_record(StoredEngine(fast.path, msgspec.structs.replace(fast.record, latency_ms={"p50": 1.0})))
    assert Detector(small_package).precision is Precision.FP16
    assert Detector(small_package, DetectorConfig(precision="fp32")).precision is Precision.FP32


def test_the_device_that_was_named_is_asked(
    small_package: Package, device: tuple[FakeCuda, TensorRTModule]
) -> None:
    with pytest.raises(DriverMissingError, match="asked for was device 3"):
        Detector(small_package, DetectorConfig(runtime="tensorrt", device=3))


def test_without_an_engine_auto_says_why_and_tensorrt_raises(
    small_package: Package, device: tuple[FakeCuda, TensorRTModule]
) -> None:
    detector = Detector(small_package)
    assert (detector.runtime, detector.precision) == ("cpu", Precision.FP32)
    assert detector.reason.startswith("CPU runtime, fp32: ")
    assert EngineMissingError.code in detector.reason
    assert f"edge-irdet build {small_package.directory}" in detector.reason
    with pytest.raises(EngineMissingError):
        Detector(small_package, DetectorConfig(runtime="tensorrt"))


def test_a_machine_without_a_gpu(
    small_package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "open_cuda", lambda name: FakeCuda(device=None, driver=0))
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path / "absent"),))
    detector = Detector(small_package)
    assert detector.reason == "CPU runtime, fp32: this machine shows no NVIDIA device"
    with pytest.raises(DriverMissingError):
        Detector(small_package, DetectorConfig(runtime="tensorrt"))


def test_the_cpu_when_asked_for_touches_no_gpu(
    small_package: Package, device: tuple[FakeCuda, TensorRTModule]
) -> None:
    detector = Detector(small_package, DetectorConfig(runtime="cpu", precision="fp16"))
    assert detector.reason == "CPU runtime, fp16: as asked"
    assert device[0].calls == []


def test_a_runtime_that_does_not_exist_is_refused_before_the_package_is_opened() -> None:
    with pytest.raises(OptionError, match="no runtime 'gpu'"):
        Detector("no-such-package", DetectorConfig(runtime="gpu"))
