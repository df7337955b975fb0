"""A FAKE of TensorRT's Python module. It proves that builder and runner keep to the protocol, not that
TensorRT takes the graph or computes it: its "plan" is the ONNX graph itself, run on the CPU.

``fake_tensorrt("8.5", cuda)`` has what 8.5 has and lacks what 8.5 lacks; so for ``10``, ``11`` and ``rtx``.
"""

from __future__ import annotations

import enum
import json
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
from fake_cuda import FakeCuda, ProtocolViolationError

from edge_irdet.engine.cpu_runner import CpuRunner

MAGIC = b"FAKE PLAN, NOT TENSORRT'S\n"
REFUSED_BY_PARSER = "Loop"
REFUSED_BY_BUILDER = "NonMaxSuppression"

DataType = enum.Enum("DataType", ["FLOAT", "HALF", "INT8", "INT32", "INT64", "BOOL", "UINT8"])
FROM_ONNX = {
    onnx.TensorProto.FLOAT: DataType.FLOAT,
    onnx.TensorProto.FLOAT16: DataType.HALF,
    onnx.TensorProto.INT8: DataType.INT8,
    onnx.TensorProto.INT32: DataType.INT32,
    onnx.TensorProto.INT64: DataType.INT64,
    onnx.TensorProto.BOOL: DataType.BOOL,
    onnx.TensorProto.UINT8: DataType.UINT8,
}
LayerType = enum.Enum("LayerType", ["CONSTANT", "QUANTIZE", "DEQUANTIZE", "OTHER"])
LAYER_TYPES = {
    "Constant": LayerType.CONSTANT,
    "QuantizeLinear": LayerType.QUANTIZE,
    "DequantizeLinear": LayerType.DEQUANTIZE,
}
INSPECTED = {DataType.FLOAT: "Row major linear FP32", DataType.HALF: "Row major linear FP16 format"}

