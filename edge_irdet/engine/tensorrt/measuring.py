"""Engines of several precisions, timed on the GPU at hand: which one is the fastest is measured, not assumed.

>>> builder = EngineBuilder(open_package("my-package"))
>>> engines = build_measured(builder, BuildConfig(workspace_mb=512))
>>> fastest_engine(engines).identity.precision
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
        precisions: which; None builds all that the package holds, each of which has passed its accuracy gate.
        build: makes one engine; None takes :meth:`EngineBuilder.build`.

    Returns:
        The engines, in that order. ``record.latency_ms`` is None where an engine could not be timed here.

    Raises:
        PrecisionMissingError, PackageHashError, OptionError, EngineMemoryError, EngineBuildError,
        OutputFailedError: of :meth:`EngineBuilder.build`. Engines that were built before are kept.
        TensorRTError, CudaError: an engine that was built cannot be run.
    """
    wanted = sorted(builder.package.manifest.graphs) if precisions is None else precisions
    make = build or builder.build
    return [measure_engine(builder, make(replace(config, precision=precision))) for precision in wanted]


def measure_engine(builder: EngineBuilder, engine: StoredEngine) -> StoredEngine:
    """Time an engine and write its latency into its record; one that has been timed is returned as it is.

    Without the GPU that the engine is for, nothing is measured.

    Raises:
        TensorRTError, CudaError: the engine cannot be run.
        OutputFailedError: the record cannot be written.
    """
    device = builder.device
    if device is None or not covers(engine.identity.compute_capabilities, device.compute_capability):
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


def fastest_engine(engines: Sequence[StoredEngine]) -> StoredEngine | None:
    """The engine of the lowest median latency; None where none was timed."""
    timed = [(engine.record.latency_ms["p50"], engine) for engine in engines if engine.record.latency_ms]
    return min(timed, key=lambda pair: pair[0])[1] if timed else None
