"""What an engine was built from and for, and whether it fits where it is to run.

A TensorRT plan is compiled code for one TensorRT version and one kind of GPU; on another it fails without a
reason, or runs wrongly (TensorRT#2176, jetson-inference#426). So ``KEY.json`` beside every ``KEY.engine``
states its identity, and nothing is deserialised before the identity has been compared.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import msgspec

from edge_irdet.errors import EngineMismatchError
from edge_irdet.package import Positive, Precision, Sha256

IDENTITY_SCHEMA = 1
"""Version of the identity file this package writes and reads."""

PORTABLE = "8.0+"
"""Compute capability of a TensorRT-RTX engine that was built for no named target."""

PORTABLE_CAPABILITIES = ("8.0", "8.6", "8.9", "12.0", "12.1")
"""What such an engine runs on: the GPUs from Ampere on that TensorRT-RTX names. Not among them are the Orin
(8.7), Hopper (9.0), and the data centre's and Thor's Blackwell (10.x, 11.0)."""

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?!\.?\d)", re.ASCII)

MEMORY_STEP = 4 * 2**30
"""Memory classes: a board with 8 GB shows its system 7.4 GiB."""


class TensorIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input or output of an engine."""

    name: str
    """Name in the package's manifest."""

    binding: str
    """Name in the engine; differs from ``name`` where torch-tensorrt chose it."""

    shape: list[Positive]
    dtype: str
    """NumPy's name: ``uint8``, ``float32``."""


class EngineIdentity(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What decides whether an engine may be loaded; the key is derived from it."""

    module: str
    """``tensorrt`` or ``tensorrt_rtx``."""

    tensorrt: str
    """Its version. An engine of another version is refused, see :func:`same_version`."""

    compute_capabilities: list[str]
    """SM versions the engine was built for, such as ``8.7``; :data:`PORTABLE` for a portable one."""

    device: str | None
    """Name of the GPU it was built on; None where it was built for a target without one."""

    multiprocessors: int | None = None
    """Streaming multiprocessors of that GPU: ``Orin`` is the name of boards with different numbers of them.
    None without a GPU, and in identities of before it was kept."""

    memory_gib: int | None = None
    """Memory of that GPU in GiB, see :func:`memory_class`; None as above."""

    precision: Precision
    """Precision asked for."""

    model_sha256: Sha256
    """Of the package's graph of that precision."""

    calibration_sha256: Sha256 | None = None
    """Of the calibration recipe that the manifest states for the graph; None where it states none."""

    via: str = "onnx"
    """``onnx`` (TensorRT's parser) or ``torch-tensorrt``."""

    strongly_typed: bool
    """Whether precisions come from the graph's own types rather than from builder flags."""

    workspace_mb: int
    """Cap of the builder's workspace."""

    inputs: list[TensorIdentity]
    outputs: list[TensorIdentity]

    @property
    def key(self) -> str:
        """Stem of the engine's files: readable facts and 12 digits of the SHA-256 of the whole identity."""
        digest = hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:12]
        target = "-".join("sm" + capability.replace(".", "") for capability in self.compute_capabilities)
        version = re.sub(r"[^0-9A-Za-z.]", "_", self.tensorrt)
        return f"{self.precision.value}-{self.module}-{version}-{target.replace('+', 'plus')}-{digest}"

    def __str__(self) -> str:
        """One line for people."""
        capabilities = ", ".join(self.compute_capabilities)
        return (
            f"{self.precision.value} by {self.module} {self.tensorrt} for SM {capabilities} "
            f"({_shown_device(self.device, self.multiprocessors, self.memory_gib)}), "
            f"model {self.model_sha256[:12]}"
        )


class EngineRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``KEY.json``: the identity, and what was found out about the engine."""

    schema: Annotated[int, msgspec.Meta(ge=IDENTITY_SCHEMA, le=IDENTITY_SCHEMA)] = IDENTITY_SCHEMA
    identity: EngineIdentity
    plan_bytes: Positive
    """Size of ``KEY.engine``: tells a truncated one."""

    plan_sha256: Sha256
    """Of ``KEY.engine``: tells a damaged one. It does not protect from somebody who may write both files."""

    cuda: str | None
    """CUDA runtime of the adapter at the build."""

    driver: str | None
    """Newest CUDA version that the driver supported at the build."""

    l4t: str | None
    """L4T release of the Jetson, the first line of ``/etc/nv_tegra_release``."""

    board: str | None = None
    """Name of the board as its device tree states it; None on a machine without one."""

    power_mode: str | None = None
    """What ``nvpmodel -q`` said at the build: the latencies are of that mode."""

    precisions_found: dict[str, int] | None
    """Layer outputs by type, as TensorRT's engine inspector found them; None where no GPU could load it."""

    latency_ms: dict[str, float] | None = None
    """Time of one frame, copies included, on the device it was built for: ``p50``, ``p90``, ``p99``; None
    where it was not measured."""

    build_seconds: float
    edge_irdet: str
    """Version that built it."""

    seal: str = ""
    """By :mod:`edge_irdet.engine.tensorrt.trust`: this machine built the engine, or its owner trusts it."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine is to run: the part of an identity that the machine decides."""

    module: str
    tensorrt: str
    compute_capability: str
    device: str
    multiprocessors: int | None = None
    memory_gib: int | None = None

    def __str__(self) -> str:
        return (
            f"{self.module} {self.tensorrt} on SM {self.compute_capability} "
            f"({_shown_device(self.device, self.multiprocessors, self.memory_gib)})"
        )


def require_match(
    identity: EngineIdentity, host: Host, precision: Precision, model_sha256: str, engine: Path, rebuild: str
) -> None:
    """Compare an engine's identity with where and for what it is to be used.

    Args:
        identity: what the engine says it is.
        host: this machine.
        precision: precision asked for.
        model_sha256: SHA-256 of the package's graph of that precision.
        engine: path of the engine, for the message.
        rebuild: the command that builds the right one.

    Raises:
        EngineMismatchError: module, TensorRT version, compute capability, device, precision or model differ;
            the text names both identities.
    """
    differences = mismatches(identity, host, precision, model_sha256)
    if differences:
        raise EngineMismatchError(
            f"{engine} differs in {', '.join(differences)}\n"
            f"  engine: {identity}\n"
            f"  needed: {precision.value} by {host}, model {model_sha256[:12]}",
            rebuild,
        )


def mismatches(identity: EngineIdentity, host: Host, precision: Precision, model_sha256: str) -> list[str]:
    """Names of what differs; empty where the engine fits."""
    checks = {
        "module": identity.module == host.module,
        "TensorRT version": same_version(identity.tensorrt, host.tensorrt),
        "compute capability": covers(identity.compute_capabilities, host.compute_capability),
        # Within one SM the timings, hence the tactics, are those of the device the engine was built on.
        "device": identity.device in (None, host.device),
        "multiprocessors": _same_or_unstated(identity.multiprocessors, host.multiprocessors),
        "memory": _same_or_unstated(identity.memory_gib, host.memory_gib),
        "precision": identity.precision == precision,
        "model": identity.model_sha256 == model_sha256,
    }
    return [name for name, same in checks.items() if not same]


def same_version(built_with: str, here: str) -> bool:
    """Whether two versions of TensorRT read one another's engines: major, minor and patch are the same.

    The build number, which follows them, is compared only where both state it: 10.3.0 is 10.3.0.26, and
    10.3.0.26 is not 10.3.0.30. A version of another form is the same as itself only.
    """
    built, own = _VERSION.match(built_with), _VERSION.match(here)
    if built is None or own is None:
        return built_with == here
    count = 4 if built[4] is not None and own[4] is not None else 3
    return [int(part) for part in built.groups()[:count]] == [int(part) for part in own.groups()[:count]]


def _same_or_unstated(built_on: int | None, here: int | None) -> bool:
    return built_on is None or here is None or built_on == here


def _shown_device(name: str | None, multiprocessors: int | None, memory_gib: int | None) -> str:
    parts = [
        name or "no device at hand",
        f"{multiprocessors} SMs" if multiprocessors is not None else "",
        f"{memory_gib} GiB" if memory_gib is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def covers(built_for: list[str], capability: str) -> bool:
    """Whether an engine for these compute capabilities runs on a GPU of that one."""
    return capability in built_for or (PORTABLE in built_for and capability in PORTABLE_CAPABILITIES)


def memory_class(total_bytes: int) -> int:
    """Memory of a board in GiB, rounded up to whole steps of 4: what its data sheet says."""
    return -(-total_bytes // MEMORY_STEP) * (MEMORY_STEP // 2**30)
