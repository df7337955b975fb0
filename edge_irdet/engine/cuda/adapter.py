"""CUDA as the runner needs it: one small protocol, so that cuda-python and pycuda are alike."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import DriverMissingError, DriverOutdatedError, ExtraMissingError, OptionError
from edge_irdet.machine.gpu import format_cuda_version

ADAPTERS = ("cuda-python", "pycuda")
"""Names :func:`open_cuda` takes, the preferred one first."""

AUTO = "auto"
"""Takes the first of :data:`ADAPTERS` that is installed."""

_BINDINGS = {
    "cuda-python": ("edge_irdet.engine.cuda.cuda_python", "CudaPythonAdapter", "cuda.bindings.runtime"),
    "pycuda": ("edge_irdet.engine.cuda.pycuda", "PycudaAdapter", "pycuda.driver"),
}
"""Name -> the adapter's module and class, and the binding that it wraps."""


@dataclass(frozen=True)
class Device:
    """One GPU."""

    name: str
    """As the driver gives it, such as ``Orin``."""

    compute_capability: str
    """SM version ``major.minor``, such as ``8.7``."""

    total_bytes: int
    """Memory of the device; on a Jetson it is the machine's."""

    multiprocessors: int
    """Streaming multiprocessors: boards whose GPUs have one name differ in it."""

    integrated: bool
    """Whether it shares the machine's memory, as on a Jetson."""


@dataclass(frozen=True)
class PinnedBuffer:
    """Page-locked host memory: copies from and to it are asynchronous."""

    address: int
    array: NDArray[np.uint8]
    """The memory as bytes; valid until the buffer is freed."""


class CudaAdapter(Protocol):
    """The CUDA calls of the builder and of the TensorRT runner.

    Streams, graphs and addresses are plain integers, as TensorRT takes them. Apart from the four queries,
    nothing may be called before :meth:`attach`, and everything is called from the thread that attached. Every
    method raises :class:`~edge_irdet.errors.CudaError` where the call fails.
    """

    name: str
    supports_graphs: bool
    """Whether the binding can capture a stream into a CUDA graph."""

    def device_count(self) -> int:
        """Devices the driver shows; 0 without a driver. Never raises, and initialises no context."""

    def driver_version(self) -> int:
        """Newest CUDA version the driver supports, 1000 * major + 10 * minor; 0 without a driver."""

    def runtime_version(self) -> int:
        """CUDA version of the binding's runtime, 1000 * major + 10 * minor."""

    def device(self, index: int) -> Device:
        """Name, compute capability and memory of a device."""

    def attach(self, index: int) -> None:
        """Make the device's primary context current on this thread."""

    def detach(self) -> None:
        """Undo :meth:`attach` on this thread."""

    def memory(self) -> tuple[int, int]:
        """(free, total) bytes of the attached device."""

    def create_stream(self) -> int:
        """A stream that does not wait for the default stream."""

    def destroy_stream(self, stream: int) -> None:
        """Free a stream."""

    def synchronise(self, stream: int) -> None:
        """Wait until everything on the stream has run."""

    def allocate(self, size: int) -> int:
        """Device memory of ``size`` bytes."""

    def free(self, address: int) -> None:
        """Free device memory."""

    def allocate_pinned(self, size: int) -> PinnedBuffer:
        """Page-locked host memory of ``size`` bytes."""

    def free_pinned(self, buffer: PinnedBuffer) -> None:
        """Free page-locked memory; its array must not be used any more."""

    def copy_to_device(self, address: int, buffer: PinnedBuffer, stream: int) -> None:
        """Queue a copy of the whole buffer to the device."""

    def copy_to_host(self, buffer: PinnedBuffer, address: int, stream: int) -> None:
        """Queue a copy from the device into the whole buffer."""

    def begin_capture(self, stream: int) -> None:
        """Record what is queued on the stream, instead of running it."""

    def end_capture(self, stream: int) -> int:
        """End recording and give an executable graph."""

    def launch_graph(self, graph: int, stream: int) -> None:
        """Queue an executable graph."""

    def destroy_graph(self, graph: int) -> None:
        """Free an executable graph."""


def open_cuda(name: str = AUTO) -> CudaAdapter:
    """Import a CUDA binding and wrap it; nothing of CUDA is called.

    Args:
        name: ``cuda-python``, ``pycuda``, or ``auto`` for the first of them that is installed.

    Raises:
        OptionError: another name.
        ExtraMissingError: the binding is not installed; of ``auto``, none is.
    """
    if name != AUTO and name not in ADAPTERS:
        raise OptionError(
            f"there is no CUDA adapter {name!r}", f"choose one of {', '.join((AUTO, *ADAPTERS))}"
        )
    reasons = []
    for candidate in ADAPTERS if name == AUTO else (name,):
        module, adapter, binding = _BINDINGS[candidate]
        try:
            api = importlib.import_module(binding)
        except (ImportError, OSError) as error:  # also where pycuda finds no libcuda.so.1
            reasons.append(f"{candidate} cannot be imported: {error}")
            continue
        wrapped: CudaAdapter = getattr(importlib.import_module(module), adapter)(api)
        return wrapped
    raise ExtraMissingError(
        f"the CUDA binding {'; '.join(reasons)}",
        f"pip install {ADAPTERS[0] if name == AUTO else name}, or choose the other one",
    )


def require_driver(cuda: CudaAdapter, index: int = 0) -> Device:
    """Probe the driver; to be called before TensorRT is touched.

    Without a driver TensorRT's ``createInferRuntime`` returns a bogus pointer and crashes the process.

    Raises:
        DriverMissingError: no driver, or no such device.
        DriverOutdatedError: the driver is of an older CUDA major version than the binding's runtime.
    """
    count, driver, runtime = cuda.device_count(), cuda.driver_version(), cuda.runtime_version()
    if driver and driver // 1000 < runtime // 1000:
        # Within one major version CUDA promises that a newer runtime works on an older driver.
        raise DriverOutdatedError(
            f"the NVIDIA driver supports CUDA {format_cuda_version(driver)}, "
            f"{cuda.name} needs CUDA {format_cuda_version(runtime)}",
            "update the driver (on a Jetson: the JetPack), "
            f"or install the binding of the driver's CUDA: pip install 'cuda-python=={driver // 1000}.*'",
        )
    if index >= count:
        found = f"the driver shows {count} device(s)" if driver else "there is no NVIDIA driver"
        raise DriverMissingError(
            f"{found}, asked for was device {index}",
            "check nvidia-smi (on a Jetson: cat /etc/nv_tegra_release), or run on the CPU: --runtime cpu",
        )
    return cuda.device(index)
