"""Engines whose tensors are not the manifest's: refused before memory is taken. The device is a FAKE."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

pytest.importorskip("onnx")

from fake_cuda import ADA, ORIN, FakeCuda
from fake_tensorrt import fake_tensorrt

from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.errors import EngineBuildError, RunnerError
from edge_irdet.package import InputSpec, OutputSpec, Package

BOXES, SCORES = OutputSpec("boxes", [1, 3, 4]), OutputSpec("scores", [1, 3, 1])

OTHERS: list[dict[str, Any]] = [
    {"outputs": [BOXES, OutputSpec("scores", [1, 3, 2])], "classes": ["a", "b"]},
    {"outputs": [OutputSpec("boxes", [1, 4, 4]), OutputSpec("scores", [1, 4, 1])]},
    {"outputs": [BOXES, SCORES, OutputSpec("saliency", [1, 1, 4, 6])]},
    {"input": InputSpec("image", 4, 6, 1, "uint8")},
    {"input": InputSpec("picture", 6, 4, 1, "uint8")},
]


@pytest.mark.parametrize("change", OTHERS)
@pytest.mark.parametrize("generation", ["8.5", "10", "rtx"])
def test_an_engine_that_is_not_as_the_manifest_says_is_not_run(
    small_package: Package, generation: str, change: dict[str, Any]
) -> None:
    cuda = FakeCuda(ADA if generation == "rtx" else ORIN)
    module = TensorRTModule(fake_tensorrt(generation, cuda))
    engine = EngineBuilder(small_package, module, cuda).build(BuildConfig())
    small_package.manifest = msgspec.structs.replace(small_package.manifest, **change)
    cuda.calls.clear()
    runner = TensorRTRunner(small_package, engine=engine, module=module, cuda=cuda)
    with pytest.raises(RunnerError, match="not as the manifest says"):
        runner.activate()
    assert "allocate" not in cuda.calls
    cuda.require_nothing_left()


@pytest.mark.parametrize("change", OTHERS)
def test_a_graph_that_is_not_as_the_manifest_says_is_not_built(
    small_package: Package, change: dict[str, Any]
) -> None:
    cuda = FakeCuda()
    small_package.manifest = msgspec.structs.replace(small_package.manifest, **change)
    builder = EngineBuilder(small_package, TensorRTModule(fake_tensorrt("10", cuda)), cuda)
    with pytest.raises(EngineBuildError, match="manifest"):
        builder.build(BuildConfig())
