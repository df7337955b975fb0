"""The GPU, asked of the driver itself, so that it can be named whatever Python binding is missing."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_irdet.errors import CudaError, DriverMissingError
from edge_irdet.machine.statements import first_line, program_output

NVIDIA_PLACES = ("/etc/nv_tegra_release", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/nvidia0")
"""One of these is there where the machine has an NVIDIA device: of a Jetson (L4T) or of a desktop driver."""

DRIVER_LIBRARY = "libcuda.so.1"

COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76
INTEGRATED = 18
"""CUdevice_attribute numbers of the CUDA driver API."""


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


def has_nvidia_device() -> bool:
    """Whether this machine has an NVIDIA device, with or without a driver that works."""
    return any(Path(place).exists() for place in NVIDIA_PLACES)


def driver_release() -> str | None:
    """The driver's own version, such as ``580.159.04``; None where nothing states it."""
    return query_nvidia_smi("driver_version") or first_line(Path("/proc/driver/nvidia/version"))


def query_nvidia_smi(query: str) -> str | None:
    """First line of ``nvidia-smi --query-gpu=QUERY``; None without the program."""
    text = program_output("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader")
    return text.splitlines()[0].strip() if text else None


def format_cuda_version(version: int) -> str | None:
    """``13.0`` from 13000; None from 0."""
    return f"{version // 1000}.{version % 1000 // 10}" if version else None
