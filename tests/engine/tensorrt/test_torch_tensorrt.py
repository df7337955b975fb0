"""The way through torch-tensorrt: torch's own export is real here, the converter is a FAKE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxsim")

from fake_cuda import FakeCuda
from fake_tensorrt import MAGIC, fake_tensorrt

from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import read_plan
from edge_irdet.engine.tensorrt.torch_tensorrt import (
    build_with_torch_tensorrt,
    open_torch_tensorrt,
    run_network_in_half,
)
from edge_irdet.errors import (
    DriverMissingError,
    EngineBuildError,
    ExtraMissingError,
    OptionError,
    PrecisionMissingError,
)
from edge_irdet.export.graph import DeployedGraph, export_onnx
from edge_irdet.network.light_sgmtlm import LightSGMTLM, NetworkConfig
from edge_irdet.package import Package, Precision

SIZE = (64, 32)
OWN_NAMES = {"boxes": "output0", "scores": "output1"}
"""What torch-tensorrt calls the outputs where it is not told."""

WritePackage = Callable[..., Package]


def small_network() -> DeployedGraph:
    """The reduced model at depth 1: every kind of layer, exported in little time."""
    torch.manual_seed(0)
    return DeployedGraph(LightSGMTLM(NetworkConfig(8, 1, saliency_head=False)).eval(), saliency=False)


@pytest.fixture
def graph() -> DeployedGraph:
    return small_network()


@pytest.fixture(scope="module")
def proto() -> Any:
    return export_onnx(small_network(), SIZE)


@pytest.fixture
def builder(proto: Any, package_of: WritePackage) -> EngineBuilder:
    package = package_of({Precision.FP32: proto, Precision.FP16: proto})
    cuda = FakeCuda()
    return EngineBuilder(package, TensorRTModule(fake_tensorrt("10", cuda)), cuda)


class FakeConverter:
    """Takes the exported program as torch-tensorrt would, and gives the package's graph as a FAKE plan."""

    def __init__(self, proto: Any, named: bool) -> None:
        self._proto = proto
        self._named = named
        self.options: dict[str, Any] = {}
        self.program: Any = None

    def old(self, program: Any, inputs: Any, *, workspace_size: int, enabled_precisions: Any = None) -> bytes:
        """The signature of 2.2 to 2.5."""
        self.options = {"workspace_size": workspace_size, "enabled_precisions": enabled_precisions}
        return self._convert(program, inputs)

    def new(
        self,
        program: Any,
        inputs: Any,
        *,
        workspace_size: int,
        disable_tf32: bool,
        use_explicit_typing: bool,
        arg_input_binding_names: Any = None,
        output_binding_names: Any = None,
    ) -> bytes:
        """The signature of later ones."""
        self.options = {
            "workspace_size": workspace_size,
            "disable_tf32": disable_tf32,
            "use_explicit_typing": use_explicit_typing,
            "names": (arg_input_binding_names, output_binding_names),
        }
        return self._convert(program, inputs)

    def _convert(self, program: Any, inputs: Any) -> bytes:
        assert isinstance(program, torch.export.ExportedProgram)
        assert [tuple(tensor.shape) for tensor in inputs] == [(1, 1, SIZE[1], SIZE[0])]
        self.program = program
        model = onnx.ModelProto()
        model.CopyFrom(self._proto)
        if not self._named:
            for output in model.graph.output:
                for node in model.graph.node:
                    node.output[:] = [OWN_NAMES[n] if n == output.name else n for n in node.output]
                output.name = OWN_NAMES[output.name]
        return MAGIC + model.SerializeToString() + b"END"


