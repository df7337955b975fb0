"""The TensorRT runner: one engine, one execution context and one stream, bound to one thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.cuda.adapter import CudaAdapter, PinnedBuffer, open_cuda, require_driver
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.engine.tensorrt.identity import TensorIdentity, require_match
from edge_irdet.engine.tensorrt.inspection import tensors_of
from edge_irdet.engine.tensorrt.module import LogCapture, TensorRTModule, open_tensorrt
from edge_irdet.engine.tensorrt.store import (
    StoredEngine,
    find_engine,
    read_plan,
    rebuild_command,
    require_own,
)
from edge_irdet.errors import (
    CudaError,
    EdgeIrdetError,
    EngineDamagedError,
    TensorRTError,
    WrongThreadError,
)
from edge_irdet.package import Package, Precision

WARM_UP = 3
"""Inferences before the CUDA graph is captured: TensorRT allocates and compiles lazily in the first ones,
which a capture must not see."""

CHECK_DEVICE = "check the device (on a Jetson: sudo dmesg | tail; tegrastats), then run the command again"


@dataclass(frozen=True)
class _Slot:
    """One input or output: its memory on both sides."""

    name: str
    binding: str
    spec: TensorSpec
    address: int
    pinned: PinnedBuffer
    host: NDArray[Any]
    """The pinned memory seen as the tensor."""


class TensorRTRunner(Runner):
    """Runs an engine of a package with ``tensorrt`` or ``tensorrt_rtx``.

    The thread that activates it owns it: use from another raises. All memory is allocated at activation. One
    frame is copies in, the network and copies out on one stream, as one CUDA graph where it can be captured.

    Args:
        package: the package.
        precision: which of its engines.
        engine: an engine of the package; None finds the one that fits this machine.
        module: an opened TensorRT module; None takes the first that is installed.
        cuda: a CUDA adapter; None takes the first binding that is installed.
        device_index: the GPU.
        cuda_graph: try to capture a CUDA graph.
    """

    def __init__(
        self,
        package: Package,
        precision: Precision = Precision.FP32,
        *,
        engine: StoredEngine | None = None,
        module: TensorRTModule | None = None,
        cuda: CudaAdapter | None = None,
        device_index: int = 0,
        cuda_graph: bool = True,
    ) -> None:
        super().__init__()
        self._package = package
        self._precision = precision
        self._stored = engine
        self._module = module
        self._cuda_given = cuda
        self._index = device_index
        self._wants_graph = cuda_graph
        self._thread: threading.Thread | None = None
        self._resources = ExitStack()
        self.launch = "not active"
        """How a frame is launched: ``CUDA graph``, or ``enqueueV3`` with the reason in brackets."""

    @property
    def name(self) -> str:
        """``tensorrt`` or ``tensorrt_rtx``; ``tensorrt`` before the module was opened."""
        return "tensorrt" if self._module is None else self._module.name

    @property
    def engine(self) -> StoredEngine | None:
        """The engine that runs; None before activation, unless one was given."""
        return self._stored

    def deactivate(self) -> None:
        """Free everything; may be called again.

        Raises:
            WrongThreadError: it is called from another thread than :meth:`activate`.
        """
        if self._active:
            self._require_own_thread()
        super().deactivate()

    def _activate_impl(self) -> None:
        """Load the engine and allocate all memory.

        Raises:
            DriverMissingError, DriverOutdatedError: of
                :func:`~edge_irdet.engine.cuda.adapter.require_driver`.
            ExtraMissingError: TensorRT or the CUDA binding is not installed.
            EngineMissingError, EngineMismatchError, EngineDamagedError: there is no engine that fits.
            EngineUntrustedError: the engine was not built on this machine.
            CudaError: a CUDA call failed.
            RunnerError: the engine's inputs or outputs are not those of the manifest.
            TensorRTError: TensorRT refused the engine, or its first run failed.
        """
        with ExitStack() as resources:
            self._load(resources)
            self._resources = resources.pop_all()
        self._thread = threading.current_thread()

    def _load(self, resources: ExitStack) -> None:
        cuda = self._cuda_given or open_cuda()
        device = require_driver(cuda, self._index)  # before TensorRT: without a driver it crashes the process
        module = self._module = self._module or open_tensorrt()
        host = module.host(device)
        rebuild = rebuild_command(self._package, self._precision)
        stored = self._stored or find_engine(self._package, self._precision, host)
        model = self._package.graph_sha256(self._precision)
        require_match(stored.identity, host, self._precision, model, stored.path, rebuild)
        require_own(stored, self._package)
        plan = read_plan(stored, rebuild)
        self._stored = stored

        cuda.attach(self._index)
        resources.callback(cuda.detach)
        resources.callback(self._drop_engine)
        self._cuda = cuda
        trt, self._log = module.trt, LogCapture(module.trt)
        self._runtime = self._log.create(
            TensorRTError, "runtime", CHECK_DEVICE, trt.Runtime, self._log.logger
        )
        self._engine = self._log.require(
            self._runtime.deserialize_cuda_engine(plan), f"TensorRT refuses the engine {stored.path}", rebuild
        )
        self._require_same_tensors(stored, rebuild)
        self._inputs, self._outputs = _specs(stored.identity.inputs), _specs(stored.identity.outputs)
        # Before memory of the sizes that the engine states is allocated.
        border = GraphBorder.of(self._package.manifest)
        border.require(self._inputs, self._outputs, f"the engine {stored.path}", rebuild)
        self._stream = cuda.create_stream()
        resources.callback(cuda.destroy_stream, self._stream)
        self._in = [self._allocate(tensor, resources) for tensor in stored.identity.inputs]
        self._out = [self._allocate(tensor, resources) for tensor in stored.identity.outputs]
        self._context = self._log.create(
            TensorRTError, "execution context", CHECK_DEVICE, self._engine.create_execution_context
        )
        resources.callback(self._drop_context)
        if hasattr(self._context, "nvtx_verbosity"):
            # Engines keep their layers' names for the inspector; telling a profiler each of them costs time
            # in every frame that is not a CUDA graph.
            self._context.nvtx_verbosity = trt.ProfilingVerbosity.NONE
        resources.callback(self._drain)
        for slot in (*self._in, *self._out):
            self._log.require(
                self._context.set_tensor_address(slot.binding, slot.address),
                f"TensorRT refused the address of {slot.binding!r}",
                rebuild,
            )
        # Ordinary memory: results that outlive the runner must not point into what it frees.
        self._arrays = {slot.name: np.zeros(slot.spec.shape, slot.spec.dtype) for slot in self._out}
        self._graph: int | None = None
        for _ in range(WARM_UP):
            self._run()
        self.launch = self._capture(resources)
        self._run()

    def _require_same_tensors(self, stored: StoredEngine, rebuild: str) -> None:
        found = tensors_of(self._engine)
        tensors = (*stored.identity.inputs, *stored.identity.outputs)
        stated = {tensor.binding: _spec(tensor) for tensor in tensors}
        if found != stated or len(stated) < len(tensors):
            raise EngineDamagedError(
                f"{stored.path} has the tensors {found}, its identity says {stated}", rebuild
            )

    def _allocate(self, tensor: TensorIdentity, resources: ExitStack) -> _Slot:
        cuda, spec = self._cuda, _spec(tensor)
        size = int(np.prod(spec.shape)) * spec.dtype.itemsize
        address = cuda.allocate(size)
        resources.callback(cuda.free, address)
        pinned = cuda.allocate_pinned(size)
        pinned.array.fill(0)  # what the warm-up runs on
        resources.callback(cuda.free_pinned, pinned)
        host = pinned.array.view(spec.dtype).reshape(spec.shape)
        return _Slot(tensor.name, tensor.binding, spec, address, pinned, host)

    def _queue(self) -> None:
        """Queue one frame: inputs to the device, the network, outputs back."""
        for slot in self._in:
            self._cuda.copy_to_device(slot.address, slot.pinned, self._stream)
        self._log.require(
            self._context.execute_async_v3(self._stream), "TensorRT could not run the engine", CHECK_DEVICE
        )
        for slot in self._out:
            self._cuda.copy_to_host(slot.pinned, slot.address, self._stream)

    def _run(self) -> None:
        """Run one frame from the pinned inputs to the pinned outputs."""
        if self._graph is None:
            self._queue()
        else:
            self._cuda.launch_graph(self._graph, self._stream)
        self._cuda.synchronise(self._stream)

    def _capture(self, resources: ExitStack) -> str:
        """Capture the frame as a CUDA graph; says how frames are launched from here on."""
        cuda = self._cuda
        if not self._wants_graph:
            return "enqueueV3 (as asked)"
        if not cuda.supports_graphs:
            return f"enqueueV3 ({cuda.name} cannot capture CUDA graphs)"
        capturable = getattr(self._context, "is_stream_capturable", None)
        if capturable is not None and not capturable(self._stream):
            return "enqueueV3 (TensorRT says that this engine cannot be captured)"
        failure: EdgeIrdetError | None = None
        try:
            cuda.begin_capture(self._stream)
        except CudaError as error:
            return _not_captured(error)
        try:
            self._queue()
        except (CudaError, TensorRTError) as error:
            failure = error
        try:
            graph = cuda.end_capture(self._stream)  # also after a failure: the stream must leave capture mode
        except CudaError as error:
            return _not_captured(failure or error)
        if failure is not None:
            cuda.destroy_graph(graph)
            return _not_captured(failure)
        self._graph = graph
        resources.callback(self._drop_graph)
        return "CUDA graph"

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        self._require_own_thread()
        for slot in self._in:
            np.copyto(slot.host, feeds[slot.name])
        self._run()
        for slot in self._out:
            np.copyto(self._arrays[slot.name], slot.host)
        return self._arrays

    def _deactivate_impl(self) -> None:
        self._arrays = {}
        self._thread = None
        self.launch = "not active"
        self._resources.close()

    def _require_own_thread(self) -> None:
        # The object, not the identifier: that is given to a new thread once its own has ended.
        if self._thread is not None and threading.current_thread() is not self._thread:
            raise WrongThreadError(
                f"the runner {self.name} belongs to the thread {self._thread.name}, "
                f"and was used from {threading.current_thread().name}",
                "activate a runner in the thread that uses it: one runner, context and stream a thread",
            )

    # Freed in the reverse order of their making: graph, context, buffers, stream, engine, runtime.

    def _drain(self) -> None:
        """Let the stream end what a failed frame left on it: nothing may be freed under it."""
        with contextlib.suppress(CudaError):
            self._cuda.synchronise(self._stream)

    def _drop_graph(self) -> None:
        if self._graph is not None:
            graph, self._graph = self._graph, None
            self._cuda.destroy_graph(graph)

    def _drop_context(self) -> None:
        self._context = None
        self._in, self._out = [], []

    def _drop_engine(self) -> None:
        self._engine = None
        self._runtime = None


def _spec(tensor: TensorIdentity) -> TensorSpec:
    return TensorSpec.of(tuple(tensor.shape), tensor.dtype)


def _specs(tensors: Sequence[TensorIdentity]) -> dict[str, TensorSpec]:
    return {tensor.name: _spec(tensor) for tensor in tensors}


def _not_captured(error: EdgeIrdetError) -> str:
    return f"enqueueV3 (the capture failed: {error.what.splitlines()[0]})"
