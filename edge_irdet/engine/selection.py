"""Which runner runs a package here, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.cuda.adapter import AUTO as BINDING_AUTO
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
    EngineUntrustedError,
    ExtraMissingError,
    OptionError,
)
from edge_irdet.machine.gpu import has_nvidia_device
from edge_irdet.package import Package, Precision

AUTO, TENSORRT, CPU = RUNTIMES = ("auto", "tensorrt", "cpu")
"""What ``--runtime`` and :attr:`~edge_irdet.detection.detector.DetectorConfig.runtime` take."""

NO_ENGINE = (
    DriverMissingError,
    DriverOutdatedError,
    EngineDamagedError,
    EngineMismatchError,
    EngineMissingError,
    EngineUntrustedError,
    ExtraMissingError,
)
"""Why ``auto`` takes the CPU runner. Anything else, such as a fault of the GPU, is not passed over."""


@dataclass(frozen=True)
class Selection:
    """A runner, not yet active, and the reason for it."""

    runner: Runner

    runtime: str
    """``tensorrt`` or ``cpu``."""

    precision: Precision
    """The precision of its engine or graph."""

    reason: str
    """One line for the log, to be said once."""


def choose_runner(
    package: Package,
    precision: Precision | None = None,
    runtime: str = AUTO,
    *,
    threads: int = 0,
    module: TensorRTModule | None = None,
    cuda: CudaAdapter | None = None,
    cuda_binding: str = BINDING_AUTO,
    device_index: int = 0,
) -> Selection:
    """Choose the runner of a package: TensorRT where an engine fits this device, else the CPU runner.

    Args:
        package: the package.
        precision: which graph or engine. None takes the engine that ``edge-irdet build`` measured as the
            fastest of those that fit this device; FP32 where there is none, and on the CPU.
        runtime: ``auto``; ``tensorrt`` raises where no engine fits; ``cpu``.
        threads: threads of the CPU runner; 0 takes one per core.
        module: an opened TensorRT module; None takes the first that is installed.
        cuda: a CUDA adapter; None opens one.
        cuda_binding: which one, as :func:`~edge_irdet.engine.cuda.adapter.open_cuda` takes it.
        device_index: the GPU.

    Raises:
        OptionError: another runtime.
        PrecisionMissingError: the package does not hold the graph.
        PackageHashError, GraphRefusedError: an engine was looked for, and the graph that it would be of was
            altered. The CPU runner checks its graph when it is activated, on the bytes that it then runs.
        DriverMissingError, DriverOutdatedError, ExtraMissingError, EngineMissingError, EngineMismatchError,
        EngineDamagedError: with ``tensorrt`` only.
    """
    require_runtime(runtime)
    if runtime == CPU:
        return _cpu(package, precision, threads, "as asked")
    try:
        cuda = cuda or open_cuda(cuda_binding)
        engine, host, module = _find(package, precision, module, cuda, device_index)
    except NO_ENGINE as error:
        if runtime == TENSORRT:
            raise
        return _cpu(package, precision, threads, _why_no_engine(error))
    found = engine.identity.precision
    runner = TensorRTRunner(
        package, found, engine=engine, module=module, cuda=cuda, device_index=device_index
    )
    reason = f"TensorRT runtime, {found.value}: {engine.path.name} fits {host}"
    return Selection(runner, TENSORRT, found, reason)


def require_runtime(runtime: str) -> None:
    """Check the name of a runtime.

    Raises:
        OptionError: there is no such runtime.
    """
    if runtime not in RUNTIMES:
        raise OptionError(f"there is no runtime {runtime!r}", f"choose one of {', '.join(RUNTIMES)}")


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


def _cpu(package: Package, precision: Precision | None, threads: int, why: str) -> Selection:
    precision = precision or Precision.FP32
    path = package.graph_path(precision)
    border = GraphBorder.of(package.manifest)
    runner = CpuRunner(partial(package.read_graph, precision), threads, origin=str(path), border=border)
    return Selection(runner, CPU, precision, f"CPU runtime, {precision.value}: {why}")


def _why_no_engine(error: EdgeIrdetError) -> str:
    if isinstance(error, (DriverMissingError, ExtraMissingError)) and not has_nvidia_device():
        # Here this is as it should be: the code of an error would make it read like a fault.
        return "this machine shows no NVIDIA device"
    return f"{error.what.splitlines()[0]} ({error.code}; {error.next_step.splitlines()[0]})"
