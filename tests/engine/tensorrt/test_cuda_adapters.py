"""The two CUDA adapters: the real cuda-python where there is no driver, and FAKES of both bindings."""

from __future__ import annotations

import ctypes
import enum
import gc
import importlib
import os
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_irdet.engine.cuda.adapter import open_cuda, require_driver
from edge_irdet.engine.cuda.cuda_python import CudaPythonAdapter
from edge_irdet.engine.cuda.pycuda import STREAM_NON_BLOCKING, PycudaAdapter
from edge_irdet.errors import CudaError, DriverMissingError, ExtraMissingError, OptionError

# cuda-python itself, where no driver is.


@pytest.fixture
def without_driver() -> CudaPythonAdapter:
    pytest.importorskip("cuda.bindings.runtime", reason="pip install -e '.[tensorrt-rtx]'")
    adapter = open_cuda("cuda-python")
    if adapter.driver_version():
        pytest.skip("this machine has an NVIDIA driver")
    return adapter  # type: ignore[return-value]


def test_the_real_binding_without_a_driver(without_driver: CudaPythonAdapter) -> None:
    assert without_driver.device_count() == 0
    assert without_driver.runtime_version() >= 12000
    expected = os.environ.get("EDGE_IRDET_EXPECTED_CUDA")  # by tests/engine/bindings
    assert expected is None or without_driver.runtime_version() == int(expected)
    with pytest.raises(DriverMissingError, match="there is no NVIDIA driver") as caught:
        require_driver(without_driver)
    assert "--runtime cpu" in caught.value.next_step


@pytest.mark.parametrize(
    ("call", "function"),
    [
        (lambda cuda: cuda.attach(0), "cudaSetDevice"),
        (lambda cuda: cuda.memory(), "cudaMemGetInfo"),
        (lambda cuda: cuda.create_stream(), "cudaStreamCreateWithFlags"),
        (lambda cuda: cuda.allocate(16), "cudaMalloc"),
        (lambda cuda: cuda.allocate_pinned(16), "cudaMallocHost"),
        (lambda cuda: cuda.device(0), "cudaGetDeviceProperties"),
        (lambda cuda: cuda.begin_capture(0), "cudaStreamBeginCapture"),
    ],
)
def test_the_real_bindings_failures_are_coded(
    without_driver: CudaPythonAdapter, call: Any, function: str
) -> None:
    # From 12.9 on the binding gives a status, before it raises: of libcuda, or of the function in it.
    said = r'(with cudaErrorInsufficientDriver \(35\)|: Function "cu\w+" not found|: Failed to dlopen)'
    with pytest.raises(CudaError, match=rf"{function} failed ?{said}"):
        call(without_driver)


# A FAKE of cuda.bindings.runtime: order and arguments of the calls.


class FakeRuntime:
    """Answers each function by the results given for it, and keeps the calls."""

    cudaError_t = enum.IntEnum(  # noqa: N815
        "cudaError_t",
        {"cudaSuccess": 0, "cudaErrorMemoryAllocation": 2, "cudaErrorStreamCaptureInvalidated": 901},
    )
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice="to device", cudaMemcpyDeviceToHost="to host")  # noqa: N815
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal="thread-local")  # noqa: N815
    cudaStreamNonBlocking = 1  # noqa: N815

    def __init__(self, **results: tuple[Any, ...]) -> None:
        self.results = results
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls.append((name, *arguments))
            return self.results.get(name, (self.cudaError_t.cudaSuccess,))

        return call


