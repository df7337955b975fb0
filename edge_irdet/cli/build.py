"""``edge-irdet build``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import cloup
from rich.progress import Progress
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    FILE,
    option,
    require_extra,
)
from edge_irdet.engine.cuda.adapter import ADAPTERS, open_cuda
from edge_irdet.engine.tensorrt.building import DEFAULT_WORKSPACE_MB, BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.measuring import build_measured, offered_precisions
from edge_irdet.engine.tensorrt.module import MODULES, megabytes, open_tensorrt
from edge_irdet.engine.tensorrt.store import StoredEngine, fastest_engine
from edge_irdet.errors import OptionError
from edge_irdet.package import DEFAULT_PACKAGE, Precision, open_package

AUTO = "auto"
ONNX, TORCH_TENSORRT = "onnx", "torch-tensorrt"


@cloup.command("build", cls=Command, short_help="Build TensorRT engines of a package for this device.")
@cloup.argument("package", default=DEFAULT_PACKAGE)
@cloup.option_group(
    "Engine",
    option(
        "--precision",
        type=click.Choice([AUTO, *(precision.value for precision in Precision)]),
        default=AUTO,
        help="auto builds every precision that the package holds (each has passed its accuracy gate), "
        "measures them on the GPU and names the fastest. INT8 must pay: without the GPU it is omitted.",
    ),
    option(
        "--workspace",
        type=click.IntRange(min=1),
        default=DEFAULT_WORKSPACE_MB,
        metavar="MB",
        help="Cap of the builder's workspace.",
    ),
    option(
        "--target",
        "targets",
        multiple=True,
        metavar="SM",
        show_default="this GPU; TensorRT-RTX: Ampere and later",
        help="Compute capability, such as 8.6, of another GPU to build for; TensorRT-RTX only. Repeatable.",
    ),
    option("--rebuild", is_flag=True, help="Build even if an intact engine exists."),
)
@cloup.option_group(
    "Libraries",
    option(
        "--module",
        type=click.Choice([AUTO, *MODULES]),
        default=AUTO,
        help="Python module of TensorRT; auto takes the first that is installed.",
    ),
    option(
        "--cuda",
        type=click.Choice([AUTO, *ADAPTERS]),
        default=AUTO,
        help="CUDA binding; auto takes the first that is installed.",
    ),
    option("--device", type=click.IntRange(min=0), default=0, metavar="N", help="Number of the GPU."),
    option(
        "--via",
        type=click.Choice([ONNX, TORCH_TENSORRT]),
        default=ONNX,
        help="torch-tensorrt compiles the checkpoint's torch module instead of the package's ONNX graph.",
    ),
    option(
        "--checkpoint",
        type=FILE,
        help="The checkpoint that the package was exported from; for --via torch-tensorrt.",
    ),
)
def build_command(
    package: str,
    precision: str,
    workspace: int,
    targets: tuple[str, ...],
    module: str,
    cuda: str,
    device: int,
    via: str,
    checkpoint: Path | None,
    rebuild: bool,
) -> None:
    """Build TensorRT engines of PACKAGE (a directory or a shipped name) into its folder engines/.

    Build on the device that is to run them: an engine fits one TensorRT version and one kind of GPU.

    \b
    Example: edge-irdet build my-package --precision fp16
    """
    if (via == TORCH_TENSORRT) != (checkpoint is not None):
        raise OptionError(
            "--via torch-tensorrt and --checkpoint go together, and one was given without the other",
            "name the checkpoint that the package was exported from, or omit both",
        )
    opened = open_package(package)
    adapter = None if cuda == AUTO else open_cuda(cuda)
    trt = None if module == AUTO else open_tensorrt(module)
    builder = EngineBuilder(opened, trt, adapter, device)
    config = BuildConfig(workspace_mb=workspace, targets=targets, rebuild=rebuild)
    offered = offered_precisions(builder, config) if precision == AUTO else [Precision(precision)]
    if checkpoint is None:
        engines = build_measured(builder, config, offered, lambda each: _build(builder, each))
    else:
        if precision == AUTO:  # the quantisation of INT8 is in the ONNX graph only
            offered = [held for held in offered if held is not Precision.INT8]
        engines = build_measured(builder, config, offered, _torch_build(builder, checkpoint))
    _report(engines, builder)
    if checkpoint is None and set(opened.manifest.graphs) - set(offered) and precision == AUTO:
        PlainConsole().print(
            f"int8 was not built: only a measurement on its GPU shows whether it is faster than fp16. "
            f"To build it all the same: edge-irdet build {package} --precision int8"
        )


def _build(builder: EngineBuilder, config: BuildConfig) -> StoredEngine:
    with Progress(console=PlainConsole(stderr=True), transient=True) as bar:
        tasks = {"": bar.add_task(f"building {config.precision.value}", total=None)}

        def report(phase: str, done: float) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=1.0)
            bar.update(tasks[phase], completed=done, visible=done < 1.0)

        return builder.build(config, report)


def _torch_build(builder: EngineBuilder, checkpoint: Path) -> Callable[[BuildConfig], StoredEngine]:
    require_extra("train", "torch", "onnx")
    from edge_irdet.cli.export import SYNTHETIC_FRAMES, parity_frames
    from edge_irdet.engine.tensorrt.torch_tensorrt import build_with_torch_tensorrt, open_torch_tensorrt
    from edge_irdet.export.torch_engine import checked_graph
    from edge_irdet.training.checkpoint import load_checkpoint

    convert = open_torch_tensorrt()
    loaded = load_checkpoint(checkpoint)

    def build(config: BuildConfig) -> StoredEngine:
        with parity_frames(SYNTHETIC_FRAMES) as frames:
            graph = checked_graph(builder.package, loaded, frames)
        return build_with_torch_tensorrt(builder, graph, config, convert)

    return build


def _report(engines: list[StoredEngine], builder: EngineBuilder) -> None:
    table = Table(title=f"engines by {builder.module.name} {builder.module.version}")
    for column in ("precision", "file", "MB", "built in s", "layer outputs", "p50 ms", "p99 ms"):
        table.add_column(column, overflow="fold")
    for engine in engines:
        record, latency = engine.record, engine.record.latency_ms
        found = record.precisions_found
        table.add_row(
            engine.identity.precision.value,
            engine.path.name,
            str(megabytes(record.plan_bytes)),
            f"{record.build_seconds:.1f}",
            "not loaded" if found is None else ", ".join(f"{n} {kind}" for kind, n in found.items()),
            "" if latency is None else f"{latency['p50']:.3f}",
            "" if latency is None else f"{latency['p99']:.3f}",
        )
    console = PlainConsole()
    console.print(table)
    fastest = fastest_engine(engines, builder.package)
    if fastest is None:
        console.print("not measured: the GPU that these engines are for is not here")
        return
    console.print(f"fastest: {fastest.identity.precision.value}")
    for engine in engines:
        latency = engine.record.latency_ms
        if engine.identity.precision is Precision.INT8 and engine is not fastest and latency is not None:
            console.print(
                f"int8 does not pay here ({latency['p50']:.3f} ms): streams take "
                f"{fastest.identity.precision.value} unless --precision int8 asks for it"
            )
