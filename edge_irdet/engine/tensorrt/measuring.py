"""Engines of several precisions, timed on the GPU at hand: which one is the fastest is measured, not assumed.

>>> builder = EngineBuilder(open_package("my-package"))
>>> engines = build_measured(builder, BuildConfig(workspace_mb=512))
>>> fastest_engine(engines, builder.package).identity.precision
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from edge_irdet.engine.runner_latency import measure_latency
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import covers
from edge_irdet.engine.tensorrt.runner import TensorRTRunner
from edge_irdet.engine.tensorrt.store import StoredEngine, write_record
from edge_irdet.package import Precision


def build_measured(
    builder: EngineBuilder,
    config: BuildConfig,
    precisions: Sequence[Precision] | None = None,
    build: Callable[[BuildConfig], StoredEngine] | None = None,
) -> list[StoredEngine]:
    """Build engines of several precisions, and time each where the GPU that it is for is at hand.

    Args:
        builder: of the package.
        config: how; its precision is not read.
        precisions: which; None builds those of :func:`offered_precisions`.
        build: makes one engine; None takes :meth:`EngineBuilder.build`.

    Returns:
        The engines, in that order. ``record.latency_ms`` is None where an engine could not be timed here.

    Raises:
        PrecisionMissingError, PackageHashError, OptionError, EngineMemoryError, EngineBuildError,
        OutputFailedError: of :meth:`EngineBuilder.build`. Engines that were built before are kept.
        TensorRTError, CudaError: an engine that was built cannot be run.
    """
    wanted = offered_precisions(builder, config) if precisions is None else precisions
    make = build or builder.build
    return [measure_engine(builder, make(replace(config, precision=precision))) for precision in wanted]


def offered_precisions(builder: EngineBuilder, config: BuildConfig) -> list[Precision]:
    """Precisions that can be the fastest: all that the package holds, each past its accuracy gate, in
    the order fp32, fp16, int8.

    INT8 is left out where the GPU that it is for is not at hand, and the package has another precision: only
    a measurement shows that it pays (:func:`edge_irdet.engine.tensorrt.store.fastest_engine`).

    Raises:
        OptionError: a target that the module cannot build for.
    """
    held = [precision for precision in Precision if precision in builder.package.manifest.graphs]
    if _is_here(builder, builder.capabilities(config.targets)):
        return held
    return [precision for precision in held if precision is not Precision.INT8] or held


def _is_here(builder: EngineBuilder, capabilities: list[str]) -> bool:
    """Whether the GPU at hand can run an engine for these compute capabilities."""
    device = builder.device
    return device is not None and covers(capabilities, device.compute_capability)


def measure_engine(builder: EngineBuilder, engine: StoredEngine) -> StoredEngine:
    """Time an engine and write its latency into its record; one that has been timed is returned as it is.

    Without the GPU that the engine is for, nothing is measured.

    Raises:
        TensorRTError, CudaError: the engine cannot be run.
        OutputFailedError: the record cannot be written.
    """
    if not _is_here(builder, engine.identity.compute_capabilities):
        return engine
    if engine.record.latency_ms is not None:
        return engine
    runner = TensorRTRunner(
        builder.package, engine.identity.precision, engine=engine, module=builder.module, cuda=builder.cuda
    )
    with runner:
        latency = measure_latency(runner)
    measured = StoredEngine(engine.path, msgspec.structs.replace(engine.record, latency_ms=latency))
    write_record(measured)
    return measured
