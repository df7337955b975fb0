"""The CUDA adapter on pycuda, for devices that have it already.

pycuda speaks the driver API, where a context must be made current on each thread by hand; that it was not
is the commonest fault of pycuda programs with threads (jkjung-avt/tensorrt_demos#213). So the adapter is
attached once a thread, to the device's primary context, which is the one TensorRT uses too. pycuda cannot
capture CUDA graphs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from edge_irdet.engine.cuda.adapter import Device, PinnedBuffer
from edge_irdet.errors import CudaError

STREAM_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING of the driver API; pycuda has no name for it."""


class _ContextStack:
    """How often one thread has the context pushed; a thread that ends with one pushed aborts the process.

    It lies in a :class:`threading.local`, so it goes with its thread.
    """

    def __init__(self, api: Any) -> None:
        self._api = api
        self.depth = 0

    def pop(self) -> None:
        self.depth -= 1
        self._api.Context.pop()

    def __del__(self) -> None:
        while self.depth:
            with contextlib.suppress(Exception):
                self.pop()


class PycudaAdapter:
    """CUDA through pycuda.

    Args:
        api: the module ``pycuda.driver``.
    """

    name = "pycuda"
    supports_graphs = False

    def __init__(self, api: Any) -> None:
        self._api = api
        # Retained once and never let go of: pycuda's detach() pushes the context again, and leaves it there.
        self._primary: dict[int, Any] = {}
        self._thread = threading.local()
        # pycuda frees what it loses sight of, so everything that is in use is kept here under its integer.
        self._streams: dict[int, Any] = {}
        self._allocations: dict[int, Any] = {}

    @contextmanager
    def _reporting(self, function: str) -> Iterator[None]:
        try:
            yield
        except (self._api.Error, self._api.MemoryError) as error:
            raise CudaError(
                f"pycuda's {function} failed: {error}",
                "check nvidia-smi or, on a Jetson, tegrastats for free memory and errors, then run again",
            ) from error

    def device_count(self) -> int:
        """See :class:`~edge_irdet.engine.cuda.adapter.CudaAdapter`, as for all methods."""
        try:
            self._api.init()
            return int(self._api.Device.count())
        except self._api.Error:  # no driver, or no device
            return 0

    def driver_version(self) -> int:  # noqa: D102
        try:
            return int(self._api.get_driver_version())
        except self._api.Error:
            return 0

    def runtime_version(self) -> int:
        """CUDA version that pycuda was compiled against; it carries no runtime of its own."""
        major, minor, *_ = self._api.get_version()
        return 1000 * int(major) + 10 * int(minor)

    def device(self, index: int) -> Device:  # noqa: D102
        with self._reporting("Device"):
            device = self._api.Device(index)
            major, minor = device.compute_capability()
            attributes = self._api.device_attribute
            return Device(
                name=str(device.name()),
                compute_capability=f"{major}.{minor}",
                total_bytes=int(device.total_memory()),
                multiprocessors=int(device.get_attribute(attributes.MULTIPROCESSOR_COUNT)),
                integrated=bool(device.get_attribute(attributes.INTEGRATED)),
            )

    def attach(self, index: int) -> None:  # noqa: D102
        with self._reporting("retain_primary_context"):
            self._api.init()
            if index not in self._primary:
                self._primary[index] = self._api.Device(index).retain_primary_context()
            self._primary[index].push()
        stack = getattr(self._thread, "stack", None)
        if stack is None:
            stack = self._thread.stack = _ContextStack(self._api)
        stack.depth += 1

    def detach(self) -> None:  # noqa: D102
        stack = getattr(self._thread, "stack", None)
        if stack is not None and stack.depth:
            with self._reporting("Context.pop"):
                stack.pop()

    def memory(self) -> tuple[int, int]:  # noqa: D102
        with self._reporting("mem_get_info"):
            free, total = self._api.mem_get_info()
        return int(free), int(total)

    def create_stream(self) -> int:  # noqa: D102
        with self._reporting("Stream"):
            stream = self._api.Stream(STREAM_NON_BLOCKING)
        self._streams[int(stream.handle)] = stream
        return int(stream.handle)

    def destroy_stream(self, stream: int) -> None:
        """Drop the stream; pycuda destroys it with its last reference."""
        del self._streams[stream]

    def synchronise(self, stream: int) -> None:  # noqa: D102
        with self._reporting("Stream.synchronize"):
            self._streams[stream].synchronize()

    def allocate(self, size: int) -> int:  # noqa: D102
        with self._reporting("mem_alloc"):
            allocation = self._api.mem_alloc(size)
        self._allocations[int(allocation)] = allocation
        return int(allocation)

    def free(self, address: int) -> None:  # noqa: D102
        with self._reporting("DeviceAllocation.free"):
            self._allocations.pop(address).free()

    def allocate_pinned(self, size: int) -> PinnedBuffer:  # noqa: D102
        with self._reporting("pagelocked_empty"):
            array = self._api.pagelocked_empty(size, np.uint8)
        return PinnedBuffer(int(array.ctypes.data), array)

    def free_pinned(self, buffer: PinnedBuffer) -> None:  # noqa: D102
        with self._reporting("PagelockedHostAllocation.free"):
            # pagelocked_empty's array keeps its allocation as its base.
            buffer.array.base.free()  # type: ignore[union-attr]

    def copy_to_device(self, address: int, buffer: PinnedBuffer, stream: int) -> None:  # noqa: D102
        with self._reporting("memcpy_htod_async"):
            self._api.memcpy_htod_async(address, buffer.array, self._streams[stream])

    def copy_to_host(self, buffer: PinnedBuffer, address: int, stream: int) -> None:  # noqa: D102
        with self._reporting("memcpy_dtoh_async"):
            self._api.memcpy_dtoh_async(buffer.array, address, self._streams[stream])

    def begin_capture(self, stream: int) -> None:
        """pycuda has no call for it.

        Raises:
            CudaError: always; ask :attr:`supports_graphs` first.
        """
        raise self._no_graphs()

    def end_capture(self, stream: int) -> int:
        """As :meth:`begin_capture`."""
        raise self._no_graphs()

    def launch_graph(self, graph: int, stream: int) -> None:
        """As :meth:`begin_capture`."""
        raise self._no_graphs()

    def destroy_graph(self, graph: int) -> None:
        """As :meth:`begin_capture`."""
        raise self._no_graphs()

    @staticmethod
    def _no_graphs() -> CudaError:
        return CudaError("pycuda cannot capture CUDA graphs", "use the adapter cuda-python for them")