def test_cuda_python_calls() -> None:
    memory = (ctypes.c_uint8 * 8)()
    properties = SimpleNamespace(
        name=b"Orin", major=8, minor=7, totalGlobalMem=123, multiProcessorCount=8, integrated=1
    )
    api = FakeRuntime(
        cudaGetDeviceCount=(0, 1),
        cudaDriverGetVersion=(0, 12060),
        cudaRuntimeGetVersion=(0, 12060),
        cudaGetDeviceProperties=(0, properties),
        cudaStreamCreateWithFlags=(0, 7),
        cudaMalloc=(0, 64),
        cudaMallocHost=(0, ctypes.addressof(memory)),
        cudaStreamEndCapture=(0, 21),
        cudaGraphInstantiate=(0, 22),
        cudaMemGetInfo=(0, 5, 9),
    )
    cuda = CudaPythonAdapter(api)
    device = require_driver(cuda)
    assert (device.name, device.compute_capability, device.total_bytes) == ("Orin", "8.7", 123)
    assert cuda.memory() == (5, 9)
    cuda.attach(0)
    stream, address, pinned = cuda.create_stream(), cuda.allocate(8), cuda.allocate_pinned(8)
    pinned.array[:] = 3
    assert bytes(memory) == b"\x03" * 8
    api.calls.clear()
    cuda.copy_to_device(address, pinned, stream)
    cuda.copy_to_host(pinned, address, stream)
    cuda.synchronise(stream)
    cuda.begin_capture(stream)
    graph = cuda.end_capture(stream)
    cuda.launch_graph(graph, stream)
    cuda.destroy_graph(graph)
    cuda.free_pinned(pinned)
    cuda.free(address)
    cuda.destroy_stream(stream)
    cuda.detach()
    assert api.calls == [
        ("cudaMemcpyAsync", 64, pinned.address, 8, "to device", 7),
        ("cudaMemcpyAsync", pinned.address, 64, 8, "to host", 7),
        ("cudaStreamSynchronize", 7),
        ("cudaStreamBeginCapture", 7, "thread-local"),
        ("cudaStreamEndCapture", 7),
        ("cudaGraphInstantiate", 21, 0),
        ("cudaGraphDestroy", 21),
        ("cudaGraphLaunch", 22, 7),
        ("cudaGraphExecDestroy", 22),
        ("cudaFreeHost", pinned.address),
        ("cudaFree", 64),
        ("cudaStreamDestroy", 7),
    ]


def test_a_graph_that_cannot_be_instantiated_is_destroyed() -> None:
    error = FakeRuntime.cudaError_t.cudaErrorStreamCaptureInvalidated
    api = FakeRuntime(
        cudaStreamEndCapture=(0, 21), cudaGraphInstantiate=(error, 0), cudaGetErrorString=(0, b"invalidated")
    )
    with pytest.raises(CudaError, match=r"cudaGraphInstantiate failed with .* \(901\): invalidated"):
        CudaPythonAdapter(api).end_capture(7)
    assert api.calls[-1] == ("cudaGraphDestroy", 21)


# A FAKE of pycuda.driver.


