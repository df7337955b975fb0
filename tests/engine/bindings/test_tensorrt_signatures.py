"""The real ``tensorrt`` bindings against what the product calls, and against the FAKE that the tests run on.

The bindings are NVIDIA's; the libraries under them are link stubs, so this is about names, parameters,
numbers and null, not about TensorRT.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

FAKES = Path(__file__).parents[1] / "tensorrt"
sys.path.insert(0, str(FAKES))

from describe_module import described, enumerations
from distributions import fetched
from fake_cuda import FakeCuda
from fake_tensorrt import fake_tensorrt

import edge_irdet.engine.tensorrt as room
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.plan import DTYPES

API = [
    f"{owner}.{member}"
    for owner, members in {
        "Builder": "create_network create_builder_config build_serialized_network",
        "IBuilderConfig": "set_memory_pool_limit set_flag clear_flag create_timing_cache set_timing_cache "
        "profiling_verbosity progress_monitor max_aux_streams num_compute_capabilities "
        "set_compute_capability",
        "ITimingCache": "serialize",
        "INetworkDefinition": "num_layers get_layer num_inputs get_input num_outputs get_output",
        "ILayer": "name type num_outputs get_output precision set_output_type",
        "ITensor": "name dtype shape",
        "OnnxParser": "parse num_errors get_error",
        "ParserError": "desc node node_name node_operator",
        "Runtime": "deserialize_cuda_engine",
        "ICudaEngine": "num_io_tensors get_tensor_name get_tensor_shape get_tensor_dtype "
        "create_engine_inspector create_execution_context",
        "IExecutionContext": "set_tensor_address execute_async_v3 nvtx_verbosity is_stream_capturable",
        "EngineInspector": "get_engine_information",
        "IProgressMonitor": "phase_start step_complete phase_finish",
    }.items()
    for member in members.split()
]
"""Everything of TensorRT that the product calls, asks for or overrides."""

VERSIONS = {
    ("tensorrt-bindings", "8.6.1"): "8.5",
    ("tensorrt-cu12-bindings", "10.3.0"): "10",
    ("tensorrt-cu12-bindings", "10.13.0.35"): "10",
    ("tensorrt-cu12-bindings", "11.4.0.106"): "11",
}
"""Distribution and version -> generation of the FAKE; of 8.5 there is no wheel, 8.6 is its next."""

SINCE_8_5 = {"IBuilderConfig.max_aux_streams"}
"""What 8.6 has and 8.5 had not."""

each_version = pytest.mark.parametrize(("distribution", "version"), VERSIONS, ids=lambda part: str(part))


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Libraries of every name that the bindings link to."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT TESTED against TensorRT's bindings: there is no C compiler for the link stubs")
    folder = tmp_path_factory.mktemp("stubs")
    library = folder / "stub.so"
    source = str(Path(__file__).with_name("link_stubs.c"))
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), source], check=True)
    for major in (8, 10, 11):
        for name in ("nvinfer", "nvonnxparser", "nvinfer_plugin", "nvparsers"):
            shutil.copy(library, folder / f"lib{name}.so.{major}")
    return folder


@pytest.fixture(scope="session")
def real(stubs: Path) -> Any:
    """Description of a real module by distribution and version, each made once."""
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def describe(distribution: str, version: str) -> dict[str, Any]:
        key = distribution, version
        if key not in known:
            known[key] = describe_in_own_process("tensorrt_bindings", fetched(distribution, version), stubs)
            assert known[key]["version"] == version
        return known[key]

    return describe


def describe_in_own_process(module: str, place: Path, stubs: Path) -> dict[str, Any]:
    root = FAKES.parents[2]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{place}{os.pathsep}{root}",
        "LD_LIBRARY_PATH": f"{stubs}{os.pathsep}{os.environ.get('LD_LIBRARY_PATH', '')}",
    }
    script = str(Path(__file__).with_name("describe_module.py"))
    finished = subprocess.run(
        [sys.executable, script, module, *API],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    description: dict[str, Any] = json.loads(finished.stdout)
    return description


def fake(generation: str) -> Any:
    return fake_tensorrt(generation, FakeCuda())


@each_version
def test_the_fake_has_what_the_binding_has_and_lacks_what_it_lacks(
    real: Any, distribution: str, version: str
) -> None:
    generation = VERSIONS[distribution, version]
    there = {name for name, what in real(distribution, version)["api"].items() if what is not None}
    faked = {name for name, what in described(fake(generation), API).items() if what is not None}
    assert there - faked == (SINCE_8_5 if generation == "8.5" else set())
    assert faked - there == set()


@each_version
def test_methods_take_the_same_parameters(real: Any, distribution: str, version: str) -> None:
    found = real(distribution, version)["api"]
    for name, what in described(fake(VERSIONS[distribution, version]), API).items():
        wanted = None if found[name] is None else found[name]["parameters"]
        if what is None or what["parameters"] is None or wanted is None:
            continue  # a property, a method of several forms, or not there
        ours = what["parameters"]
        assert ours == wanted[: len(ours)], name
        assert len(wanted) - len(ours) <= 1, name  # a last one that has a default


@each_version
def test_enumerations_have_the_same_members(real: Any, distribution: str, version: str) -> None:
    found = real(distribution, version)["enumerations"]
    faked = enumerations(fake(VERSIONS[distribution, version]))
    for member, number in faked["NetworkDefinitionCreationFlag"].items():
        assert found["NetworkDefinitionCreationFlag"][member] == number  # these are bits, and differ
    for name in ("BuilderFlag", "MemoryPoolType", "ProfilingVerbosity", "LayerInformationFormat"):
        assert set(faked[name]) <= set(found[name]), name
    weak = {"FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"}
    assert weak & set(found["BuilderFlag"]) == weak & set(faked["BuilderFlag"])
    assert {"CONSTANT", "QUANTIZE", "DEQUANTIZE"} <= set(found["LayerType"])
    assert set(DTYPES) <= set(found["DataType"])


@each_version
def test_what_is_probed_comes_out_alike(real: Any, distribution: str, version: str) -> None:
    module, found = TensorRTModule(fake(VERSIONS[distribution, version])), real(distribution, version)
    assert module.network_flags() == found["network_flags"]
    assert module.strongly_typed == found["strongly_typed"]
    assert module.builds_without_gpu == found["builds_without_gpu"]
    assert found["targets"] == []
    # The monitor is a subclass of the real one, called as TensorRT calls it.
    steps = [["Tactics", 0.0], ["Tactics", 0.5], ["Tactics", 1.0]]
    assert found["progress"] == ([] if VERSIONS[distribution, version] == "8.5" else steps)


@each_version
def test_null_is_the_error_that_the_fake_raises(real: Any, distribution: str, version: str) -> None:
    cuda = FakeCuda()
    cuda.device_count()
    trt = fake_tensorrt(VERSIONS[distribution, version], cuda)
    trt.state.no_runtime = True
    with pytest.raises(TypeError) as raised:
        trt.Runtime(trt.ILogger())
    assert real(distribution, version)["no_runtime"] == f"TypeError: {raised.value}"


def test_the_fake_of_tensorrt_rtx_is_as_the_real_one() -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="pip install -e '.[tensorrt-rtx]'")
    there, faked = described(trt, API), described(fake("rtx"), API)
    assert {name for name in API if there[name] is None} == {name for name in API if faked[name] is None}
    flags = enumerations(trt)["NetworkDefinitionCreationFlag"]
    assert enumerations(fake("rtx"))["NetworkDefinitionCreationFlag"].items() <= flags.items()
    targets = {name for name in dir(trt.ComputeCapability) if name.startswith("SM")}
    assert {name for name in dir(fake("rtx").ComputeCapability) if name.startswith("SM")} == targets


def test_the_table_names_everything_that_the_product_calls() -> None:
    """Whatever attribute of the product's code TensorRT 10 has too stands in the table."""
    members = {name.partition(".")[2] for name in API}
    known = everything_of("tensorrt-cu12-bindings", "10.13.0.35")
    used = {
        node.attr
        for path in Path(room.__file__ or "").parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert {"set_tensor_address", "create_builder_config", "get_engine_information"} <= used & known
    assert used & known - members == set()


def everything_of(distribution: str, version: str) -> set[str]:
    """Names of all members of all classes that the binding's own text lists."""
    library = next(fetched(distribution, version).glob("tensorrt_bindings/tensorrt*.so"))
    words = library.read_bytes().split(b"\0")
    texts = {word.decode() for word in words if word.replace(b"_", b"a").isalnum() and word.isascii()}
    return {text for text in texts if text.islower() and "_" in text.strip("_") and text[0] != "_"}
