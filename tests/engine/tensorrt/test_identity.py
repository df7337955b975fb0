"""Engines that must not be loaded here, on the FAKE device; the identity itself is real code."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

pytest.importorskip("onnx")

from collections.abc import Callable

from fake_cuda import ORIN, FakeCuda
from fake_tensorrt import fake_tensorrt

from edge_irdet.engine.cuda.adapter import Device
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import (
    PORTABLE,
    EngineRecord,
    covers,
    memory_class,
    mismatches,
    same_version,
)
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, read_engine
from edge_irdet.engine.tensorrt.trust import sealed
from edge_irdet.errors import (
    EngineDamagedError,
    EngineMismatchError,
    EngineMissingError,
    PackageHashError,
    PrecisionMissingError,
    TensorRTError,
)
from edge_irdet.package import Package, Precision

WritePackage = Callable[..., Package]


def built(package: Package, generation: str = "10", device: Device = ORIN) -> StoredEngine:
    cuda = FakeCuda(device)
    module = TensorRTModule(fake_tensorrt(generation, cuda))
    return EngineBuilder(package, module, cuda).build(BuildConfig())


def activate(
    package: Package,
    generation: str = "10",
    device: Device = ORIN,
    version: str | None = None,
    precision: Precision = Precision.FP32,
    engine: StoredEngine | None = None,
) -> list[str]:
    """Activate a runner on a device; what TensorRT met, which is nothing where it was refused before."""
    cuda = FakeCuda(device)
    trt = fake_tensorrt(generation, cuda, version)
    try:
        with TensorRTRunner(package, precision, engine=engine, module=TensorRTModule(trt), cuda=cuda):
            pass
    finally:
        cuda.require_nothing_left()
        activate.events = trt.events  # type: ignore[attr-defined]
    return trt.events


THOR = Device("Thor (FAKE)", "11.0", 64 << 30, 20, True)
ORIN_NANO = Device("Orin Nano (FAKE)", "8.7", 8 << 30, 8, True)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"device": THOR}, "compute capability, device, multiprocessors, memory"),
        ({"device": ORIN_NANO}, "device"),
        ({"device": replace(ORIN, multiprocessors=16)}, "multiprocessors"),
        ({"device": replace(ORIN, total_bytes=15 << 30)}, "memory"),
        ({"version": "10.13.3"}, "TensorRT version"),
        ({"generation": "11"}, "TensorRT version"),
        ({"generation": "rtx"}, "module, TensorRT version"),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_an_engine_from_elsewhere_names_both_identities(
    small_package: Package, options: dict[str, object], difference: str, given: bool
) -> None:
    engine = built(small_package)
    with pytest.raises(EngineMismatchError) as caught:
        activate(small_package, engine=engine if given else None, **options)
    error = caught.value
    assert f"differs in {difference}\n" in error.what
    assert "engine: fp32 by tensorrt 10.3.0 for SM 8.7 (Orin (FAKE), 8 SMs, 8 GiB)" in error.what
    assert "needed: fp32 by " in error.what
    assert f"edge-irdet build {small_package.directory} --precision fp32" in error.next_step
    assert activate.events == []  # type: ignore[attr-defined]


def test_an_engine_of_another_model(
    small_package: Package, package_of: WritePackage, graph_of: Callable[..., object]
) -> None:
    engine = built(small_package)
    other = package_of({Precision.FP32: graph_of(seed=1)}, "other")
    folder = other.directory / "engines"
    folder.mkdir()
    for suffix in (".engine", ".json"):
        path = engine.path.with_suffix(suffix)
        (folder / path.name).write_bytes(path.read_bytes())
    with pytest.raises(EngineMismatchError, match="differs in model\n"):
        activate(other)


def test_an_engine_of_another_precision(small_package: Package) -> None:
    engine = built(small_package)
    with pytest.raises(EngineMismatchError, match="precision, model"):
        activate(small_package, precision=Precision.FP16, engine=engine)


def test_no_engine(small_package: Package) -> None:
    with pytest.raises(EngineMissingError, match="holds no fp32 engine") as caught:
        activate(small_package)
    assert "edge-irdet build" in caught.value.next_step


def test_a_precision_that_the_package_does_not_hold(small_package: Package) -> None:
    with pytest.raises(PrecisionMissingError, match="not int8"):
        activate(small_package, precision=Precision.INT8)


def test_an_altered_graph(small_package: Package) -> None:
    built(small_package)
    (small_package.directory / "model.fp32.onnx").write_bytes(b"altered")
    with pytest.raises(PackageHashError):
        activate(small_package)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def altered(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


@pytest.mark.parametrize(
    ("damage", "said"),
    [(truncated, "is truncated"), (altered, "has SHA-256"), (lambda content: b"", "has 0 bytes")],
)
def test_a_damaged_plan_is_refused_before_tensorrt_sees_it(
    small_package: Package, damage: Callable[[bytes], bytes], said: str
) -> None:
    engine = built(small_package)
    engine.path.write_bytes(damage(engine.path.read_bytes()))
    with pytest.raises(EngineDamagedError, match=said) as caught:
        activate(small_package)
    assert "engine: fp32 by tensorrt 10.3.0" in caught.value.what
    assert activate.events == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [None, b"", b"{", b"{}", b'{"schema": 2}'])
def test_a_damaged_record(small_package: Package, content: bytes | None) -> None:
    record = built(small_package).path.with_suffix(".json")
    if content is None:
        record.unlink()
    else:
        record.write_bytes(content)
    with pytest.raises(EngineDamagedError, match="is not an engine's identity"):
        activate(small_package)


def test_a_record_that_lies_about_the_tensors(small_package: Package) -> None:
    engine = built(small_package)
    record = engine.path.with_suffix(".json")
    fields = json.loads(record.read_bytes())
    fields["identity"]["outputs"][0]["shape"] = [1, 4, 4]
    lying = sealed(msgspec.convert(fields, EngineRecord))
    record.write_bytes(msgspec.json.encode(lying))
    with pytest.raises(EngineDamagedError, match="its identity says"):
        activate(small_package)


def test_a_plan_that_tensorrt_refuses(small_package: Package) -> None:
    cuda = FakeCuda()
    module = TensorRTModule(fake_tensorrt("10", cuda))
    builder = EngineBuilder(small_package, module, cuda)
    engine = built(small_package)
    builder.device = None  # so that storing does not load it
    builder.store(engine.identity, b"not a plan, but of the right hash", 0.0)
    with pytest.raises(TensorRTError, match="magicTag"):
        activate(small_package)


def test_the_key_holds_all_of_the_identity(small_package: Package) -> None:
    engine = built(small_package)
    assert engine.path.name.startswith("fp32-tensorrt-10.3.0-sm87-")
    keys = {engine.identity.key}
    for field, value in {
        "device": "another",
        "workspace_mb": 7,
        "via": "torch-tensorrt",
        "calibration_sha256": "0" * 64,
        "model_sha256": "1" * 64,
        "compute_capabilities": ["11.0"],
    }.items():
        keys.add(msgspec.structs.replace(engine.identity, **{field: value}).key)
    assert len(keys) == 7
    assert read_engine(engine.path, "").identity == engine.identity


@pytest.mark.parametrize(
    ("built_for", "capability", "fits"),
    [
        (["8.7"], "8.7", True),
        (["8.7"], "8.6", False),
        (["8.6", "8.9"], "8.9", True),
        ([PORTABLE], "12.0", True),
        ([PORTABLE], "8.0", True),
        ([PORTABLE], "7.5", False),
        # TensorRT-RTX does not name them, whatever their numbers.
        *(([PORTABLE], capability, False) for capability in ("8.7", "9.0", "10.0", "10.3", "11.0")),
        ([PORTABLE, "8.7"], "8.7", True),
    ],
)
def test_which_gpu_an_engine_covers(built_for: list[str], capability: str, fits: bool) -> None:
    assert covers(built_for, capability) is fits


@pytest.mark.parametrize(
    ("total_bytes", "gib"), [(8 << 30, 8), (7_960_000_000, 8), (3_700_000_000, 4), (61 << 30, 64), (1, 4)]
)
def test_memory_classes_are_those_of_data_sheets(total_bytes: int, gib: int) -> None:
    assert memory_class(total_bytes) == gib


def test_an_identity_from_before_boards_were_told_apart_still_fits(small_package: Package) -> None:
    engine = built(small_package)
    old = msgspec.structs.replace(engine.identity, multiprocessors=None, memory_gib=None)
    assert b"multiprocessors" not in msgspec.json.encode(old)
    here = TensorRTModule(fake_tensorrt("10", FakeCuda())).host(ORIN)
    assert mismatches(old, here, Precision.FP32, old.model_sha256) == []


@pytest.mark.parametrize(
    ("built", "here", "same"),
    [
        ("10.3.0", "10.3.0", True),
        ("10.3.0", "10.3.0.26", True),
        ("10.3.0.26", "10.3.0", True),
        ("10.3.0.26", "10.3.0.26", True),
        ("10.3.0.26", "10.3.0.30", False),
        ("10.3.0", "10.3.1", False),
        ("10.3.0", "10.30.0", False),
        ("8.5.2.2", "8.5.2", True),
        ("8.5.2.2", "8.6.2.2", False),
        ("10.3.0.post1", "10.3.0", True),
        ("010.3.0", "10.3.0", True),
        ("10.3", "10.3", True),
        ("10.3", "10.3.0", False),
        ("10.3.0", "10.3.0.26.1", False),
        ("", "10.3.0", False),
        ("\u0661\u0660.3.0", "10.3.0", False),
        ("1" * 5000 + ".3.0", "10.3.0", False),
    ],
)
def test_versions_are_compared_as_numbers_and_builds_where_both_state_them(
    built: str, here: str, same: bool
) -> None:
    assert same_version(built, here) is same
    assert same_version(here, built) is same
