"""The graphs of a package on TensorRT or TensorRT-RTX, through the product's own builder and runner."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from acceptance.adapter import attached
from acceptance.frames import BOUNDS, Outputs, compare_all, network_inputs, outputs_of, require_close
from acceptance.graphs import cpu_outputs
from acceptance.isolation import CheckFailedError, CheckSkippedError, Findings
from acceptance.memory import DeviceMemory
from edge_irdet.engine.cuda.adapter import ADAPTERS, CudaAdapter, open_cuda, require_driver
from edge_irdet.engine.runner_latency import measure_latency
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule, open_tensorrt
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine
from edge_irdet.errors import ExtraMissingError
from edge_irdet.package import Package, Precision


def check_tensorrt(
    findings: Findings, module_name: str, directory: Path, precision: str, frames: int, index: int = 0
) -> None:
    """Build an engine, run it through every adapter with and without CUDA graph, compare with the CPU.

    Args:
        findings: takes the figures.
        module_name: ``tensorrt`` or ``tensorrt_rtx``.
        directory: a package that may be written to.
        precision: which of its graphs.
        frames: frames timed in each way of launching.
        index: the GPU.

    Raises:
        CheckSkippedError: no adapter is installed, or an engine of this module cannot be for this GPU.
        ExtraMissingError: the module is not installed.
        EdgeIrdetError: building or running failed.
        CheckFailedError: the outputs are too far apart, or differ between threads.
    """
    module = open_tensorrt(module_name)
    adapters = installed_adapters()
    if not adapters:
        raise CheckSkippedError(f"no CUDA binding is installed; the runner needs {' or '.join(ADAPTERS)}")
    accept(findings, module, adapters, directory, Precision(precision), frames, index)


def installed_adapters() -> list[CudaAdapter]:
    """One adapter of each binding that is installed."""
    adapters = []
    for name in ADAPTERS:
        try:
            adapters.append(open_cuda(name))
        except ExtraMissingError:
            continue
    return adapters


def accept(
    findings: Findings,
    module: TensorRTModule,
    adapters: list[CudaAdapter],
    directory: Path,
    precision: Precision,
    frames: int,
    index: int = 0,
) -> None:
    """As :func:`check_tensorrt`, with what it opened."""
    package = Package(directory)
    findings.add(module=module.name, module_version=module.version, variant=package.manifest.variant)
    first = adapters[0]
    targets = targets_for(module, require_driver(first, index).compute_capability)
    engine = _build(findings, package, module, first, BuildConfig(precision, targets=targets), index)
    inputs, expected = network_inputs(package), cpu_outputs(package, precision)
    launches: list[dict[str, Any]] = []
    for cuda in adapters:
        for cuda_graph in (False, True) if cuda.supports_graphs else (False,):
            with attached(cuda, index):
                memory = DeviceMemory(cuda)
            runner = TensorRTRunner(
                package,
                precision,
                engine=engine,
                module=module,
                cuda=cuda,
                device_index=index,
                cuda_graph=cuda_graph,
            )
            with runner:
                memory.look()
                found = outputs_of(runner, package.manifest.input.name, inputs)
                launches.append({"adapter": cuda.name, "launch": runner.launch})
                findings.add(launches=launches)  # what is known so far, should the next step fail
                launches[-1]["against_cpu"] = require_close(
                    compare_all(expected, found), BOUNDS[precision.value]
                )
                launches[-1]["latency_ms"] = measure_latency(runner, frames)
                memory.look()
                launches[-1]["peak_device_memory_mb"] = memory.peak_mb
            findings.add(launches=launches)
    _two_threads(package, precision, engine, module, first, index, inputs)
    findings.add(two_threads="two runners in two threads gave the same outputs")


def targets_for(module: TensorRTModule, capability: str) -> tuple[str, ...]:
    """What to build for, so that the engine runs on a GPU of this compute capability.

    Raises:
        CheckSkippedError: the module builds for named targets and does not name this one. Its portable engine
            is not tried: the runner refuses it there.
    """
    if not module.builds_without_gpu:
        return ()
    known = module.targets()
    if capability in known:
        return (capability,)
    raise CheckSkippedError(
        f"{module.name} {module.version} does not name SM {capability} among its targets ({', '.join(known)})"
    )


def _build(
    findings: Findings,
    package: Package,
    module: TensorRTModule,
    cuda: CudaAdapter,
    config: BuildConfig,
    index: int,
) -> StoredEngine:
    engine = EngineBuilder(package, module, cuda, index).build(config)
    record = engine.record
    findings.add(
        engine=engine.path.name,
        plan_bytes=record.plan_bytes,
        build_seconds=record.build_seconds,
        precisions_found=record.precisions_found,
    )
    return engine


def _two_threads(
    package: Package,
    precision: Precision,
    engine: StoredEngine,
    module: TensorRTModule,
    cuda: CudaAdapter,
    index: int,
    inputs: list[Any],
) -> None:
    """A runner in each of two threads at the same time.

    Raises:
        CheckFailedError: their outputs differ.
    """
    outputs: dict[int, list[Outputs]] = {}
    errors: list[BaseException] = []

    def run(number: int) -> None:
        runner = TensorRTRunner(
            package, precision, engine=engine, module=module, cuda=cuda, device_index=index
        )
        try:
            with runner:
                outputs[number] = outputs_of(runner, package.manifest.input.name, inputs)
        except BaseException as error:  # raised again in the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    worst = compare_all(outputs[0], outputs[1])
    if worst.box_pixels or worst.score:
        raise CheckFailedError(f"two threads with one engine gave different outputs: {worst}")