@pytest.mark.parametrize("signature", ["old", "new"])
def test_a_plain_plan_is_stored_and_runs(
    builder: EngineBuilder, graph: DeployedGraph, proto: Any, signature: str
) -> None:
    converter = FakeConverter(proto, named=signature == "new")
    config = BuildConfig(workspace_mb=64)
    engine = build_with_torch_tensorrt(builder, graph, config, getattr(converter, signature))
    assert engine.identity.via == "torch-tensorrt"
    bindings = [tensor.binding for tensor in engine.identity.outputs]
    assert bindings == (["boxes", "scores"] if signature == "new" else ["output0", "output1"])
    assert [tensor.name for tensor in engine.identity.outputs] == ["boxes", "scores"]
    assert read_plan(engine, "").startswith(MAGIC)
    assert converter.options["workspace_size"] == 64 * 2**20
    if signature == "new":
        assert converter.options["disable_tf32"] is True
        assert converter.options["use_explicit_typing"] is True
        assert converter.options["names"] == (("image",), ("boxes", "scores"))
    image = torch.arange(SIZE[0] * SIZE[1], dtype=torch.uint8).reshape(1, 1, SIZE[1], SIZE[0])
    cuda = builder.cuda
    with TensorRTRunner(builder.package, engine=engine, module=builder.module, cuda=cuda) as runner:
        result = runner.infer({"image": image.numpy()})
    with torch.no_grad():
        boxes, scores = converter.program.module()(image)
    torch.testing.assert_close(torch.from_numpy(result["boxes"]), boxes, atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.from_numpy(result["scores"]), scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("signature", ["old", "new"])
def test_fp16_has_explicit_types_and_an_fp32_decode(
    builder: EngineBuilder, graph: DeployedGraph, proto: Any, signature: str
) -> None:
    converter = FakeConverter(proto, named=True)
    config = BuildConfig(Precision.FP16)
    build_with_torch_tensorrt(builder, graph, config, getattr(converter, signature))
    convolutions, decoded = [], []
    for node in converter.program.graph.nodes:
        if node.op == "call_function" and "conv2d" in str(node.target):
            convolutions.append(node.meta["val"].dtype)
        if node.op == "call_function" and "sigmoid" in str(node.target):
            decoded.append(node.meta["val"].dtype)
    assert set(convolutions) == {torch.float16}
    assert len(decoded) >= 6
    assert set(decoded[-6:]) == {torch.float32}
    output = next(node for node in converter.program.graph.nodes if node.op == "output")
    assert {value.meta["val"].dtype for value in output.args[0]} == {torch.float32}
    if signature == "old":
        assert converter.options["enabled_precisions"] == {torch.float16, torch.float32}


def test_the_network_in_half_stays_near_the_network(graph: DeployedGraph) -> None:
    image = torch.randint(0, 256, (1, 1, SIZE[1], SIZE[0]), dtype=torch.uint8)
    with torch.no_grad():
        boxes, scores = graph(image)
        run_network_in_half(graph)
        half_boxes, half_scores = graph(image)
    assert half_boxes.dtype == half_scores.dtype == torch.float32
    assert 0 < (half_boxes - boxes).abs().max() < 1.0
    torch.testing.assert_close(half_scores, scores, atol=5e-3, rtol=0)


def test_int8_and_a_precision_past_no_gate_are_refused(
    builder: EngineBuilder, graph: DeployedGraph, proto: Any, package_of: WritePackage
) -> None:
    converter = FakeConverter(proto, named=True)
    with pytest.raises(OptionError, match="ONNX graph"):
        build_with_torch_tensorrt(builder, graph, BuildConfig(Precision.INT8), converter.new)
    package = package_of({Precision.FP32: proto}, "without-fp16")
    other = EngineBuilder(package, builder.module, builder.cuda)
    with pytest.raises(PrecisionMissingError):
        build_with_torch_tensorrt(other, graph, BuildConfig(Precision.FP16), converter.new)
    assert converter.program is None


def test_a_plan_with_other_tensors_is_not_stored(
    builder: EngineBuilder, graph: DeployedGraph, proto: Any
) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(proto)
    other.graph.output[1].type.tensor_type.shape.dim[2].dim_value = 2
    with pytest.raises(EngineBuildError, match=r"scores float32 \[1, \d+, 2\], the package"):
        build_with_torch_tensorrt(builder, graph, BuildConfig(), FakeConverter(other, named=True).new)
    assert not list(Path(builder.package.directory / "engines").glob("*.engine"))


def test_its_failure_is_coded(builder: EngineBuilder, graph: DeployedGraph) -> None:
    def convert(program: Any, inputs: Any) -> bytes:
        raise RuntimeError("Conversion of function aten.foo not currently supported!\nmore")

    with pytest.raises(EngineBuildError, match=r"RuntimeError: Conversion of function aten\.foo"):
        build_with_torch_tensorrt(builder, graph, BuildConfig(), convert)
    assert not list(Path(builder.package.directory / "engines").glob("*.engine"))


def test_without_a_gpu(graph: DeployedGraph, proto: Any, package_of: WritePackage) -> None:
    cuda = FakeCuda(device=None, driver=0)
    module = TensorRTModule(fake_tensorrt("rtx", cuda))
    builder = EngineBuilder(package_of({Precision.FP32: proto}), module, cuda)
    with pytest.raises(DriverMissingError, match="torch-tensorrt needs a GPU"):
        build_with_torch_tensorrt(builder, graph, BuildConfig(), FakeConverter(proto, True).new)


def test_torch_tensorrt_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch_tensorrt", None)
    with pytest.raises(ExtraMissingError, match="torch-tensorrt cannot be imported"):
        open_torch_tensorrt()
