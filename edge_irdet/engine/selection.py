"""Which runner runs a package here, and why."""

from __future__ import annotations

from dataclasses import dataclass

from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.cuda.adapter import CudaAdapter, open_cuda, require_driver
from edge_irdet.engine.runner import Runner
from edge_irdet.engine.tensorrt.identity import Host
from edge_irdet.engine.tensorrt.module import TensorRTModule, open_tensorrt
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, find_engine, find_fastest
from edge_irdet.errors import (
    DriverMissingError,
    DriverOutdatedError,
    EdgeIrdetError,
    EngineDamagedError,
    EngineMismatchError,
    EngineMissingError,
    ExtraMissingError,
    OptionError,
)
from edge_irdet.machine.gpu import has_nvidia_device
from edge_irdet.package import Package, Precision

RUNTIMES = ("auto", "tensorrt", "cpu")
"""What ``--runtime`` takes."""

NO_ENGINE = (
    DriverMissingError,
    DriverOutdatedError,
    EngineDamagedError,
    EngineMismatchError,
    EngineMissingError,
    ExtraMissingError,
)
"""Why ``auto`` takes the CPU runner. Anything else, such as a fault of the GPU, is not passed over."""


@dataclass(frozen=True)
class Selection:
    """A runner, not yet active, and the reason for it."""

    runner: Runner
    reason: str
    """One line for the log, to be said once."""

    precision: Precision
    """Of the graph or engine that it runs."""


def choose_runner(
    package: Package,
    precision: Precision | None = Precision.FP32,
    runtime: str = "auto",
    *,
    threads: int = 0,
    module: TensorRTModule | None = None,
    cuda: CudaAdapter | None = None,
    device_index: int = 0,
) -> Selection:
    """Choose the runner of a package: TensorRT where an engine fits this device, else the CPU runner.

    Args:
        package: the package.
        precision: which graph or engine. None takes the engine that ``edge-irdet build`` measured as the
            fastest of those that fit this device; FP32 where there is none, and on the CPU.
        runtime: ``auto``; ``tensorrt`` raises where there is no engine that fits; ``cpu``.
        threads: threads of the CPU runner; 0 takes one a core.
        module: an opened TensorRT module; None takes the first that is installed.
        cuda: a CUDA adapter; None takes cuda-python.
        device_index: the GPU.

    Raises:
        OptionError: another runtime.
        PrecisionMissingError, PackageHashError: the package does not hold the graph, or it was altered.
        DriverMissingError, DriverOutdatedError, ExtraMissingError, EngineMissingError, EngineMismatchError,
        EngineDamagedError: with ``tensorrt`` only.
    """
    if runtime not in RUNTIMES:
        raise OptionError(f"there is no runtime {runtime!r}", f"choose one of {', '.join(RUNTIMES)}")
    if runtime == "cpu":
        asked = precision or Precision.FP32
        return Selection(_cpu(package, asked, threads), f"CPU runtime, {asked.value}: as asked", asked)
    try:
        cuda = cuda or open_cuda()
        engine, host, module = _find(package, precision, module, cuda, device_index)
    except NO_ENGINE as error:
        if runtime == "tensorrt":
            raise
        asked = precision or Precision.FP32
        return Selection(_cpu(package, asked, threads), _cpu_reason(error, asked), asked)
    found = engine.identity.precision
    runner = TensorRTRunner(
        package, found, engine=engine, module=module, cuda=cuda, device_index=device_index
    )
    return Selection(runner, f"TensorRT runtime, {found.value}: {engine.path.name} fits {host}", found)


def _find(
    package: Package,
    precision: Precision | None,
    module: TensorRTModule | None,
    cuda: CudaAdapter,
    index: int,
) -> tuple[StoredEngine, Host, TensorRTModule]:
    device = require_driver(cuda, index)
    module = module or open_tensorrt()
    host = module.host(device)
    if precision is None:
        return find_fastest(package, host), host, module
    return find_engine(package, precision, host), host, module


def _cpu(package: Package, precision: Precision, threads: int) -> CpuRunner:
    return CpuRunner(package.graph_path(precision), threads)


def _cpu_reason(error: EdgeIrdetError, precision: Precision) -> str:
    if isinstance(error, (DriverMissingError, ExtraMissingError)) and not has_nvidia_device():
        # On a machine without an NVIDIA device this is as it should be, and must not read like a fault.
        return f"CPU runtime, {precision.value}: no NVIDIA device here ({error.code})"
    return (
        f"CPU runtime, {precision.value}: {error.what.splitlines()[0]} ({error.code}; "
        f"{error.next_step.splitlines()[0]})"
    )
