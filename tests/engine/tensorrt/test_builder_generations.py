"""The builder over every generation of TensorRT's module, as FAKES; test_rtx_builder.py meets a real one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

pytest.importorskip("onnx")

from fake_cuda import ADA, FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.tensorrt.building as building
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.memory import COPIES_OF_WEIGHTS, LIBRARY_BYTES, require_memory
from edge_irdet.engine.tensorrt.module import TensorRTModule, open_tensorrt
from edge_irdet.errors import (
    DriverMissingError,
    EngineBuildError,
    EngineMemoryError,
    ExtraMissingError,
    OptionError,
    OutputFailedError,
    PrecisionMissingError,
)
from edge_irdet.package import OutputSpec, Package, Precision
from edge_irdet.provenance import PrecisionFigures

WritePackage = Callable[..., Package]


def builder_of(package: Package, generation: str, cuda: FakeCuda | None = None) -> tuple[EngineBuilder, Any]:
    cuda = cuda or FakeCuda()
    trt = fake_tensorrt(generation, cuda)
    return EngineBuilder(package, TensorRTModule(trt), cuda), trt


@pytest.mark.parametrize(("generation", "flags"), [("8.5", 0b01), ("10", 0b11), ("11", 0b01), ("rtx", 0b01)])
def test_network_flags_come_from_the_enumeration(small_package: Package, generation: str, flags: int) -> None:
    builder, trt = builder_of(small_package, generation)
    engine = builder.build(BuildConfig())
    assert trt.state.networks[0].flags == flags
    assert engine.identity.strongly_typed is (generation != "8.5")


@pytest.mark.parametrize("generation", ["8.5", "10", "11", "rtx"])
def test_the_common_configuration(small_package: Package, generation: str) -> None:
    builder, trt = builder_of(small_package, generation)
    builder.build(BuildConfig(workspace_mb=64))
    (config,) = trt.state.build_configs
    assert config.limits == {trt.MemoryPoolType.WORKSPACE: 64 * 2**20}
    assert config.profiling_verbosity is trt.ProfilingVerbosity.DETAILED
    assert config.flags == set()  # TF32 cleared, nothing else set
    assert (config.timing_cache is None) is (generation == "rtx")


def test_weak_fp16_keeps_the_graphs_own_fp32_layers(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "8.5")
    builder.build(BuildConfig(Precision.FP16))
    (config,) = trt.state.build_configs
    assert {flag.name for flag in config.flags} == {"FP16", "OBEY_PRECISION_CONSTRAINTS"}
    held = {layer.name for layer in trt.state.networks[0].layers if layer.precision is trt.float32}
    assert held == {"to_decode", "decode_reshape", "boxes", "scores"}
    assert all(
        layer.output_types == {0: trt.float32} for layer in trt.state.networks[0].layers if layer.name in held
    )


def test_weak_int8_allows_no_fp16(package_of: WritePackage, graph_of: Callable[..., object]) -> None:
    builder, trt = builder_of(package_of({Precision.INT8: graph_of()}), "8.5")
    builder.build(BuildConfig(Precision.INT8))
    assert {flag.name for flag in trt.state.build_configs[0].flags} == {"INT8"}


def test_weak_int8_with_an_fp16_remainder(package_of: WritePackage, graph_of: Callable[..., object]) -> None:
    builder, trt = builder_of(package_of({Precision.INT8: graph_of(half=True)}), "8.5")
    builder.build(BuildConfig(Precision.INT8))
    flags = {flag.name for flag in trt.state.build_configs[0].flags}
    assert flags == {"INT8", "FP16", "OBEY_PRECISION_CONSTRAINTS"}
    held = {layer.name for layer in trt.state.networks[0].layers if layer.precision is trt.float32}
    assert held == {"to_decode", "decode_reshape", "boxes", "scores"}


def test_the_calibration_recipe_is_in_the_identity(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10")
    before = builder.build(BuildConfig()).identity
    keys = {before.key}
    for recipe in ({"method": "minmax"}, {"method": "percentile"}):
        metrics = {Precision.FP32: PrecisionFigures(recipe=recipe)}
        small_package.manifest = msgspec.structs.replace(small_package.manifest, metrics=metrics)
        identity = builder.build(BuildConfig()).identity
        assert identity.calibration_sha256 is not None
        keys.add(identity.key)
    assert before.calibration_sha256 is None
    assert len(keys) == 3


@pytest.mark.parametrize("generation", ["10", "11", "rtx"])
def test_strong_typing_sets_no_precision_flag(small_package: Package, generation: str) -> None:
    builder, trt = builder_of(small_package, generation)
    builder.build(BuildConfig(Precision.FP16))
    assert trt.state.build_configs[0].flags == set()
    assert all(getattr(layer, "precision", None) is None for layer in trt.state.networks[0].layers)


def test_what_the_inspector_found_is_recorded(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10")
    assert builder.build(BuildConfig()).record.precisions_found == {"fp32": 7}
    assert builder.build(BuildConfig(Precision.FP16)).record.precisions_found == {"fp16": 3, "fp32": 4}


def test_the_record_names_driver_and_cuda(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10", FakeCuda(driver=13020, runtime=13000))
    record = builder.build(BuildConfig()).record
    assert (record.cuda, record.driver, record.l4t) == ("13.0", "13.2", None)
    assert record.identity.device == "Orin (FAKE)"


@pytest.mark.parametrize("content", [None, b"10.3.0:timed", b"8.5:timed", b"rubbish"])
def test_the_timing_cache_is_kept_and_replaced_where_it_is_another(
    small_package: Package, content: bytes | None
) -> None:
    builder, trt = builder_of(small_package, "10")
    cache = small_package.directory / "engines" / "timing-tensorrt-10.3.0-sm87.cache"
    if content is not None:
        cache.parent.mkdir()
        cache.write_bytes(content)
    builder.build(BuildConfig())
    used = trt.state.build_configs[0].timing_cache.content
    assert used == (b"10.3.0:timed" if content == b"10.3.0:timed" else b"")
    assert cache.read_bytes() == b"10.3.0:timed"


@pytest.mark.parametrize("generation", ["8.5", "10"])
def test_the_parsers_words_are_in_the_error(
    package_of: WritePackage, graph_of: Callable[..., object], generation: str
) -> None:
    builder, _ = builder_of(package_of({Precision.FP32: graph_of(extra="Loop")}), generation)
    with pytest.raises(EngineBuildError, match="no importer for Loop") as caught:
        builder.build(BuildConfig())
    assert ("Loop 'extra'" if generation == "10" else "node 7") in caught.value.what


def test_the_builders_log_is_in_the_error(package_of: WritePackage, graph_of: Callable[..., object]) -> None:
    package = package_of({Precision.FP32: graph_of(extra="NonMaxSuppression")})
    builder, _ = builder_of(package, "10")
    with pytest.raises(EngineBuildError, match=r"TensorRT: Error Code 2: .*extra has no runners"):
        builder.build(BuildConfig())
    assert not list((package.directory / "engines").iterdir())


def test_out_of_memory_while_building(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "10")
    trt.state.out_of_memory = True
    with pytest.raises(EngineMemoryError, match="out of memory") as caught:
        builder.build(BuildConfig())
    assert "--workspace 512" in caught.value.next_step
    assert not list((small_package.directory / "engines").iterdir())


def test_too_little_memory_stops_before_the_start(small_package: Package) -> None:
    cuda = FakeCuda(ADA)
    cuda.free_bytes = 100 << 20
    builder, trt = builder_of(small_package, "10", cuda)
    with pytest.raises(EngineMemoryError, match=r"1024 of them workspace\), 100 are free"):
        builder.build(BuildConfig())
    assert trt.state.networks == []
    cuda.require_nothing_left()


def test_on_a_jetson_the_memory_that_the_system_would_give_back_counts(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = FakeCuda()
    cuda.free_bytes = 100 << 20  # as cudaMemGetInfo there, which knows nothing of the caches
    builder, _ = builder_of(small_package, "10", cuda)
    monkeypatch.setattr(building, "host_available", lambda: 5500 << 20)
    builder.build(BuildConfig())
    monkeypatch.setattr(building, "host_available", lambda: 1100 << 20)
    with pytest.raises(EngineMemoryError, match="that processor and GPU share"):
        builder.build(BuildConfig(rebuild=True))


def test_too_little_host_memory(small_package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "host_available", lambda: 300 << 20)
    builder, trt = builder_of(small_package, "rtx", FakeCuda(device=None, driver=0))
    with pytest.raises(EngineMemoryError, match="host memory, 300 are free"):
        builder.build(BuildConfig())
    assert trt.state.networks == []


def test_the_memory_rule() -> None:
    need = LIBRARY_BYTES + COPIES_OF_WEIGHTS * 1000
    require_memory(1000, 64, None, need)
    require_memory(1000, 64, None, None)
    with pytest.raises(EngineMemoryError):
        require_memory(1000, 64, None, need - 1)


def test_memory_that_processor_and_gpu_share_is_counted_once() -> None:
    cuda = FakeCuda()
    cuda.attach(0)
    cuda.free_bytes = 0  # without the caches that the system would give back
    need = LIBRARY_BYTES + 2 * COPIES_OF_WEIGHTS * 1000 + (64 << 20)
    require_memory(1000, 64, cuda, need, integrated=True)
    require_memory(1000, 64, cuda, None, integrated=True)
    with pytest.raises(EngineMemoryError, match="of the memory that processor and GPU share"):
        require_memory(1000, 64, cuda, need - 1, integrated=True)
    with pytest.raises(EngineMemoryError, match="of GPU memory"):
        require_memory(1000, 64, cuda, need)


@pytest.mark.parametrize("generation", ["8.5", "10", "11", "rtx"])
def test_a_frame_runs_on_one_stream(small_package: Package, generation: str) -> None:
    builder, trt = builder_of(small_package, generation)
    builder.build(BuildConfig())
    (config,) = trt.state.build_configs
    assert getattr(config, "max_aux_streams", None) == (None if generation == "8.5" else 0)


def test_an_engine_that_cannot_be_looked_into_is_kept(
    small_package: Package, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*arguments: object) -> None:
        raise EngineBuildError("TensorRT refuses the engine it has just built", "build it again")

    monkeypatch.setattr(building, "loaded_engine", refused)
    builder, _ = builder_of(small_package, "10")
    engine = builder.build(BuildConfig())
    assert engine.path.is_file()
    assert engine.record.precisions_found is None
    assert "cannot be looked into: TensorRT refuses the engine" in caplog.text


@pytest.mark.parametrize("generation", ["8.5", "10", "11"])
def test_without_a_driver_only_rtx_builds(small_package: Package, generation: str) -> None:
    absent = FakeCuda(device=None, driver=0)
    with pytest.raises(DriverMissingError):
        builder_of(small_package, generation, absent)
    builder, _ = builder_of(small_package, "rtx", absent)
    record = builder.build(BuildConfig()).record
    assert record.identity.device is None
    assert record.precisions_found is None
    assert record.driver is None


def test_tensorrt_does_not_build_for_another_gpu(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10")
    assert builder.build(BuildConfig(targets=("8.7",))).identity.compute_capabilities == ["8.7"]
    with pytest.raises(OptionError, match=r"SM 8\.7\); it cannot build for SM 11\.0"):
        builder.build(BuildConfig(targets=("11.0",)))


def test_rtx_targets_reach_the_configuration(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "rtx", FakeCuda(device=None, driver=0))
    builder.build(BuildConfig(targets=("12.0", "8.6")))
    assert trt.state.build_configs[0].capabilities == ["SM120", "SM86"]


def test_a_graph_with_another_border_than_the_manifest(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10")
    outputs = [OutputSpec("boxes", [1, 9, 4]), OutputSpec("scores", [1, 9, 1])]
    small_package.manifest = msgspec.structs.replace(small_package.manifest, outputs=outputs)
    with pytest.raises(EngineBuildError, match="the manifest says"):
        builder.build(BuildConfig())


def test_a_precision_that_did_not_pass_its_gate_is_not_built(small_package: Package) -> None:
    builder, _ = builder_of(small_package, "10")
    with pytest.raises(PrecisionMissingError):
        builder.build(BuildConfig(Precision.INT8))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_before_the_build(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "10")
    small_package.directory.chmod(0o555)
    with pytest.raises(OutputFailedError, match="cannot be written"):
        builder.build(BuildConfig())
    assert trt.state.networks == []


def test_a_file_in_the_place_of_the_folder(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "10")
    (small_package.directory / "engines").write_text("in the way")
    with pytest.raises(OutputFailedError, match="cannot be written"):
        builder.build(BuildConfig())
    assert trt.state.networks == []


def test_rebuild(small_package: Package) -> None:
    builder, trt = builder_of(small_package, "10")
    for rebuild, builds in ((False, 1), (False, 1), (True, 2)):
        builder.build(BuildConfig(rebuild=rebuild))
        assert len(trt.state.build_configs) == builds


@pytest.mark.parametrize("generation", ["8.5", "10"])
def test_progress_where_there_is_a_monitor(small_package: Package, generation: str) -> None:
    builder, _ = builder_of(small_package, generation)
    seen: list[tuple[str, float]] = []
    builder.build(BuildConfig(), lambda phase, done: seen.append((phase, done)))
    phase = "Building engine"
    expected = [(phase, 0.0), (phase, 0.5), (phase, 1.0), (phase, 1.0)]
    assert seen == (expected if generation == "10" else [])


def test_progress_that_raises_stops_the_build_and_comes_out(small_package: Package) -> None:
    def stop(phase: str, done: float) -> None:
        raise KeyboardInterrupt

    builder, _ = builder_of(small_package, "10")
    with pytest.raises(KeyboardInterrupt):
        builder.build(BuildConfig(), stop)
    assert not list((small_package.directory / "engines").iterdir())


def test_unknown_and_missing_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="no TensorRT module 'nvinfer'"):
        open_tensorrt("nvinfer")
    monkeypatch.setitem(__import__("sys").modules, "tensorrt", None)
    with pytest.raises(ExtraMissingError, match="tensorrt: "):
        open_tensorrt("tensorrt")


def test_workspace_is_positive() -> None:
    with pytest.raises(OptionError, match="0 MB"):
        BuildConfig(workspace_mb=0)
