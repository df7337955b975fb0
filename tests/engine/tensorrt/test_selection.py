"""Which runner is chosen; the device is a FAKE."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.selection as selection
from edge_irdet.engine.comparison import compare
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner_latency import measure_latency
from edge_irdet.engine.selection import choose_runner
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, find_engine, write_record
from edge_irdet.errors import (
    CudaError,
    DriverMissingError,
    EdgeIrdetError,
    EngineMismatchError,
    EngineMissingError,
    ExtraMissingError,
    OptionError,
    PrecisionMissingError,
)
from edge_irdet.errors.installation import install_step
from edge_irdet.machine import gpu
from edge_irdet.package import Package, Precision


def device(version: str | None = None) -> tuple[FakeCuda, TensorRTModule]:
    cuda = FakeCuda()
    return cuda, TensorRTModule(fake_tensorrt("10", cuda, version))


def test_tensorrt_where_an_engine_fits(small_package: Package) -> None:
    cuda, module = device()
    engine = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    chosen = choose_runner(small_package, module=module, cuda=cuda)
    assert isinstance(chosen.runner, TensorRTRunner)
    assert (chosen.runtime, chosen.precision) == ("tensorrt", Precision.FP32)
    assert chosen.reason == (
        f"TensorRT runtime, fp32: {engine.path.name} fits tensorrt 10.3.0 on SM 8.7 "
        "(Orin (FAKE), 8 SMs, 8 GiB)"
    )
    feeds = {"image": np.full((1, 1, 4, 6), 200, np.uint8)}
    with chosen.runner as gpu, choose_runner(small_package, runtime="cpu", threads=1).runner as cpu:
        difference = compare(gpu.infer(feeds), cpu.infer(feeds))
    assert (difference.score, difference.box_pixels) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("cuda", "version", "built", "error"),
    [
        (FakeCuda(device=None, driver=0), None, False, DriverMissingError),
        (FakeCuda(), None, False, EngineMissingError),
        (FakeCuda(), "11.4.1", True, EngineMismatchError),
    ],
    ids=["no driver", "no engine", "other version"],
)
def test_auto_says_why_it_takes_the_cpu_and_tensorrt_raises(
    small_package: Package,
    cuda: FakeCuda,
    version: str | None,
    built: bool,
    error: type[EdgeIrdetError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path),))
    if built:
        own, own_module = device()
        EngineBuilder(small_package, own_module, own).build(BuildConfig())
    module = TensorRTModule(fake_tensorrt("10", cuda, version))
    with pytest.raises(error):
        choose_runner(small_package, runtime="tensorrt", module=module, cuda=cuda)
    chosen = choose_runner(small_package, module=module, cuda=cuda, threads=1)
    assert isinstance(chosen.runner, CpuRunner)
    assert (chosen.runtime, chosen.precision) == ("cpu", Precision.FP32)
    assert chosen.reason.startswith("CPU runtime, fp32: ")
    assert error.code in chosen.reason
    assert "\n" not in chosen.reason


def test_on_a_device_a_missing_binding_comes_with_its_remedy(
    small_package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ExtraMissingError("cuda-python is not installed", install_step("tensorrt"))

    monkeypatch.setattr(selection, "open_cuda", missing)
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path / "absent"),))
    assert choose_runner(small_package).reason == "CPU runtime, fp32: this machine shows no NVIDIA device"
    (tmp_path / "nv_tegra_release").touch()
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path / "nv_tegra_release"),))
    assert install_step("tensorrt") in choose_runner(small_package).reason


def test_a_missing_binding_is_a_reason_for_the_cpu(
    small_package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ExtraMissingError("cuda-python cannot be imported", "pip install cuda-python")

    monkeypatch.setattr(selection, "open_cuda", absent)
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path),))
    assert "E404" in choose_runner(small_package).reason
    with pytest.raises(ExtraMissingError):
        choose_runner(small_package, runtime="tensorrt")


def test_a_fault_of_the_gpu_is_not_passed_over(small_package: Package) -> None:
    cuda, module = device()
    cuda.fail["device"] = 0
    with pytest.raises(CudaError):
        choose_runner(small_package, module=module, cuda=cuda)


def test_the_cpu_when_asked_for_touches_no_gpu(small_package: Package) -> None:
    cuda, module = device()
    chosen = choose_runner(small_package, Precision.FP16, "cpu", module=module, cuda=cuda)
    assert chosen.reason == "CPU runtime, fp16: as asked"
    assert cuda.calls == []


def test_bad_options(small_package: Package) -> None:
    with pytest.raises(OptionError, match="no runtime 'gpu'"):
        choose_runner(small_package, runtime="gpu")
    with pytest.raises(PrecisionMissingError):
        choose_runner(small_package, Precision.INT8)


def test_the_faster_of_two_engines_that_fit(small_package: Package) -> None:
    cuda, module = device()
    builder = EngineBuilder(small_package, module, cuda)
    for workspace, p50 in ((64, 2.0), (128, 1.0), (256, 3.0)):
        engine = builder.build(BuildConfig(workspace_mb=workspace))
        record = msgspec.structs.replace(engine.record, latency_ms={"p50": p50})
        write_record(StoredEngine(engine.path, record))
    found = find_engine(small_package, Precision.FP32, module.host(cuda.device(0)))
    assert found.identity.workspace_mb == 128


def test_without_a_precision_the_fastest_measured_engine(small_package: Package) -> None:
    cuda, module = device()
    builder = EngineBuilder(small_package, module, cuda)
    fast = builder.build(BuildConfig(Precision.FP16))
    builder.build(BuildConfig(Precision.FP32))
    chosen = choose_runner(small_package, module=module, cuda=cuda)
    assert "TensorRT runtime, fp32" in chosen.reason  # nothing was measured
    write_record(StoredEngine(fast.path, msgspec.structs.replace(fast.record, latency_ms={"p50": 1.0})))
    chosen = choose_runner(small_package, module=module, cuda=cuda)
    assert "TensorRT runtime, fp16" in chosen.reason
    assert choose_runner(small_package, runtime="cpu").reason == "CPU runtime, fp32: as asked"


def test_latency_is_in_milliseconds_and_ordered(small_package: Package) -> None:
    with CpuRunner(small_package.read_graph(), threads=1) as runner:
        latency = measure_latency(runner, frames=20)
    assert list(latency) == ["p50", "p90", "p99"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
