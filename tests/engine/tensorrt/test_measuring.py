"""Building and timing several precisions on a FAKE device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.tensorrt.measuring as measuring
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import EngineRecord
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.store import StoredEngine, fastest_engine, find_fastest, write_record
from edge_irdet.package import Package, Precision


@pytest.fixture
def builder(small_package: Package) -> EngineBuilder:
    cuda = FakeCuda()
    return EngineBuilder(small_package, TensorRTModule(fake_tensorrt("10", cuda)), cuda)


def test_every_precision_of_the_package_is_built_and_timed(builder: EngineBuilder) -> None:
    engines = measuring.build_measured(builder, BuildConfig(workspace_mb=64))
    assert [engine.identity.precision for engine in engines] == [Precision.FP32, Precision.FP16]
    for engine in engines:
        stored = msgspec.json.decode(engine.path.with_suffix(".json").read_bytes(), type=EngineRecord)
        assert stored == engine.record
        assert stored.latency_ms is not None


MakeBuilder = Callable[..., EngineBuilder]


@pytest.fixture
def builder_of(package_of: Callable[..., Package], graph_of: Callable[..., Any]) -> MakeBuilder:
    """A builder, on a FAKE device, of a package that holds the given precisions; all by default."""

    def make(*precisions: Precision, generation: str = "10", name: str = "package") -> EngineBuilder:
        graphs = {one: graph_of(seed) for seed, one in enumerate(precisions or tuple(Precision))}
        cuda = FakeCuda()
        return EngineBuilder(package_of(graphs, name), TensorRTModule(fake_tensorrt(generation, cuda)), cuda)

    return make


def built(builder: EngineBuilder, medians: dict[str, float]) -> list[StoredEngine]:
    """Engines on disk with the medians that the test wants, milliseconds."""
    engines = []
    for precision, median in medians.items():
        engine = builder.build(BuildConfig(Precision(precision)))
        record = msgspec.structs.replace(engine.record, latency_ms={"p50": median})
        engines.append(StoredEngine(engine.path, record))
        write_record(engines[-1])
    return engines


MEASURED = [
    ({"fp32": 3.0, "fp16": 2.0}, "fp16"),
    ({"fp32": 2.0, "fp16": 2.0}, "fp32"),
    ({"fp32": 3.0, "fp16": 2.0, "int8": 1.0}, "int8"),
    ({"fp32": 3.0, "fp16": 2.0, "int8": 1.96}, "int8"),
    ({"fp32": 3.0, "fp16": 2.0, "int8": 1.97}, "fp16"),  # within what two measurements differ by
    ({"fp32": 3.0, "fp16": 2.0, "int8": 2.5}, "fp16"),  # TensorRT-RTX's kernels of INT8
    ({"fp32": 1.0, "fp16": 2.0, "int8": 1.5}, "fp32"),
    ({"fp32": 3.0, "int8": 1.0}, "fp32"),  # the package has FP16, which may be faster
    ({"int8": 1.0}, "int8"),
    ({}, None),
]


@pytest.mark.parametrize(("medians", "chosen"), MEASURED, ids=str)
def test_the_fastest_is_chosen_and_int8_only_where_it_pays(
    builder_of: MakeBuilder, medians: dict[str, float], chosen: str | None
) -> None:
    builder = builder_of()
    fastest = fastest_engine(built(builder, medians), builder.package)
    assert (None if fastest is None else fastest.identity.precision.value) == chosen
    if chosen is not None and builder.device is not None:
        # A stream chooses by the same rule from what lies on the disk.
        found = find_fastest(builder.package, builder.module.host(builder.device))
        assert found.identity.precision.value == chosen


def test_a_record_without_a_median_is_the_slowest(builder_of: MakeBuilder) -> None:
    builder = builder_of()
    timed, other = built(builder, {"fp32": 9.0, "fp16": 1.0})
    other = StoredEngine(other.path, msgspec.structs.replace(other.record, latency_ms={"p90": 1.0}))
    assert fastest_engine([other, timed], builder.package) is timed


def test_without_fp16_in_the_package_int8_is_compared_with_fp32(builder_of: MakeBuilder) -> None:
    builder = builder_of(Precision.FP32, Precision.INT8)
    fastest = fastest_engine(built(builder, {"fp32": 2.0, "int8": 1.0}), builder.package)
    assert fastest is not None
    assert fastest.identity.precision is Precision.INT8


def test_int8_is_offered_where_it_can_be_measured(builder_of: MakeBuilder) -> None:
    assert measuring.offered_precisions(builder_of(), BuildConfig()) == list(Precision)
    # TensorRT-RTX builds without a GPU, and the one at hand is none that it builds for.
    elsewhere = builder_of(generation="rtx", name="elsewhere")
    assert measuring.offered_precisions(elsewhere, BuildConfig()) == [Precision.FP32, Precision.FP16]
    only = builder_of(Precision.INT8, generation="rtx", name="only")
    assert measuring.offered_precisions(only, BuildConfig()) == [Precision.INT8]
    engines = measuring.build_measured(elsewhere, BuildConfig())
    assert [engine.identity.precision for engine in engines] == [Precision.FP32, Precision.FP16]


def test_an_engine_is_timed_once(builder: EngineBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = measuring.build_measured(builder, BuildConfig(), [Precision.FP32])
    monkeypatch.setattr(measuring, "measure_latency", lambda runner: pytest.fail("timed again"))
    assert measuring.build_measured(builder, BuildConfig(), [Precision.FP32]) == first


def test_without_the_gpu_that_it_is_for_nothing_is_measured(builder: EngineBuilder) -> None:
    engine = builder.build(BuildConfig())
    builder.device = None
    assert measuring.measure_engine(builder, engine).record.latency_ms is None
    assert fastest_engine([engine], builder.package) is None
