"""A FAKE of the CUDA adapter. It proves that the runner keeps to the protocol, and nothing about CUDA.

It is stricter than CUDA: what is queued on a stream runs at ``synchronise`` only, so a result that is read
too early is wrong; memory is filled with rubbish when it is allocated and when it is freed; every use of
something freed, of another thread's context, or of something unknown is a :class:`ProtocolViolationError`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_irdet.engine.cuda.adapter import Device, PinnedBuffer
from edge_irdet.errors import CudaError

ORIN = Device("Orin (FAKE)", "8.7", 8 << 30, multiprocessors=8, integrated=True)
ADA = Device("RTX (FAKE)", "8.9", 8 << 30, multiprocessors=24, integrated=False)
"""A GPU that TensorRT-RTX names; it does not name the Orin."""

RUBBISH = 0xA5

Operation = Callable[[], None]


class ProtocolViolationError(AssertionError):
    """The code under test did what CUDA or TensorRT forbids."""


class FakeCuda:
    """One GPU and its driver.

    Attributes:
        calls: names of all calls in order.
        fail: name of a call -> how many times it still succeeds before it fails once.
    """

    name = "fake"
    supports_graphs = True

    def __init__(self, device: Device | None = ORIN, driver: int = 13000, runtime: int = 13000) -> None:
        self._device = device
        self._driver = driver
        self._runtime = runtime
        self._addresses = itertools.count(0x1000_0000, 0x100_0000)
        self.memory_bytes: dict[int, NDArray[np.uint8]] = {}
        self.pinned: dict[int, PinnedBuffer] = {}
        self.streams: dict[int, list[Operation]] = {}
        self.capturing: dict[int, list[Operation]] = {}
        self.graphs: dict[int, list[Operation]] = {}
        self.attached: dict[threading.Thread, int] = {}
        self.calls: list[str] = []
        self.fail: dict[str, int] = {}
        self.free_bytes = 4 << 30

    def _called(self, name: str, attached: bool = True) -> None:
        self.calls.append(name)
        if attached and not self.attached.get(threading.current_thread()):
            raise ProtocolViolationError(f"{name} without a context on {threading.current_thread().name}")
        left = self.fail.get(name)
        if left is not None:
            self.fail[name] = left - 1
            if left == 0:
                del self.fail[name]
                raise CudaError(f"{name} failed, as the test asked", "nothing: it is a fake")

    def _known(self, table: dict[int, object], key: int, what: str) -> None:
        if key not in table:
            raise ProtocolViolationError(f"{what} {key:#x} is unknown or freed")

    # Queries.

    def device_count(self) -> int:
        self._called("device_count", attached=False)
        return 0 if self._device is None else 1

    def driver_version(self) -> int:
        self._called("driver_version", attached=False)
        return self._driver

    def runtime_version(self) -> int:
        self._called("runtime_version", attached=False)
        return self._runtime

    def device(self, index: int) -> Device:
        self._called("device", attached=False)
        assert index == 0
        assert self._device is not None
        return self._device

    # Contexts.

    def attach(self, index: int) -> None:
        self._called("attach", attached=False)
        thread = threading.current_thread()
        self.attached[thread] = self.attached.get(thread, 0) + 1

    def detach(self) -> None:
        self._called("detach")
        self.attached[threading.current_thread()] -= 1

    # Memory.

    def memory(self) -> tuple[int, int]:
        self._called("memory")
        assert self._device is not None
        held = sum(memory.nbytes for memory in self.memory_bytes.values())
        return self.free_bytes - held, self._device.total_bytes

    def allocate(self, size: int) -> int:
        self._called("allocate")
        if size > self.memory()[0]:
            raise CudaError("cudaMalloc failed: cudaErrorMemoryAllocation (2)", "free some memory")
        address = next(self._addresses)
        self.memory_bytes[address] = np.full(size, RUBBISH, np.uint8)
        return address

    def free(self, address: int) -> None:
        self._called("free")
        self._known(self.memory_bytes, address, "device memory")
        self.memory_bytes.pop(address).fill(RUBBISH)

    def allocate_pinned(self, size: int) -> PinnedBuffer:
        self._called("allocate_pinned")
        array = np.full(size, RUBBISH, np.uint8)
        buffer = PinnedBuffer(array.ctypes.data, array)
        self.pinned[buffer.address] = buffer
        return buffer

    def free_pinned(self, buffer: PinnedBuffer) -> None:
        self._called("free_pinned")
        self._known(self.pinned, buffer.address, "pinned memory")
        self.pinned.pop(buffer.address).array.fill(RUBBISH)

    # Streams.

    def create_stream(self) -> int:
        self._called("create_stream")
        stream = next(self._addresses)
        self.streams[stream] = []
        return stream

    def destroy_stream(self, stream: int) -> None:
        self._called("destroy_stream")
        self._known(self.streams, stream, "stream")
        if self.streams.pop(stream) or stream in self.capturing:
            raise ProtocolViolationError("a stream was destroyed with work on it")

    def queue(self, stream: int, operation: Operation) -> None:
        """Put an operation on a stream, or into the graph that the stream records."""
        self._known(self.streams, stream, "stream")
        self.capturing.get(stream, self.streams[stream]).append(operation)

    def synchronise(self, stream: int) -> None:
        self._called("synchronise")
        self._known(self.streams, stream, "stream")
        if stream in self.capturing:
            raise ProtocolViolationError("a capturing stream was synchronised")
        queued, self.streams[stream] = self.streams[stream], []
        for operation in queued:
            operation()

    def copy_to_device(self, address: int, buffer: PinnedBuffer, stream: int) -> None:
        self._called("copy_to_device")
        self.queue(stream, lambda: self._copy(address, buffer, to_device=True))

    def copy_to_host(self, buffer: PinnedBuffer, address: int, stream: int) -> None:
        self._called("copy_to_host")
        self.queue(stream, lambda: self._copy(address, buffer, to_device=False))

    def _copy(self, address: int, buffer: PinnedBuffer, to_device: bool) -> None:
        self._known(self.memory_bytes, address, "device memory")
        self._known(self.pinned, buffer.address, "pinned memory")
        device = self.memory_bytes[address]
        if device.size != buffer.array.size:
            raise ProtocolViolationError(f"a copy of {buffer.array.size} bytes from or to {device.size}")
        if to_device:
            device[:] = buffer.array
        else:
            buffer.array[:] = device

    # Graphs.

    def begin_capture(self, stream: int) -> None:
        self._called("begin_capture")
        self._known(self.streams, stream, "stream")
        if self.streams[stream]:
            raise ProtocolViolationError("a capture began with work on the stream")
        self.capturing[stream] = []

    def end_capture(self, stream: int) -> int:
        operations = self.capturing.pop(stream, None)
        self._called("end_capture")  # after the pop: a failed capture has left capture mode too
        if operations is None:
            raise ProtocolViolationError("a capture ended that had not begun")
        graph = next(self._addresses)
        self.graphs[graph] = operations
        return graph

    def launch_graph(self, graph: int, stream: int) -> None:
        self._called("launch_graph")
        self._known(self.graphs, graph, "graph")
        for operation in self.graphs[graph]:
            self.queue(stream, operation)

    def destroy_graph(self, graph: int) -> None:
        self._called("destroy_graph")
        self._known(self.graphs, graph, "graph")
        del self.graphs[graph]

    def require_nothing_left(self) -> None:
        """Everything that was made has been freed, and no thread is attached."""
        left = {
            "device memory": self.memory_bytes,
            "pinned memory": self.pinned,
            "streams": self.streams,
            "graphs": self.graphs,
            "captures": self.capturing,
            "contexts": {thread: count for thread, count in self.attached.items() if count},
        }
        assert not {what: table for what, table in left.items() if table}
