"""NVIDIA's real parser and builder (TensorRT-RTX) on the exported graphs, without a GPU.

Nothing runs here: a plan that was built is a graph that was accepted, no more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

trt = pytest.importorskip("tensorrt_rtx", reason="pip install -e '.[tensorrt-rtx]'")
torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxsim")

from onnx import TensorProto, helper, numpy_helper

from doubles.file_hashes import file_sha256
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import PORTABLE, EngineRecord, Host
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.store import find_engine, read_plan
from edge_irdet.errors import EdgeIrdetError, EngineBuildError, GraphRefusedError, OptionError
from edge_irdet.export.graph import DeployedGraph, export_onnx
from edge_irdet.export.precision.fp16 import to_fp16
from edge_irdet.export.precision.int8 import quantize_int8
from edge_irdet.export.precision.recipe import Int8Recipe, Remainder
from edge_irdet.network.light_sgmtlm import LightSGMTLM, NetworkConfig
from edge_irdet.network.variants import variant_config
from edge_irdet.package import GraphFile, Package, Precision, open_package, shipped_packages

VARIANTS = ["light-sgmtlm-reduced", "light-sgmtlm"]
SIZES = [(320, 320), (640, 512)]
CALIBRATION_SIZE = (64, 64)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Exported:
    """Graphs of one variant with random weights; each is made once."""

    def __init__(self, variant: str) -> None:
        torch.manual_seed(0)
        self._model = LightSGMTLM(variant_config(variant)).eval()
        self._float: dict[tuple[int, int], onnx.ModelProto] = {}
        self._int8: onnx.ModelProto | None = None

    def graph(self, precision: Precision, size: tuple[int, int]) -> onnx.ModelProto:
        if precision is Precision.FP32:
            if size not in self._float:
                self._float[size] = export_onnx(DeployedGraph(self._model, saliency=False), size)
            return self._float[size]
        if precision is Precision.FP16:
            return to_fp16(self.graph(Precision.FP32, size))
        return self._int8_at(size)

    def _int8_at(self, size: tuple[int, int]) -> onnx.ModelProto:
        """The quantised graph at a size, with ranges from small frames: they do not depend on the size, and
        calibrating the full model at 640x512 takes a minute on two cores.
        """
        if self._int8 is None:
            width, height = CALIBRATION_SIZE
            generator = np.random.default_rng(0)
            frames = [generator.integers(0, 256, (1, 1, height, width)).astype(np.uint8) for _ in range(8)]
            self._int8 = quantize_int8(self.graph(Precision.FP32, CALIBRATION_SIZE), frames)
        small, large = (self.graph(Precision.FP32, each).graph for each in (CALIBRATION_SIZE, size))
        assert [node.name for node in small.node] == [node.name for node in large.node]
        own = {tensor.name: tensor for tensor in large.initializer}
        for node in large.node:
            if node.op_type == "Constant":  # the quantiser has made them initialisers of their output's name
                own[node.output[0]] = numpy_helper.from_array(
                    numpy_helper.to_array(node.attribute[0].t), node.output[0]
                )
        moved = onnx.ModelProto()
        moved.CopyFrom(self._int8)
        for field, values in (
            ("initializer", [own.get(tensor.name, tensor) for tensor in self._int8.graph.initializer]),
            ("value_info", []),
            ("input", large.input),
            ("output", large.output),
        ):
            del getattr(moved.graph, field)[:]
            getattr(moved.graph, field).extend(values)
        onnx.checker.check_model(moved, full_check=True)
        return moved


@pytest.fixture(scope="session", params=VARIANTS)
def exported(request: pytest.FixtureRequest) -> Exported:
    return Exported(request.param)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("precision", list(Precision), ids=lambda precision: precision.value)
def test_builds_a_plan(
    exported: Exported, precision: Precision, size: tuple[int, int], package_of: Callable[..., Package]
) -> None:
    package = package_of({precision: exported.graph(precision, size)})
    engine = EngineBuilder(package, TensorRTModule(trt)).build(BuildConfig(precision))
    plan = read_plan(engine, "")
    record = msgspec.json.decode(engine.path.with_suffix(".json").read_bytes(), type=EngineRecord)
    assert record == engine.record
    assert len(plan) > 100_000
    identity = record.identity
    assert engine.path.stem == identity.key
    assert identity.module == "tensorrt_rtx"
    assert identity.tensorrt == trt.__version__
    assert identity.precision is precision
    assert identity.strongly_typed
    assert identity.model_sha256 == file_sha256(package.graph_path(precision))
    assert [(t.name, t.binding, t.shape, t.dtype) for t in identity.inputs] == [
        ("image", "image", [1, 1, size[1], size[0]], "uint8")
    ]
    boxes = 3 * sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    assert [(t.name, t.shape, t.dtype) for t in identity.outputs] == [
        ("boxes", [1, boxes, 4], "float32"),
        ("scores", [1, boxes, 1], "float32"),
    ]
    assert identity.compute_capabilities == [PORTABLE]
    assert not [path for path in engine.path.parent.iterdir() if path.suffix not in (".engine", ".json")]


@pytest.mark.parametrize("name", shipped_packages() or ["none"])
def test_every_shipped_graph_is_accepted(name: str, tmp_path: Path) -> None:
    if name == "none":
        pytest.skip("no package is shipped yet")
    shipped = open_package(name)
    package = Package(copied(shipped.directory, tmp_path / name))
    builder = EngineBuilder(package, TensorRTModule(trt))
    for precision in package.manifest.graphs:
        assert builder.build(BuildConfig(precision)).record.plan_bytes > 100_000


def copied(package: Path, to: Path) -> Path:
    """The package without the engines it may have."""
    to.mkdir()
    for path in package.iterdir():
        if path.is_file():
            (to / path.name).write_bytes(path.read_bytes())
    return to


def test_the_saliency_head_is_accepted(package_of: Callable[..., Package]) -> None:
    torch.manual_seed(0)
    model = LightSGMTLM(NetworkConfig(8, 1, saliency_resolution="full")).eval()
    package = package_of({Precision.FP32: export_onnx(DeployedGraph(model, saliency=True), (64, 64))})
    engine = EngineBuilder(package, TensorRTModule(trt)).build(BuildConfig())
    assert engine.identity.outputs[-1].name == "saliency"
    assert engine.identity.outputs[-1].shape == [1, 1, 64, 64]


def test_int8_with_an_fp16_remainder_is_accepted(package_of: Callable[..., Package]) -> None:
    torch.manual_seed(0)
    model = LightSGMTLM(NetworkConfig(8, 1, saliency_head=False)).eval()
    generator = np.random.default_rng(0)
    frames = [generator.integers(0, 256, (1, 1, 64, 64)).astype(np.uint8) for _ in range(8)]
    recipe = Int8Recipe(remainder=Remainder.FP16)
    graph = quantize_int8(export_onnx(DeployedGraph(model, saliency=False), (64, 64)), frames, recipe)
    engine = EngineBuilder(package_of({Precision.INT8: graph}), TensorRTModule(trt)).build(
        BuildConfig(Precision.INT8)
    )
    assert engine.record.plan_bytes > 100_000


def test_targets_are_in_the_identity_and_the_key(small_package: Package) -> None:
    builder = EngineBuilder(small_package, TensorRTModule(trt))
    engine = builder.build(BuildConfig(targets=("8.9", "8.6")))
    assert engine.identity.compute_capabilities == ["8.6", "8.9"]
    assert engine.path.name.startswith(f"fp32-tensorrt_rtx-{trt.__version__}-sm86-sm89-")
    fits = Host(module="tensorrt_rtx", tensorrt=trt.__version__, compute_capability="8.9", device="RTX")
    assert find_engine(small_package, Precision.FP32, fits) == engine


def test_a_target_that_rtx_cannot_build_for(small_package: Package) -> None:
    builder = EngineBuilder(small_package, TensorRTModule(trt))
    with pytest.raises(OptionError, match=r"does not build for SM 8\.7") as caught:
        builder.build(BuildConfig(targets=("8.7",)))
    assert "8.6" in caught.value.next_step
    assert not (small_package.directory / "engines").exists()


def test_an_intact_engine_is_kept_and_a_damaged_one_replaced(small_package: Package) -> None:
    builder = EngineBuilder(small_package, TensorRTModule(trt))
    engine = builder.build(BuildConfig())
    written = engine.path.stat().st_mtime_ns
    assert builder.build(BuildConfig()) == engine
    assert engine.path.stat().st_mtime_ns == written
    engine.path.write_bytes(engine.path.read_bytes()[:-100])
    again = builder.build(BuildConfig())
    assert again.path == engine.path
    assert len(read_plan(again, "")) == again.record.plan_bytes


def test_the_progress_monitor_reports_and_stops(small_package: Package) -> None:
    builder = EngineBuilder(small_package, TensorRTModule(trt))
    seen: list[tuple[str, float]] = []
    builder.build(BuildConfig(), lambda phase, done: seen.append((phase, done)))
    assert seen[0] == ("Building engine", 0.0)
    assert ("Building engine", 1.0) in seen
    assert all(0.0 <= done <= 1.0 for _, done in seen)

    def stop(phase: str, done: float) -> None:
        raise KeyboardInterrupt

    engines = sorted((small_package.directory / "engines").iterdir())
    with pytest.raises(KeyboardInterrupt):
        builder.build(BuildConfig(Precision.FP16), stop)
    assert sorted((small_package.directory / "engines").iterdir()) == engines


def refused_graph(kind: str) -> onnx.ModelProto:
    """A graph with what TensorRT does not take."""
    value, image = helper.make_tensor_value_info, TensorProto.UINT8
    if kind == "NonMaxSuppression":
        nodes = [
            helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
            helper.make_node("Slice", ["wide", "zero", "four", "last"], ["corners"]),
            helper.make_node("Slice", ["wide", "four", "five", "last"], ["column"]),
            helper.make_node("Squeeze", ["corners", "first"], ["boxes"]),
            helper.make_node("Squeeze", ["column", "first"], ["scored"]),
            helper.make_node("Transpose", ["scored"], ["scores"], perm=[0, 2, 1]),
            helper.make_node("NonMaxSuppression", ["boxes", "scores"], ["chosen"], "the_nms"),
        ]
        constants = {"zero": [0], "four": [4], "five": [5], "last": [3], "first": [1]}
        tensors = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
        output, shape = value("chosen", TensorProto.INT64, ["n", 3]), [1, 1, 8, 5]
    else:
        # Asymmetric quantisation: a zero point that is not 0.
        nodes = [
            helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
            helper.make_node("QuantizeLinear", ["wide", "scale", "zero_point"], ["q"], "the_quantiser"),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero_point"], ["out"]),
        ]
        tensors = [
            numpy_helper.from_array(np.float32(0.1), "scale"),
            numpy_helper.from_array(np.int8(3), "zero_point"),
        ]
        output, shape = value("out", TensorProto.FLOAT, [1, 1, 8, 5]), [1, 1, 8, 5]
    graph = helper.make_graph(nodes, kind, [value("image", image, shape)], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("kind", "said"), [("NonMaxSuppression", "the_nms"), ("asymmetric", "[Zz]ero.?[Pp]oint")]
)
def test_a_refused_graph_carries_tensorrts_own_words(
    kind: str, said: str, package_of: Callable[..., Package]
) -> None:
    package = package_of({Precision.FP32: refused_graph(kind)})
    with pytest.raises(EngineBuildError, match=said) as caught:
        EngineBuilder(package, TensorRTModule(trt)).build(BuildConfig())
    assert caught.value.code == "E605"
    assert not list((package.directory / "engines").glob("*"))


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"no graph", GraphRefusedError), (b"\x08\x08\x12\x04test", EngineBuildError)],
    ids=["not even fields", "a model without a graph"],
)
def test_a_graph_that_is_not_onnx(
    package_of: Callable[..., Package], content: bytes, error: type[EdgeIrdetError]
) -> None:
    package = package_of({Precision.FP32: refused_graph("asymmetric")})
    path = package.directory / "model.fp32.onnx"
    path.write_bytes(content)
    manifest = msgspec.structs.replace(
        package.manifest, graphs={Precision.FP32: GraphFile(path.name, file_sha256(path))}
    )
    package.manifest = manifest
    with pytest.raises(error, match=r"built nothing|not an ONNX graph"):
        EngineBuilder(package, TensorRTModule(trt)).build(BuildConfig())
