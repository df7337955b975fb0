"""The CUDA adapter on cuda-python (``cuda.bindings.runtime``), the default."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from edge_irdet.engine.cuda.adapter import Device, PinnedBuffer
from edge_irdet.errors import CudaError

NEXT_STEP = "check nvidia-smi or, on a Jetson, tegrastats for free memory and errors, then run again"


class CudaPythonAdapter:
    """CUDA through the runtime API: every thread shares the device's primary context.

    Args:
        api: the module ``cuda.bindings.runtime``.
    """

    name = "cuda-python"
    supports_graphs = True

    def __init__(self, api: Any) -> None:
        self._api = api

    def _call(self, function: str, *arguments: Any) -> Any:
        """Call a runtime function; its one result, the tuple of several, or None."""
        try:
            status, *results = getattr(self._api, function)(*arguments)
        except RuntimeError as error:
            # Before 12.9 the binding raises where libcuda or a function of it is missing; later it returns.
            raise CudaError(f"{function} failed: {error}", NEXT_STEP) from error
        if status != self._api.cudaError_t.cudaSuccess:
            raise CudaError(
                f"{function} failed with {status.name} ({int(status)}): {self._described(status)}", NEXT_STEP
            )
        return results[0] if len(results) == 1 else tuple(results) or None

    def _described(self, status: Any) -> str:
        try:
            _, text = self._api.cudaGetErrorString(status)
        except RuntimeError:  # as above: without libcuda it cannot be asked
            return "the driver cannot be asked for more"
        return _text(text)

    def device_count(self) -> int:
        """See :class:`~edge_irdet.engine.cuda.adapter.CudaAdapter`, as for all methods."""
        # cudaErrorInsufficientDriver and cudaErrorNoDevice both mean none.
        try:
            return int(self._call("cudaGetDeviceCount"))
        except CudaError:
            return 0

    def driver_version(self) -> int:  # noqa: D102
        try:
            return int(self._call("cudaDriverGetVersion"))
        except CudaError:
            return 0

    def runtime_version(self) -> int:  # noqa: D102
        return int(self._call("cudaRuntimeGetVersion"))

    def device(self, index: int) -> Device:  # noqa: D102
        properties = self._call("cudaGetDeviceProperties", index)
        return Device(
            name=_text(properties.name),
            compute_capability=f"{properties.major}.{properties.minor}",
            total_bytes=int(properties.totalGlobalMem),
            multiprocessors=int(properties.multiProcessorCount),
            integrated=bool(properties.integrated),
        )

    def attach(self, index: int) -> None:  # noqa: D102
        self._call("cudaSetDevice", index)

    def detach(self) -> None:
        """Nothing: the runtime API keeps the primary context for the process."""

    def memory(self) -> tuple[int, int]:  # noqa: D102
        free, total = self._call("cudaMemGetInfo")
        return int(free), int(total)

    def create_stream(self) -> int:  # noqa: D102
        return int(self._call("cudaStreamCreateWithFlags", self._api.cudaStreamNonBlocking))

    def destroy_stream(self, stream: int) -> None:  # noqa: D102
        self._call("cudaStreamDestroy", stream)

    def synchronise(self, stream: int) -> None:  # noqa: D102
        self._call("cudaStreamSynchronize", stream)

    def allocate(self, size: int) -> int:  # noqa: D102
        return int(self._call("cudaMalloc", size))

    def free(self, address: int) -> None:  # noqa: D102
        self._call("cudaFree", address)

    def allocate_pinned(self, size: int) -> PinnedBuffer:  # noqa: D102
        address = int(self._call("cudaMallocHost", size))
        memory = (ctypes.c_uint8 * size).from_address(address)
        return PinnedBuffer(address, np.ctypeslib.as_array(memory))

    def free_pinned(self, buffer: PinnedBuffer) -> None:  # noqa: D102
        self._call("cudaFreeHost", buffer.address)

    def copy_to_device(self, address: int, buffer: PinnedBuffer, stream: int) -> None:  # noqa: D102
        kind = self._api.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, buffer.address, buffer.array.nbytes, kind, stream)

    def copy_to_host(self, buffer: PinnedBuffer, address: int, stream: int) -> None:  # noqa: D102
        kind = self._api.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", buffer.address, address, buffer.array.nbytes, kind, stream)

    def begin_capture(self, stream: int) -> None:  # noqa: D102
        # Thread-local: other threads' allocations must not break this capture.
        mode = self._api.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", stream, mode)

    def end_capture(self, stream: int) -> int:  # noqa: D102
        graph = self._call("cudaStreamEndCapture", stream)
        try:
            return int(self._call("cudaGraphInstantiate", graph, 0))
        finally:
            self._call("cudaGraphDestroy", graph)

    def launch_graph(self, graph: int, stream: int) -> None:  # noqa: D102
        self._call("cudaGraphLaunch", graph, stream)

    def destroy_graph(self, graph: int) -> None:  # noqa: D102
        self._call("cudaGraphExecDestroy", graph)


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