class FakePycuda:
    """Contexts a thread, allocations and streams; what is not current on the thread raises, as in CUDA."""

    class Error(Exception):
        pass

    class MemoryError(Error):  # noqa: A001
        pass

    class LogicError(Error):
        pass

    def __init__(self, devices: int = 1) -> None:
        self.stacks: dict[int, list[Any]] = {}
        self.free_bytes = 100
        self.log: list[Any] = []
        api = self

        class Context:
            def push(self) -> None:
                api.stack().append(self)
                api.log.append("push")

            @staticmethod
            def pop() -> None:
                api.stack().pop()
                api.log.append("pop")

            def detach(self) -> None:
                # As the real one: it makes the context current, and leaves it so.
                api.stack().append(self)
                api.log.append("detach")

        class Device:
            def __init__(self, index: int) -> None:
                api.log.append(f"Device {index}")

            @staticmethod
            def count() -> int:
                return devices

            def name(self) -> str:
                return "Orin"

            def compute_capability(self) -> tuple[int, int]:
                return 8, 7

            def total_memory(self) -> int:
                return 123

            def get_attribute(self, attribute: str) -> int:
                return {"multiprocessors": 8, "integrated": 1}[attribute]

            def retain_primary_context(self) -> Context:
                return Context()

        class Stream:
            def __init__(self, flags: int) -> None:
                api.require_context()
                assert flags == STREAM_NON_BLOCKING
                self.handle = 7

            def synchronize(self) -> None:
                api.log.append("synchronize")

        self.Context, self.Device, self.Stream = Context, Device, Stream
        self.device_attribute = SimpleNamespace(
            MULTIPROCESSOR_COUNT="multiprocessors", INTEGRATED="integrated"
        )

    def stack(self) -> list[Any]:
        return self.stacks.setdefault(threading.get_ident(), [])

    def require_context(self) -> None:
        if not self.stack():
            raise self.LogicError("cuCtxGetDevice failed: invalid device context")

    def init(self) -> None:
        self.log.append("init")

    def get_driver_version(self) -> int:
        return 12060

    def get_version(self) -> tuple[int, int, int]:
        return 12, 6, 0

    def mem_get_info(self) -> tuple[int, int]:
        self.require_context()
        return self.free_bytes, 123

    def mem_alloc(self, size: int) -> Any:
        self.require_context()
        if size > self.free_bytes:
            raise self.MemoryError("cuMemAlloc failed: out of memory")
        self.free_bytes -= size

        class Allocation(int):
            def free(allocation) -> None:  # noqa: N805
                self.free_bytes += size
                self.log.append(f"free {int(allocation)}")

        return Allocation(64)

    def pagelocked_empty(self, size: int, dtype: Any) -> np.ndarray:
        self.require_context()
        log = self.log

        class Base(np.ndarray):
            def free(self) -> None:
                log.append("free pinned")

        return np.empty(size, dtype).view(Base)[:].view(np.ndarray)

    def memcpy_htod_async(self, address: int, array: np.ndarray, stream: Any) -> None:
        self.log.append(("to device", address, array.nbytes, stream.handle))

    def memcpy_dtoh_async(self, array: np.ndarray, address: int, stream: Any) -> None:
        self.log.append(("to host", address, array.nbytes, stream.handle))


def test_pycuda_calls() -> None:
    api = FakePycuda()
    cuda = PycudaAdapter(api)
    device = require_driver(cuda)
    assert (device.name, device.compute_capability, device.total_bytes) == ("Orin", "8.7", 123)
    with pytest.raises(CudaError, match="invalid device context"):
        cuda.allocate(8)
    cuda.attach(0)
    assert cuda.memory() == (100, 123)
    stream, address, pinned = cuda.create_stream(), cuda.allocate(8), cuda.allocate_pinned(8)
    assert cuda.memory() == (92, 123)
    api.log.clear()
    cuda.copy_to_device(address, pinned, stream)
    cuda.copy_to_host(pinned, address, stream)
    cuda.synchronise(stream)
    cuda.free_pinned(pinned)
    cuda.free(address)
    assert cuda.memory() == (100, 123)
    cuda.destroy_stream(stream)
    cuda.detach()
    cuda.detach()
    assert api.log == [
        ("to device", 64, 8, 7),
        ("to host", 64, 8, 7),
        "synchronize",
        "free pinned",
        "free 64",
        "pop",
    ]
    assert not any(api.stacks.values())


def test_pycuda_has_one_context_a_thread() -> None:
    api = FakePycuda()
    cuda = PycudaAdapter(api)
    cuda.attach(0)
    raised: list[BaseException] = []

    def work() -> None:
        try:
            cuda.allocate(8)
        except CudaError as error:
            raised.append(error)
        cuda.attach(0)
        cuda.allocate(8)
        cuda.detach()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1
    cuda.allocate(8)  # the first thread's own context is still current
    cuda.detach()
    assert not any(api.stacks.values())


def test_pycuda_attached_twice_is_detached_twice() -> None:
    api = FakePycuda()
    cuda = PycudaAdapter(api)
    for _ in range(2):
        cuda.attach(0)
    assert api.log.count("Device 0") == 1, "one primary context is retained"
    cuda.detach()
    cuda.allocate(8)
    cuda.detach()
    with pytest.raises(CudaError, match="invalid device context"):
        cuda.allocate(8)


