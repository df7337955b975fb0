"""From an ONNX graph to a serialised plan, on whichever TensorRT module there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.tensorrt.module import BuildProgress, LogCapture, TensorRTModule
from edge_irdet.errors import EngineBuildError, EngineMemoryError
from edge_irdet.files import write_bytes_atomically
from edge_irdet.intake import MEBIBYTE, ContentRefusedError, read_regular_file
from edge_irdet.package import Precision

DTYPES = {"UINT8": "uint8", "FLOAT": "float32", "HALF": "float16", "INT8": "int8", "INT32": "int32"}
"""TensorRT's DataType -> NumPy's name."""

OUT_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "insufficient memory",
    "bad_alloc",
    "cudaerrormemoryallocation",
)
"""What TensorRT's log says, in lower case, where a build failed for want of memory."""

MAX_TIMING_CACHE_BYTES = 256 * MEBIBYTE
"""Largest timing cache that is read; that of the largest variant has 2 MB."""

GRAPH_RULE = (
    "export the package with this edge-irdet: its graphs keep to what TensorRT takes "
    "(static shapes, symmetric QDQ, no NMS)"
)


@dataclass(frozen=True)
class PlanRequest:
    """What to build."""

    graph: bytes
    """Serialised ONNX model."""

    precision: Precision
    """Tells a weakly typed TensorRT (8.5) that the graph is quantised; else the graph's types decide."""

    workspace_mb: int
    """Cap of the builder's workspace."""

    targets: tuple[str, ...] = ()
    """Compute capabilities to build for, where the module can; empty takes its default."""

    timing_cache: Path | None = None
    """File the builder's kernel timings are read from and added to."""


@dataclass(frozen=True)
class Plan:
    """A built plan."""

    content: bytes
    inputs: dict[str, TensorSpec]
    """Inputs of the parsed network by name."""

    outputs: dict[str, TensorSpec]


def build_plan(module: TensorRTModule, request: PlanRequest, progress: BuildProgress | None = None) -> Plan:
    """Parse a graph and build its plan.

    Raises:
        EngineBuildError: the parser or the builder refused; the text carries its messages.
        EngineMemoryError: the builder ran out of memory.
    """
    trt, log = module.trt, LogCapture(module.trt)
    builder = _created(log, "Builder", trt.Builder, log.logger)
    network = _created(log, "network", builder.create_network, module.network_flags())
    _parse(trt, log, network, request.graph)
    config = _created(log, "builder configuration", builder.create_builder_config)
    _configure(module, config, network, request)
    timing_cache = _open_timing_cache(module, config, request.timing_cache)
    monitor = None if progress is None else module.progress_monitor(progress)
    if monitor is not None:
        config.progress_monitor = monitor
    log.clear()
    serialised = builder.build_serialized_network(network, config)
    if monitor is not None and monitor.error is not None:
        raise monitor.error
    if serialised is None:
        tail = log.tail()
        if any(phrase in tail.lower() for phrase in OUT_OF_MEMORY):
            raise EngineMemoryError(
                f"TensorRT ran out of memory while building\n{tail}",
                "close other programs, or lower the workspace: "
                f"--workspace {max(64, request.workspace_mb // 2)}",
            )
        raise EngineBuildError(f"TensorRT built nothing from the graph\n{tail}", GRAPH_RULE)
    if timing_cache is not None and request.timing_cache is not None:
        write_bytes_atomically(request.timing_cache, bytes(timing_cache.serialize()))
    return Plan(
        bytes(serialised),
        _specs(network.get_input(index) for index in range(network.num_inputs)),
        _specs(network.get_output(index) for index in range(network.num_outputs)),
    )


def _created(log: LogCapture, what: str, factory: Any, *arguments: Any) -> Any:
    next_step = "check the driver and free memory (nvidia-smi, free -h), then run the command again"
    return log.create(EngineBuildError, what, next_step, factory, *arguments)


def _parse(trt: Any, log: LogCapture, network: Any, graph: bytes) -> None:
    parser = _created(log, "ONNX parser", trt.OnnxParser, network, log.logger)
    if parser.parse(graph):
        return
    errors = [_describe(parser.get_error(index)) for index in range(parser.num_errors)]
    raise EngineBuildError(
        "TensorRT's parser refused the graph: " + "; ".join(errors or [log.tail()]), GRAPH_RULE
    )


def _describe(error: Any) -> str:
    # The node's name and operator came after 8.5.
    operator = error.node_operator() if hasattr(error, "node_operator") else ""
    name = error.node_name() if hasattr(error, "node_name") else f"node {error.node()}"
    return f"{operator or 'graph'} {name!r}: {error.desc().strip()}"


def _configure(module: TensorRTModule, config: Any, network: Any, request: PlanRequest) -> None:
    trt = module.trt
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, request.workspace_mb * 2**20)
    # The inspector can name the layers' types only where they were kept; the runner keeps quiet about them.
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if hasattr(config, "max_aux_streams"):
        # Further streams inside of one frame: with them, 94 to 121 waits and four times the activation memory
        # in networks of kernels as short as these; without them, none, from the same kernels.
        config.max_aux_streams = 0
    # TF32 has FP16's mantissa: an FP32 that was measured on the CPU must not silently become it.
    tf32 = module.builder_flag("TF32")
    if tf32 is not None:
        config.clear_flag(tf32)
    if request.targets:
        known = module.targets()
        config.num_compute_capabilities = len(request.targets)
        for index, target in enumerate(request.targets):
            if not config.set_compute_capability(known[target], index):
                raise EngineBuildError(
                    f"TensorRT does not build for SM {target}", f"choose --target of {', '.join(known)}"
                )
    if not module.strongly_typed:
        _apply_graph_types(module, config, network, request.precision)


def _apply_graph_types(module: TensorRTModule, config: Any, network: Any, precision: Precision) -> None:
    """Make a weakly typed builder (8.5) keep to the graph's own types, which the accuracy gate measured.

    INT8 is allowed where the graph has Q/DQ pairs, FP16 where it has FP16 tensors; then every layer that the
    graph has in FP32 (the decode) is held there.
    """
    trt = module.trt
    if precision is Precision.INT8:
        config.set_flag(trt.BuilderFlag.INT8)
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    types = [[layer.get_output(index).dtype for index in range(layer.num_outputs)] for layer in layers]
    if not any(trt.float16 in kinds for kinds in types):
        return
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    free = (trt.LayerType.CONSTANT, trt.LayerType.QUANTIZE, trt.LayerType.DEQUANTIZE)
    for layer, kinds in zip(layers, types, strict=True):
        if kinds and all(kind == trt.float32 for kind in kinds) and layer.type not in free:
            layer.precision = trt.float32
            for index in range(layer.num_outputs):
                layer.set_output_type(index, trt.float32)


def _open_timing_cache(module: TensorRTModule, config: Any, path: Path | None) -> Any:
    """Set the timing cache; None where there is to be none or the module times nothing."""
    if path is None or module.builds_without_gpu:
        return None  # TensorRT-RTX keeps the calls, but they do nothing
    try:
        content = read_regular_file(path, MAX_TIMING_CACHE_BYTES)
    except ContentRefusedError:
        content = b""
    # A cache of another TensorRT or GPU is refused by null or False: the build then starts a new one.
    for candidate in (content, b""):
        cache = config.create_timing_cache(candidate)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


def _specs(tensors: Any) -> dict[str, TensorSpec]:
    return {
        tensor.name: TensorSpec.of(
            tuple(int(size) for size in tensor.shape), DTYPES.get(tensor.dtype.name, "object")
        )
        for tensor in tensors
    }
