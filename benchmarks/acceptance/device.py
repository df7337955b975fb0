"""The GPU, the machine around it and the installed versions, for the report."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from edge_irdet.machine.gpu import Gpu, driver_release, query_nvidia_smi
from edge_irdet.machine.jetson import board_model, power_mode, read_l4t_release
from edge_irdet.machine.processor import describe_processor

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
        "board": board_model(),
        "l4t": read_l4t_release(),
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


def _clocks() -> dict[str, str | None]:
    """Latency means nothing without them; on a Jetson nvpmodel and jetson_clocks decide."""
    clocks = {
        "clocks": query_nvidia_smi("clocks.sm,clocks.max.sm,clocks.mem,power.limit"),
        "power_mode": power_mode(),
    }
    return {name: text for name, text in clocks.items() if text}
