"""The graphs of a package on ONNX Runtime: the CPU runtime as the yardstick, and the CUDA provider."""

from __future__ import annotations

from pathlib import Path

from acceptance.frames import (
    BOUNDS,
    Outputs,
    compare_all,
    network_inputs,
    outputs_of,
    require_close,
)
from acceptance.gpu_runners import OnnxCudaRunner
from acceptance.isolation import Findings
from acceptance.memory import device_memory_watched
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner_latency import measure_latency
from edge_irdet.package import Package, Precision


def cpu_outputs(package: Package, precision: Precision) -> list[Outputs]:
    """What the CPU runtime says for each synthetic frame."""
    with CpuRunner(package.read_graph(precision)) as runner:
        return outputs_of(runner, package.manifest.input.name, network_inputs(package))


def check_cpu(findings: Findings, directory: Path, precision: str, frames: int) -> None:
    """The CPU runtime's latency on this machine, to set the GPU's beside it."""
    package, asked = Package(directory), Precision(precision)
    with CpuRunner(package.read_graph(asked)) as runner:
        findings.add(variant=package.manifest.variant, latency_ms=measure_latency(runner, frames))


def check_onnx_cuda(findings: Findings, directory: Path, precision: str, frames: int, index: int = 0) -> None:
    """A graph on ONNX Runtime's CUDA provider against the CPU runtime.

    Raises:
        CheckSkippedError: this ONNX Runtime has no CUDA provider.
        RunnerError: the provider does not load, or refuses the graph.
        CheckFailedError: the outputs are too far apart.
    """
    package, asked = Package(directory), Precision(precision)
    graph = package.read_graph(asked)
    findings.add(variant=package.manifest.variant)
    with device_memory_watched(index) as memory, OnnxCudaRunner(graph, index) as runner:
        findings.add(whole_graph_on_gpu=runner.whole_graph_on_gpu)
        found = outputs_of(runner, package.manifest.input.name, network_inputs(package))
        memory.look()
        worst = compare_all(cpu_outputs(package, asked), found)
        findings.add(against_cpu=require_close(worst, BOUNDS[precision]))
        findings.add(latency_ms=measure_latency(runner, frames))
        memory.look()
        findings.add(peak_device_memory_mb=memory.peak_mb)