def test_a_thread_that_ends_attached_leaves_no_context_behind() -> None:
    api = FakePycuda()
    cuda = PycudaAdapter(api)
    thread = threading.Thread(target=cuda.attach, args=(0,))
    thread.start()
    thread.join()
    gc.collect()
    assert api.log.count("pop") == 1


class WithoutLibrary(FakeRuntime):
    """cuda-python 12.6 to 12.8 without libcuda.so.1, as the real ones answer."""

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            if name == "cudaRuntimeGetVersion":
                return self.cudaError_t.cudaSuccess, 12060
            if name == "cudaGetDeviceCount":
                raise RuntimeError("Failed to dlopen libcuda.so.1")
            raise RuntimeError('Function "cuInit" not found')  # names libcuda's function, not its own

        return call


def test_a_binding_that_raises_without_a_driver_is_as_one_that_answers() -> None:
    cuda = CudaPythonAdapter(WithoutLibrary())
    assert (cuda.device_count(), cuda.driver_version(), cuda.runtime_version()) == (0, 0, 12060)
    with pytest.raises(DriverMissingError, match="there is no NVIDIA driver"):
        require_driver(cuda)
    for call in (cuda.memory, cuda.create_stream, lambda: cuda.allocate(8), lambda: cuda.attach(0)):
        with pytest.raises(CudaError, match=r'failed: Function "cuInit" not found'):
            call()


def test_a_failure_whose_text_cannot_be_asked_for_is_coded_too() -> None:
    class Silent(FakeRuntime):
        def cudaGetErrorString(self, status: Any) -> Any:  # noqa: N802
            raise RuntimeError('Function "cuGetErrorString" not found')

    error = FakeRuntime.cudaError_t.cudaErrorMemoryAllocation
    with pytest.raises(CudaError, match=r"cudaMalloc failed with cudaErrorMemoryAllocation \(2\)"):
        CudaPythonAdapter(Silent(cudaMalloc=(error, 0))).allocate(8)


def test_pycuda_failures_are_coded_and_graphs_are_not_claimed() -> None:
    cuda = PycudaAdapter(FakePycuda())
    cuda.attach(0)
    with pytest.raises(CudaError, match="out of memory"):
        cuda.allocate(1000)
    assert not cuda.supports_graphs
    for call in (cuda.begin_capture, cuda.end_capture, cuda.destroy_graph):
        with pytest.raises(CudaError, match="cannot capture"):
            call(7)
    with pytest.raises(CudaError, match="cannot capture"):
        cuda.launch_graph(1, 7)


def test_pycuda_without_a_driver() -> None:
    class Absent(FakePycuda):
        def init(self) -> None:
            raise self.Error("cuInit failed: no CUDA-capable device is detected")

    cuda = PycudaAdapter(Absent())
    assert cuda.device_count() == 0
    with pytest.raises(DriverMissingError):
        require_driver(cuda)


def test_open_cuda() -> None:
    with pytest.raises(OptionError, match="no CUDA adapter 'cupy'"):
        open_cuda("cupy")
    try:
        import pycuda.driver  # noqa: F401
    except ImportError:
        with pytest.raises(ExtraMissingError, match="pycuda cannot be imported"):
            open_cuda("pycuda")


def test_auto_takes_the_binding_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(installed: str) -> Any:
        def imported(name: str) -> Any:
            if name == installed:
                return FakePycuda() if "pycuda" in name else FakeRuntime()
            if name.startswith("edge_irdet."):
                return real(name)
            raise ImportError(f"No module named {name!r}")

        return imported

    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", only("pycuda.driver"))
    assert open_cuda().name == "pycuda"
    with pytest.raises(ExtraMissingError, match="cuda-python cannot be imported"):
        open_cuda("cuda-python")
    monkeypatch.setattr(importlib, "import_module", only("cuda.bindings.runtime"))
    assert open_cuda().name == "cuda-python"
    monkeypatch.setattr(importlib, "import_module", only("nothing"))
    with pytest.raises(ExtraMissingError, match=r"cuda-python cannot .*; pycuda cannot"):
        open_cuda()
