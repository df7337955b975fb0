"""The engines of a package: ``engines/KEY.engine`` and ``engines/KEY.json``."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_irdet.engine.tensorrt.identity import EngineIdentity, EngineRecord, Host, mismatches
from edge_irdet.engine.tensorrt.trust import is_own, sealed
from edge_irdet.errors import (
    EngineDamagedError,
    EngineMismatchError,
    EngineMissingError,
    EngineUntrustedError,
    OutputFailedError,
)
from edge_irdet.files import write_bytes_atomically
from edge_irdet.intake import MEBIBYTE, ContentRefusedError, decode_json, read_regular_file
from edge_irdet.package import ENGINES_FOLDER, Package, Precision

MAX_RECORD_BYTES = MEBIBYTE
"""Largest record of an engine that is read."""

MAX_PLAN_BYTES = 4096 * MEBIBYTE
"""Largest plan that is read."""

INT8_GAIN = 0.02
"""Share of the median by which INT8 must be faster than every other precision; below it two measurements of
one engine differ too."""


@dataclass(frozen=True)
class StoredEngine:
    """An engine on disk."""

    path: Path
    """``KEY.engine``: a plain TensorRT plan, which trtexec reads too."""

    record: EngineRecord
    """Content of the ``KEY.json`` beside it."""

    @property
    def identity(self) -> EngineIdentity:
        """Its identity."""
        return self.record.identity


def engines_folder(package: Package) -> Path:
    """Where a package keeps its engines; it need not be there."""
    return package.directory / ENGINES_FOLDER


def make_engines_folder(package: Package) -> Path:
    """Make the folder of a package's engines, and see that it can be written to.

    Raises:
        OutputFailedError: it cannot; said before a build that would take minutes.
    """
    folder = engines_folder(package)
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputFailedError(
            f"{folder} cannot be written: {error.strerror or error}",
            "copy the package to a folder of your own, and build there",
        ) from error
    return folder


def rebuild_command(package: Package, precision: Precision) -> str:
    """The command that builds an engine of this precision here."""
    return f"build it on this device: edge-irdet build {package.directory} --precision {precision.value}"


def write_engine(package: Package, plan: bytes, record: EngineRecord) -> StoredEngine:
    """Write a plan and its record, sealed as this machine's own; a reader meets both or neither.

    Raises:
        OutputFailedError: the folder cannot be written.
    """
    engine = StoredEngine(make_engines_folder(package) / f"{record.identity.key}.engine", sealed(record))
    # An engine counts once its record is there: the old record goes first, the new one comes last.
    engine.path.with_suffix(".json").unlink(missing_ok=True)
    write_bytes_atomically(engine.path, plan)
    write_record(engine)
    return engine


def write_record(engine: StoredEngine) -> None:
    """Write the record beside its engine, replacing the one that is there.

    Raises:
        OutputFailedError: it cannot be written.
    """
    content = msgspec.json.format(msgspec.json.encode(engine.record), indent=2) + b"\n"
    write_bytes_atomically(engine.path.with_suffix(".json"), content)


def trust_engines(package: Package) -> list[StoredEngine]:
    """Seal the package's engines as this machine's own: for engines of a board of the same kind.

    An engine is native code; this says that whoever built these is trusted.

    Returns:
        the engines that were not this machine's own before.

    Raises:
        EngineDamagedError: a record or plan is damaged; nothing after it was sealed.
        OutputFailedError: a record cannot be written.
    """
    adopted = []
    for path in sorted(engines_folder(package).glob("*.engine")):
        next_step = f"remove it, or build it on this device: edge-irdet build {package.directory}"
        engine = read_engine(path, next_step)
        if not is_own(engine.record):
            read_plan(engine, next_step)
            adopted.append(StoredEngine(path, sealed(engine.record)))
            write_record(adopted[-1])
    return adopted


def require_own(engine: StoredEngine, package: Package) -> None:
    """Check that an engine was built on this machine, or is trusted by its owner.

    Raises:
        EngineUntrustedError: it came from elsewhere.
    """
    if not is_own(engine.record):
        raise EngineUntrustedError(
            f"{engine.path} was not built on this machine; an engine is native code of whoever built it\n"
            f"  engine: {engine.identity}",
            f"{rebuild_command(package, engine.identity.precision)}; or, if you trust its builder: "
            f"edge-irdet package trust {package.directory}",
        )


def read_engine(path: Path, next_step: str) -> StoredEngine:
    """Read the record beside an engine; the plan itself is not opened.

    Args:
        path: ``KEY.engine``.
        next_step: what to do where it is damaged.

    Raises:
        EngineDamagedError: the record is missing, no valid JSON, or of another schema.
    """
    record = path.with_suffix(".json")
    try:
        return StoredEngine(path, decode_json(read_regular_file(record, MAX_RECORD_BYTES), EngineRecord))
    except ContentRefusedError as error:
        raise EngineDamagedError(
            f"{record} is not an engine's identity: {error.reason}", next_step
        ) from error


def read_plan(engine: StoredEngine, next_step: str) -> bytes:
    """Read a plan, after its size and SHA-256 have been compared with its record.

    Raises:
        EngineDamagedError: it is truncated, altered or not there.
    """
    try:
        plan = read_regular_file(engine.path, MAX_PLAN_BYTES)
    except ContentRefusedError as error:
        raise EngineDamagedError(f"{engine.path} {error.reason}", next_step) from error
    record = engine.record
    if len(plan) != record.plan_bytes:
        raise EngineDamagedError(
            f"{engine.path} has {len(plan)} bytes, its identity says {record.plan_bytes}; it is truncated\n"
            f"  engine: {record.identity}",
            next_step,
        )
    found = hashlib.sha256(plan).hexdigest()
    if found != record.plan_sha256:
        raise EngineDamagedError(
            f"{engine.path} has SHA-256 {found}, its identity says {record.plan_sha256}\n"
            f"  engine: {record.identity}",
            next_step,
        )
    return plan


def find_engine(package: Package, precision: Precision, host: Host) -> StoredEngine:
    """The package's engine of this precision that fits this machine; the fastest where there are several.

    Raises:
        PrecisionMissingError, PackageHashError, GraphRefusedError: see
            :meth:`~edge_irdet.package.Package.graph_sha256`.
        EngineMissingError: there is no engine of this precision.
        EngineMismatchError: there are, but none fits; names the identity of the nearest and of this machine.
        EngineUntrustedError: what fits was not built on this machine.
        EngineDamagedError: the only candidates have unreadable records.
    """
    model = package.graph_sha256(precision)
    rebuild = rebuild_command(package, precision)
    folder = engines_folder(package)
    engines, damaged = [], []
    for path in sorted(folder.glob(f"{precision.value}-*.engine")):
        try:
            engines.append(read_engine(path, rebuild))
        except EngineDamagedError as error:
            damaged.append(error)
    fitting = [e for e in engines if not mismatches(e.identity, host, precision, model)]
    own = [engine for engine in fitting if is_own(engine.record)]
    if own:
        return min(own, key=speed_rank)
    if fitting:
        require_own(fitting[0], package)
    if engines:
        nearest = min(engines, key=lambda e: len(mismatches(e.identity, host, precision, model)))
        differences = mismatches(nearest.identity, host, precision, model)
        raise EngineMismatchError(
            f"none of {len(engines)} {precision.value} engine(s) in {folder} fits; the nearest differs in "
            f"{', '.join(differences)}\n  engine: {nearest.identity}\n"
            f"  needed: {precision.value} by {host}, model {model[:12]}",
            rebuild,
        )
    if damaged:
        raise damaged[0]
    raise EngineMissingError(f"{folder} holds no {precision.value} engine", rebuild)


def find_fastest(package: Package, host: Host) -> StoredEngine:
    """The engine with the lowest measured median among those that fit, over all precisions of the manifest.

    A precision is in the manifest only past its accuracy gate, and INT8 counts only where it pays
    (:func:`fastest_engine`). Where nothing was measured it is FP32's.

    Raises:
        EngineMissingError, EngineMismatchError, EngineUntrustedError, EngineDamagedError: see
            :func:`find_engine`, for FP32.
    """
    engines = []
    for precision in package.manifest.graphs:
        with contextlib.suppress(
            EngineMissingError, EngineMismatchError, EngineUntrustedError, EngineDamagedError
        ):
            engines.append(find_engine(package, precision, host))
    return fastest_engine(engines, package) or find_engine(package, Precision.FP32, host)


def fastest_engine(engines: Iterable[StoredEngine], package: Package) -> StoredEngine | None:
    """The engine of the lowest measured median; INT8 only where it pays.

    INT8 is the least accurate, and not faster by nature: TensorRT-RTX makes more kernels of it than of FP16.
    So it must beat every other precision by :data:`INT8_GAIN`, FP16 among them where the package has it. It
    is also taken where no other engine was measured.

    Args:
        engines: engines that fit; those without a measurement are passed over.
        package: the package that they are of.

    Returns:
        The engine; None where none was measured.
    """
    measured = sorted((engine for engine in engines if engine.record.latency_ms is not None), key=speed_rank)
    others = [engine for engine in measured if engine.identity.precision is not Precision.INT8]
    if not others or measured[0].identity.precision is not Precision.INT8:
        return measured[0] if measured else None
    compared = any(engine.identity.precision is Precision.FP16 for engine in others)
    compared = compared or Precision.FP16 not in package.manifest.graphs
    pays = compared and speed_rank(measured[0])[0] <= (1 - INT8_GAIN) * speed_rank(others[0])[0]
    return measured[0] if pays else others[0]


def speed_rank(engine: StoredEngine) -> tuple[float, int, str]:
    """What engines are ordered by, the fastest first, so that every start takes the same one.

    The lowest measured ``p50``; between equals the first of fp32, fp16, int8; then the first name.
    """
    median = (engine.record.latency_ms or {}).get("p50", float("inf"))
    return median, list(Precision).index(engine.identity.precision), engine.path.name
