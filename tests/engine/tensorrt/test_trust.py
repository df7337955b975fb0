"""Engines of elsewhere: named, refused, and trusted only by their owner's word. The device is a FAKE."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

from doubles.command_line import run
from edge_irdet.engine.selection import choose_runner
from edge_irdet.engine.tensorrt import trust
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, find_engine, read_engine, trust_engines
from edge_irdet.errors import EngineDamagedError, EngineUntrustedError
from edge_irdet.machine.host_id import host_id
from edge_irdet.package import Package, Precision


def built_on(package: Package, machine: str, monkeypatch: pytest.MonkeyPatch) -> StoredEngine:
    with monkeypatch.context() as patch:
        patch.setattr(trust, "host_id", lambda: machine)
        cuda = FakeCuda()
        return EngineBuilder(package, TensorRTModule(fake_tensorrt("10", cuda)), cuda).build(BuildConfig())


def device() -> tuple[FakeCuda, TensorRTModule]:
    cuda = FakeCuda()
    return cuda, TensorRTModule(fake_tensorrt("10", cuda))


def test_a_strangers_engine_is_named_and_not_loaded(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = built_on(small_package, "stranger", monkeypatch)
    cuda, module = device()
    with pytest.raises(EngineUntrustedError, match=engine.path.name) as caught:
        choose_runner(small_package, runtime="tensorrt", module=module, cuda=cuda)
    assert "edge-irdet build" in caught.value.next_step
    chosen = choose_runner(small_package, module=module, cuda=cuda)
    assert chosen.runner.name == "cpu"
    assert "E612" in chosen.reason
    for given in (engine, None):
        runner = TensorRTRunner(small_package, engine=given, module=module, cuda=cuda)
        with pytest.raises(EngineUntrustedError):
            runner.activate()
    assert module.trt.events == []


def test_an_own_engine_is_taken_beside_a_strangers(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = built_on(small_package, "stranger", monkeypatch)
    cuda, module = device()
    own = EngineBuilder(small_package, module, cuda).build(BuildConfig(workspace_mb=7))
    host = module.host(cuda.device(0))
    assert own.path != stranger.path
    assert find_engine(small_package, Precision.FP32, host).path == own.path


def test_building_replaces_a_strangers_engine_of_the_same_name(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = built_on(small_package, "stranger", monkeypatch)
    cuda, module = device()
    own = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    assert own.path == stranger.path
    with choose_runner(small_package, runtime="tensorrt", module=module, cuda=cuda).runner as runner:
        assert runner.name == "tensorrt"


def test_an_owner_may_trust_an_engine_by_command(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = built_on(small_package, "board of the fleet", monkeypatch)
    finished = run("package", "trust", "small", folder=small_package.directory.parent)
    assert f"trusted: small/engines/{engine.path.name}" in finished.stdout, finished.stderr
    cuda, module = device()
    assert (
        choose_runner(small_package, runtime="tensorrt", module=module, cuda=cuda).runner.name == "tensorrt"
    )
    assert trust_engines(small_package) == []
    again = run("package", "trust", "small", folder=small_package.directory.parent)
    assert again.stdout == "small has no engine of another machine\n"


def test_a_damaged_engine_is_not_trusted(small_package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = built_on(small_package, "stranger", monkeypatch)
    engine.path.write_bytes(b"changed on the way")
    with pytest.raises(EngineDamagedError):
        trust_engines(small_package)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"[" * 9000, b"{}", b'{"schema": 1, "identity": 7}'])
def test_a_bad_record_falls_back_and_never_ends_in_a_traceback(
    small_package: Package, content: bytes
) -> None:
    cuda, module = device()
    engine = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    engine.path.with_suffix(".json").write_bytes(content)
    with pytest.raises(EngineDamagedError, match="is not an engine's identity"):
        read_engine(engine.path, "build it again")
    assert choose_runner(small_package, module=module, cuda=cuda).runner.name == "cpu"


def test_the_identity_of_a_machine(tmp_path: Path) -> None:
    stated, short, absent = tmp_path / "machine-id", tmp_path / "short", tmp_path / "absent"
    stated.write_text("0123456789abcdef\n")
    short.write_text("\n")
    assert host_id((absent, short, stated)) == "0123456789abcdef"
    own = tmp_path / "state" / "host-id"
    made = host_id((absent, short), own)
    assert made == host_id((absent, short), own)
    assert own.stat().st_mode & 0o777 == 0o600
    (tmp_path / "file").touch()
    assert host_id((absent,), tmp_path / "file" / "host-id") is None


def test_without_an_identity_nothing_is_trusted(
    small_package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "host_id", lambda: None)
    cuda, module = device()
    engine = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    assert engine.record.seal == ""
    with pytest.raises(EngineUntrustedError):
        choose_runner(small_package, runtime="tensorrt", module=module, cuda=cuda)
