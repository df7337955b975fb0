"""The GPU, asked of the driver itself, so that it can be named whatever Python binding is missing."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from edge_irdet.engine.cuda import format_cuda_version
from edge_irdet.errors import CudaError, DriverMissingError
from edge_irdet.machine import describe_processor

DRIVER_LIBRARY = "libcuda.so.1"

COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76
INTEGRATED = 18
"""CUdevice_attribute numbers of the CUDA driver API."""

DISTRIBUTIONS = (
    "edge-irdet",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "torch",
    "cuda-python",
    "cuda-bindings",
    "pycuda",
    "tensorrt",
    "tensorrt-rtx-cu13",
)
"""Whose versions the report states."""

DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
"""Where an Arm board states its name."""


@dataclass(frozen=True)
class Gpu:
    """One GPU as the CUDA driver describes it."""

    name: str
    compute_capability: str
    """``major.minor``."""

    memory_bytes: int
    integrated: bool
    """Whether its memory is the machine's, as on a Jetson."""

    driver_cuda: str
    """Newest CUDA version the driver supports."""


def find_gpu(index: int = 0, library: str = DRIVER_LIBRARY) -> Gpu:
    """Ask the driver for a device.

    Raises:
        DriverMissingError: no driver, or it shows no such device.
        CudaError: the driver is there and a call failed for another reason.
    """
    next_step = "check nvidia-smi (on a Jetson: cat /etc/nv_tegra_release), then run this again"
    try:
        driver = ctypes.CDLL(library)
    except OSError as error:
        raise DriverMissingError(f"there is no NVIDIA driver ({error})", next_step) from error
    status = driver.cuInit(0)
    if status:
        # 100 is CUDA_ERROR_NO_DEVICE; the others too leave nothing that a check could run on.
        raise DriverMissingError(f"the NVIDIA driver shows no device (cuInit gave {status})", next_step)

    def ask(function: str, *arguments: Any) -> None:
        code = getattr(driver, function)(*arguments)
        if code:
            raise CudaError(f"{function} gave {code}", next_step)

    number = ctypes.c_int()
    ask("cuDeviceGetCount", ctypes.byref(number))
    if index >= number.value:
        raise DriverMissingError(
            f"the driver shows {number.value} device(s), asked for was device {index}", next_step
        )
    device = ctypes.c_int()
    ask("cuDeviceGet", ctypes.byref(device), ctypes.c_int(index))
    name = ctypes.create_string_buffer(256)
    ask("cuDeviceGetName", name, ctypes.c_int(len(name)), device)
    size = ctypes.c_size_t()
    ask("cuDeviceTotalMem_v2", ctypes.byref(size), device)

    def attribute(which: int) -> int:
        value = ctypes.c_int()
        ask("cuDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(which), device)
        return value.value

    version = ctypes.c_int()
    ask("cuDriverGetVersion", ctypes.byref(version))
    return Gpu(
        name=name.value.decode(errors="replace"),
        compute_capability=f"{attribute(COMPUTE_CAPABILITY_MAJOR)}.{attribute(COMPUTE_CAPABILITY_MINOR)}",
        memory_bytes=size.value,
        integrated=bool(attribute(INTEGRATED)),
        driver_cuda=format_cuda_version(version.value) or "unknown",
    )


def describe_device(gpu: Gpu) -> dict[str, Any]:
    """The GPU and its surroundings for the report."""
    return {
        "name": gpu.name,
        "compute_capability": gpu.compute_capability,
        "memory_mb": gpu.memory_bytes // 2**20,
        "integrated": gpu.integrated,
        "driver": driver_release(),
        "driver_cuda": gpu.driver_cuda,
        **_clocks(),
    }


def describe_machine() -> dict[str, Any]:
    """Processor, system and, on a Jetson, the board and its L4T release."""
    return {
        "processor": describe_processor(),
        "architecture": platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "board": _first_line(DEVICE_TREE_MODEL),
        "l4t": _l4t(),
    }


def installed_versions() -> dict[str, str | None]:
    """Version of each of :data:`DISTRIBUTIONS`; None for one that pip does not know.

    JetPack's TensorRT comes as a Debian package: its checks state its own version.
    """
    versions: dict[str, str | None] = {}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def driver_release() -> str | None:
    """The driver's own version, such as ``580.159.04``; None where nothing states it."""
    return _nvidia_smi("driver_version") or _first_line(Path("/proc/driver/nvidia/version"))


def _clocks() -> dict[str, str | None]:
    """Latency means nothing without them; on a Jetson nvpmodel and jetson_clocks decide."""
    clocks = {
        "clocks": _nvidia_smi("clocks.sm,clocks.max.sm,clocks.mem,power.limit"),
        "power_mode": _output("nvpmodel", "-q"),
    }
    return {name: text for name, text in clocks.items() if text}


def _nvidia_smi(query: str) -> str | None:
    text = _output("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader")
    return text.splitlines()[0].strip() if text else None


def _output(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip() or None
    return None


def _first_line(path: Path) -> str | None:
    with contextlib.suppress(OSError, IndexError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[0].strip("\0 ")
    return None


def _l4t() -> str | None:
    with contextlib.suppress(ModuleNotFoundError):  # msgspec: a run without it still names the machine
        from edge_irdet.engine.identity import read_l4t_release

        return read_l4t_release()
    return None
