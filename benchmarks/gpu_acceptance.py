"""Acceptance on a machine with an NVIDIA GPU: does what was written without one work on one, and how fast?

    python benchmarks/gpu_acceptance.py --output benchmarks/results/

Whatever is missing, it runs to its end: each check has a process of its own, and is ``passed``, ``failed`` or
``skipped`` with a reason. Exit code 0: nothing failed. 1: something did. 2: there is no GPU.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import click
from acceptance.adapter import check_adapter
from acceptance.device import describe_device, describe_machine, installed_versions
from acceptance.isolation import Check, run_isolated
from acceptance.report import AcceptanceReport, CheckResult, Status
from acceptance.torch_variants import check_torch

from edge_irdet.engine.cuda.adapter import ADAPTERS
from edge_irdet.errors import CudaError, DriverMissingError, EdgeIrdetError
from edge_irdet.files import write_bytes_atomically
from edge_irdet.machine.gpu import Gpu, find_gpu

TENSORRT_MODULES = ("tensorrt", "tensorrt_rtx")
TORCH_VARIANTS = ("light-sgmtlm-reduced", "light-sgmtlm")
TORCH_PRECISIONS = ("fp32", "fp16")


def checks_without_package(frames: int) -> Iterator[Check]:
    """The adapters, and the variants in torch with random weights."""
    for name in ADAPTERS:
        yield Check(f"adapter {name}", check_adapter, (name,))
    for variant in TORCH_VARIANTS:
        for precision in TORCH_PRECISIONS:
            yield Check(f"torch {variant} {precision}", check_torch, (variant, precision, frames))


def checks_of_package(name: str, scratch: Path, frames: int) -> Iterator[Check]:
    """Every graph of a package on every runtime; the engines go into a copy under ``scratch``.

    Raises:
        EdgeIrdetError: the package cannot be opened.
        ModuleNotFoundError: msgspec, which reads manifests, is not installed.
    """
    from acceptance.detections import check_onnx_detections, check_tensorrt_detections
    from acceptance.graphs import check_cpu, check_onnx_cuda
    from acceptance.tensorrt import check_tensorrt

    from edge_irdet.package import open_package

    package = open_package(name)
    copy = Path(tempfile.mkdtemp(dir=scratch)) / package.directory.name
    shutil.copytree(package.directory, copy, ignore=shutil.ignore_patterns("engines"))
    label = package.manifest.name
    for graph in package.manifest.graphs:
        precision = graph.value
        yield Check(f"{label} {precision} cpu", check_cpu, (copy, precision, frames))
        for module in TENSORRT_MODULES:
            arguments = (module, copy, precision)
            yield Check(f"{label} {precision} {module}", check_tensorrt, (*arguments, frames))
            yield Check(f"{label} {precision} {module} detections", check_tensorrt_detections, arguments)
        yield Check(f"{label} {precision} onnxruntime-cuda", check_onnx_cuda, (copy, precision, frames))
        yield Check(
            f"{label} {precision} onnxruntime-cuda detections", check_onnx_detections, (copy, precision)
        )


def planned(packages: tuple[str, ...], scratch: Path, frames: int) -> tuple[list[Check], list[CheckResult]]:
    """All checks, and a failed or skipped one for each package that gives none.

    Args:
        packages: names or paths; empty takes all that are shipped.
        scratch: folder for the copies that engines are built into.
        frames: frames timed in each check.
    """
    checks, refused = list(checks_without_package(frames)), []
    try:
        from edge_irdet.package import shipped_packages

        packages = packages or tuple(shipped_packages())
    except ModuleNotFoundError as error:
        return checks, [_without_module("packages", error)]
    for name in packages:
        try:
            checks += checks_of_package(name, scratch, frames)
        except EdgeIrdetError as error:
            refused.append(CheckResult(f"package {name}", Status.FAILED, str(error)))
        except ModuleNotFoundError as error:
            refused.append(_without_module(f"package {name}", error))
    return checks, refused


def _without_module(name: str, error: ModuleNotFoundError) -> CheckResult:
    return CheckResult(name, Status.SKIPPED, f"the Python module {error.name} is not installed")


def run_all(checks: list[Check], gpu: Gpu | None, reason: str, timeout: float) -> list[CheckResult]:
    """Run the checks one after another, and say what becomes of each; without a GPU skip them."""
    results = []
    for number, check in enumerate(checks, 1):
        if gpu is None:
            results.append(CheckResult(check.name, Status.SKIPPED, reason))
            continue
        result = run_isolated(check, timeout)
        first_line = result.reason.strip().splitlines()[-1 if "Traceback" in result.reason else 0 :][:1]
        say(f"[{number}/{len(checks)}] {check.name}: {result.status.value} {' '.join(first_line)}".rstrip())
        results.append(result)
    return results


def say(text: str) -> None:
    """A line for whoever waits; standard output may be the report."""
    print(text, file=sys.stderr, flush=True)


def output_path(output: Path, gpu: Gpu | None) -> Path:
    """``output`` if it ends in ``.json``, else a file named after the device in the folder ``output``."""
    if output.suffix == ".json":
        return output
    name = re.sub(r"[^0-9a-z]+", "-", (gpu.name if gpu else "no gpu").lower()).strip("-")
    return output / f"gpu_acceptance-{name}.json"


@click.command()
@click.option("--package", "packages", multiple=True, help="Package, name or path. [default: all shipped]")
@click.option("--frames", type=click.IntRange(min=10), default=200, show_default=True, help="Timed frames.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A .json file, or a folder, where it is named after the device. [default: standard output]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=900.0,
    show_default=True,
    help="Seconds after which a check counts as hanging.",
)
def main(packages: tuple[str, ...], frames: int, output: Path | None, timeout: float) -> None:
    """Check and time everything that needs an NVIDIA GPU, and write one JSON object."""
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    gpu, error = None, ""
    try:
        gpu = find_gpu()
        say(f"{gpu.name}, SM {gpu.compute_capability}, CUDA {gpu.driver_cuda}")
    except (DriverMissingError, CudaError) as missing:
        error = str(missing)
        say(error)
    with tempfile.TemporaryDirectory() as scratch:
        checks, refused = planned(packages, Path(scratch), frames)
        results = refused + run_all(checks, gpu, error, timeout)
    report = AcceptanceReport(
        time=started,
        machine=describe_machine(),
        device=None if gpu is None else describe_device(gpu),
        versions=installed_versions(),
        settings={"packages": list(packages) or "all shipped", "frames": frames, "timeout_s": timeout},
        checks=results,
        error=error or None,
    )
    if output is None:
        print(report.to_json(), end="")
    else:
        path = output_path(output, gpu)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(path, report.to_json().encode())
        except (EdgeIrdetError, OSError) as failure:
            print(report.to_json(), end="")  # what was measured must not be lost with the file
            raise click.ClickException(str(failure)) from failure
        say(f"written: {path}")
    counts = ", ".join(
        f"{sum(result.status is status for result in results)} {status.value}" for status in Status
    )
    say(counts)
    sys.exit(report.exit_code)


if __name__ == "__main__":
    main()
