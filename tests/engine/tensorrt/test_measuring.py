"""Building and timing several precisions on a FAKE device."""

from __future__ import annotations

import msgspec
import pytest

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.tensorrt.measuring as measuring
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import EngineRecord
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.package import Package, Precision


@pytest.fixture
def builder(small_package: Package) -> EngineBuilder:
    cuda = FakeCuda()
    return EngineBuilder(small_package, TensorRTModule(fake_tensorrt("10", cuda)), cuda)


def test_every_precision_of_the_package_is_built_and_timed(builder: EngineBuilder) -> None:
    engines = measuring.build_measured(builder, BuildConfig(workspace_mb=64))
    assert [engine.identity.precision for engine in engines] == sorted(builder.package.manifest.graphs)
    for engine in engines:
        stored = msgspec.json.decode(engine.path.with_suffix(".json").read_bytes(), type=EngineRecord)
        assert stored == engine.record
        assert stored.latency_ms is not None


def test_the_fastest_is_the_one_with_the_lowest_median(
    builder: EngineBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    medians = iter([3.0, 2.0])
    monkeypatch.setattr(measuring, "measure_latency", lambda runner: {"p50": next(medians)})
    engines = measuring.build_measured(builder, BuildConfig(), [Precision.FP32, Precision.FP16])
    fastest = measuring.fastest_engine(engines)
    assert fastest is not None
    assert fastest.identity.precision is Precision.FP16
    assert measuring.fastest_engine([]) is None


def test_an_engine_is_timed_once(builder: EngineBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measuring.build_measured(builder, BuildConfig(), [Precision.FP32])
    monkeypatch.setattr(measuring, "measure_latency", lambda runner: pytest.fail("timed again"))
    assert measuring.build_measured(builder, BuildConfig(), [Precision.FP32]) == first


def test_without_the_gpu_that_it_is_for_nothing_is_measured(builder: EngineBuilder) -> None:
    engine = builder.build(BuildConfig())
    builder.device = None
    assert measuring.measure_engine(builder, engine).record.latency_ms is None
    assert measuring.fastest_engine([engine]) is None