VERSIONS = {"8.5": "8.5.2.2", "10": "10.3.0", "11": "11.4.1", "rtx": "1.7.1"}
CREATION_FLAGS = {
    "8.5": {"EXPLICIT_BATCH": 0},
    "10": {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    "11": {"STRONGLY_TYPED": 0},
    "rtx": {"STRONGLY_TYPED": 0},
}
RTX_TARGETS = ("SM75", "SM80", "SM86", "SM89", "SM120", "SM121")
WEAK_FLAGS = ["FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"]


def fake_tensorrt(generation: str, cuda: FakeCuda, version: str | None = None) -> Any:
    """A module object; ``events`` on it lists what was made, freed and run."""
    trt = SimpleNamespace(__name__="tensorrt_rtx" if generation == "rtx" else "tensorrt")
    trt.__version__ = version or VERSIONS[generation]
    trt.events = []
    trt.state = SimpleNamespace(
        refuse_enqueue=False,
        out_of_memory=False,
        build_configs=[],
        networks=[],
        no_runtime=False,
        capturable=True,
        nvtx=[],
    )
    log = SimpleNamespace(logger=None)

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def say(message: str, severity: int = ILogger.ERROR) -> None:
        log.logger.log(severity, message)

    def taken(logger: Any) -> None:
        if not isinstance(logger, ILogger):
            raise ProtocolViolationError("TensorRT got no logger")
        log.logger = log.logger or logger  # as the real one: the first is kept for the whole process

    weak = WEAK_FLAGS if generation in ("8.5", "10") else []
    trt.BuilderFlag = enum.Enum("BuilderFlag", ["TF32", *weak])
    trt.NetworkDefinitionCreationFlag = enum.IntEnum("Flag", CREATION_FLAGS[generation])

    class TimingCache:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def serialize(self) -> bytes:
            return f"{trt.__version__}:timed".encode()

    class IBuilderConfig:
        profiling_verbosity: Any = None

        def __init__(self) -> None:
            self.flags = {trt.BuilderFlag.TF32}
            self.limits: dict[Any, int] = {}
            self.timing_cache: TimingCache | None = None
            trt.state.build_configs.append(self)

        def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
            self.limits[pool] = pool_size

        def set_flag(self, flag: Any) -> None:
            self.flags.add(flag)

        def clear_flag(self, flag: Any) -> None:
            self.flags.discard(flag)

        def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
            if serialized_timing_cache == b"rubbish":
                say("timing cache: magic number mismatch")
                return None
            return TimingCache(serialized_timing_cache)

        def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
            if cache.content and not cache.content.startswith(f"{trt.__version__}:".encode()):
                return False
            self.timing_cache = cache
            return True

    if generation != "8.5":
        IBuilderConfig.progress_monitor = None  # type: ignore[attr-defined]
        IBuilderConfig.max_aux_streams = 7  # type: ignore[attr-defined]
    if generation == "rtx":

        def set_compute_capability(self: Any, compute_capability: str, index: int) -> bool:
            self.capabilities = [*getattr(self, "capabilities", []), compute_capability]
            return index < self.num_compute_capabilities

        IBuilderConfig.num_compute_capabilities = 0  # type: ignore[attr-defined]
        IBuilderConfig.set_compute_capability = set_compute_capability  # type: ignore[attr-defined]
        trt.ComputeCapability = SimpleNamespace(**{name: name for name in RTX_TARGETS})

    class Tensor:
        name = dtype = shape = None

        def __init__(self, name: str, kind: int, shape: tuple[int, ...] = ()) -> None:
            self.name, self.dtype, self.shape = name, FROM_ONNX[kind], shape

    class Layer:
        name = type = num_outputs = None

        def __init__(self, node: onnx.NodeProto, outputs: list[Tensor]) -> None:
            self.type = LAYER_TYPES.get(node.op_type, LayerType.OTHER)
            self.name, self.outputs = node.name, outputs
            self.output_types: dict[int, Any] = {}
            self.num_outputs = len(outputs)

        def get_output(self, index: int) -> Tensor:
            return self.outputs[index]

    def set_output_type(self: Any, index: int, dtype: Any) -> None:
        self.output_types[index] = dtype

    if weak:
        Layer.precision = None  # type: ignore[attr-defined]
        Layer.set_output_type = set_output_type  # type: ignore[attr-defined]

    class Network:
        num_layers = num_inputs = num_outputs = 0

        def __init__(self, flags: int) -> None:
            self.flags = flags
            self.model: onnx.ModelProto | None = None
            self.layers: list[Layer] = []
            trt.state.networks.append(self)

        def fill(self, model: onnx.ModelProto) -> None:
            self.model = model
            known = {
                value.name: value.type.tensor_type.elem_type
                for value in (*onnx.shape_inference.infer_shapes(model).graph.value_info, *model.graph.output)
            }
            self.layers = [
                Layer(node, [Tensor(name, known[name]) for name in node.output if name in known])
                for node in model.graph.node
            ]
            self.num_layers = len(self.layers)
            self.num_inputs, self.num_outputs = len(model.graph.input), len(model.graph.output)

        def get_layer(self, index: int) -> Layer:
            return self.layers[index]

        def get_input(self, index: int) -> Tensor:
            return border(self.model.graph.input[index])

        def get_output(self, index: int) -> Tensor:
            return border(self.model.graph.output[index])

    def border(value: onnx.ValueInfoProto) -> Tensor:
        kind = value.type.tensor_type
        return Tensor(value.name, kind.elem_type, tuple(size.dim_value for size in kind.shape.dim))

    class ParserError:
        def __init__(self, node: onnx.NodeProto) -> None:
            self._node = node

        def desc(self) -> str:
            return f"no importer for {self._node.op_type}"

        def node(self) -> int:
            return 7

    if generation != "8.5":
        ParserError.node_name = lambda self: self._node.name  # type: ignore[attr-defined]
        ParserError.node_operator = lambda self: self._node.op_type  # type: ignore[attr-defined]

    class OnnxParser:
        def __init__(self, network: Network, logger: Any) -> None:
            taken(logger)
            self._network = network
            self._errors: list[ParserError] = []

        def parse(self, model: bytes, path: str | None = None) -> bool:
            parsed = onnx.load_from_string(model)
            self._errors = [ParserError(n) for n in parsed.graph.node if n.op_type == REFUSED_BY_PARSER]
            if not self._errors:
                self._network.fill(parsed)
            return not self._errors

        @property
        def num_errors(self) -> int:
            return len(self._errors)

        def get_error(self, index: int) -> ParserError:
            return self._errors[index]

    class Builder:
        def __init__(self, logger: Any) -> None:
            taken(logger)
            if generation != "rtx" and "device_count" not in cuda.calls:
                raise ProtocolViolationError("TensorRT was touched before the driver was probed")

        def create_network(self, flags: int) -> Network:
            return Network(flags)

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()

        def build_serialized_network(self, network: Network, config: IBuilderConfig) -> bytes | None:
            assert network.model is not None
            if trt.state.out_of_memory:
                say("[defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)")
                return None
            refused = [node.name for node in network.model.graph.node if node.op_type == REFUSED_BY_BUILDER]
            if refused:
                say(f"Error Code 2: Internal Error ({refused[0]} has no runners that implement it)")
                return None
            monitor = getattr(config, "progress_monitor", None)
            if monitor is not None:
                monitor.phase_start("Building engine", None, 2)
                for step in range(2):
                    if not monitor.step_complete("Building engine", step):
                        return None
                monitor.phase_finish("Building engine")
            config.get_timing_cache = lambda: config.timing_cache  # type: ignore[attr-defined]
            return MAGIC + network.model.SerializeToString() + b"END"

    class Inspector:
        def __init__(self, model: onnx.ModelProto) -> None:
            self._model = model

        def get_engine_information(self, format: Any) -> str:  # noqa: A002
            network = Network(0)
            network.fill(self._model)
            layers = [
                {
                    "Name": layer.name,
                    "Outputs": [
                        {"Name": o.name, "Format/Datatype": INSPECTED.get(o.dtype, o.dtype.name)}
                        for o in layer.outputs
                    ],
                }
                for layer in network.layers
            ]
            return json.dumps({"Layers": layers, "Bindings": []})

    class Engine:
        num_io_tensors = 0

        def __init__(self, model: onnx.ModelProto) -> None:
            self.model = model
            self.tensors = {v.name: border(v) for v in (*model.graph.input, *model.graph.output)}
            self.inputs = {v.name for v in model.graph.input}
            self.num_io_tensors = len(self.tensors)
            trt.events.append("engine made")

        def __del__(self) -> None:
            trt.events.append("engine freed")

        def get_tensor_name(self, index: int) -> str:
            return list(self.tensors)[index]

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return self.tensors[name].shape

        def get_tensor_dtype(self, name: str) -> Any:
            return self.tensors[name].dtype

        def create_engine_inspector(self) -> Inspector:
            return Inspector(self.model)

        def create_execution_context(self) -> ExecutionContext:
            return ExecutionContext(self)

    class ExecutionContext:
        @property
        def nvtx_verbosity(self) -> Any:
            return trt.ProfilingVerbosity.LAYER_NAMES_ONLY

        @nvtx_verbosity.setter
        def nvtx_verbosity(self, verbosity: Any) -> None:
            trt.state.nvtx.append(verbosity.name)

        def __init__(self, engine: Engine) -> None:
            self._engine = engine
            self._thread = threading.current_thread()
            self._addresses: dict[str, int] = {}
            self._cpu = CpuRunner(engine.model.SerializeToString(), threads=1)
            self._cpu.activate()
            trt.events.append(f"context made on {self._thread.name}")

        def __del__(self) -> None:
            trt.events.append("context freed")

        def set_tensor_address(self, name: str, memory: int) -> bool:
            if name not in self._engine.tensors:
                say(f"Given invalid tensor name: {name}")
                return False
            if name in self._addresses:
                raise ProtocolViolationError(f"the address of {name} was set twice")
            self._addresses[name] = memory
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            if threading.current_thread() is not self._thread:
                raise ProtocolViolationError("an execution context was used from another thread")
            if set(self._addresses) != set(self._engine.tensors):
                raise ProtocolViolationError("enqueueV3 before all addresses were set")
            if trt.state.refuse_enqueue:
                say("Error Code 1: Cask (Cask convolution execution)")
                return False
            trt.events.append("enqueued")
            cuda.queue(stream_handle, self._execute)
            return True

        def _execute(self) -> None:
            for name in self._addresses:
                if self._addresses[name] not in cuda.memory_bytes:
                    raise ProtocolViolationError(f"the memory of {name} was freed")
            feeds = {name: self._on_device(name) for name in self._engine.inputs}
            for name, array in self._cpu.infer(feeds).items():
                self._on_device(name)[...] = array

        def _on_device(self, name: str) -> np.ndarray:
            tensor = self._engine.tensors[name]
            kind = {DataType.UINT8: np.uint8, DataType.FLOAT: np.float32}[tensor.dtype]
            return cuda.memory_bytes[self._addresses[name]].view(kind).reshape(tensor.shape)

    if generation == "rtx":
        ExecutionContext.is_stream_capturable = lambda self, stream: trt.state.capturable  # type: ignore[attr-defined]

    class Runtime:
        def __init__(self, logger: Any) -> None:
            taken(logger)
            if "device_count" not in cuda.calls:
                raise ProtocolViolationError("TensorRT was touched before the driver was probed")
            if trt.state.no_runtime:
                raise TypeError("pybind11::init(): factory function returned nullptr")

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
            plan = serialized_engine
            if not cuda.attached.get(threading.current_thread()):
                raise ProtocolViolationError("an engine was deserialised without a CUDA context")
            if not plan.startswith(MAGIC) or not plan.endswith(b"END"):
                say("Serialization assertion magicTagRead == kMAGIC_TAG failed")
                return None
            return Engine(onnx.load_from_string(plan[len(MAGIC) : -3]))

    if generation != "8.5":

        class IProgressMonitor:
            def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None: ...
            def step_complete(self, phase_name: str, step: int) -> bool:
                return True

            def phase_finish(self, phase_name: str) -> None: ...

        trt.IProgressMonitor = IProgressMonitor
    trt.ILogger = ILogger
    trt.IBuilderConfig = IBuilderConfig
    trt.MemoryPoolType = enum.Enum("MemoryPoolType", ["WORKSPACE"])
    trt.ProfilingVerbosity = enum.Enum("ProfilingVerbosity", ["LAYER_NAMES_ONLY", "DETAILED", "NONE"])
    trt.LayerInformationFormat = enum.Enum("LayerInformationFormat", ["ONELINE", "JSON"])
    trt.LayerType, trt.DataType = LayerType, DataType
    trt.float32, trt.float16 = DataType.FLOAT, DataType.HALF
    trt.Builder, trt.OnnxParser, trt.Runtime = Builder, OnnxParser, Runtime
    # Under their real names only for the comparison with the real bindings; nobody makes them by name.
    trt.INetworkDefinition, trt.ILayer, trt.ITensor, trt.ParserError = Network, Layer, Tensor, ParserError
    trt.ICudaEngine, trt.IExecutionContext = Engine, ExecutionContext
    trt.EngineInspector, trt.ITimingCache = Inspector, TimingCache
    return trt
