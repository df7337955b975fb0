"""Building an engine from a package, and what is known about it afterwards."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_irdet import __version__
from edge_irdet.engine.cuda.adapter import CudaAdapter, Device, open_cuda, require_driver
from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.tensorrt.identity import (
    PORTABLE,
    EngineIdentity,
    EngineRecord,
    TensorIdentity,
    covers,
    memory_class,
)
from edge_irdet.engine.tensorrt.inspection import layer_precisions, loaded_engine
from edge_irdet.engine.tensorrt.memory import require_memory
from edge_irdet.engine.tensorrt.module import BuildProgress, TensorRTModule, open_tensorrt
from edge_irdet.engine.tensorrt.plan import GRAPH_RULE, Plan, PlanRequest, build_plan
from edge_irdet.engine.tensorrt.store import (
    StoredEngine,
    engines_folder,
    make_engines_folder,
    read_engine,
    read_plan,
    rebuild_command,
    write_engine,
    write_record,
)
from edge_irdet.engine.tensorrt.trust import is_own
from edge_irdet.errors import (
    DriverMissingError,
    DriverOutdatedError,
    EngineBuildError,
    EngineDamagedError,
    ExtraMissingError,
    OptionError,
)
from edge_irdet.machine.gpu import format_cuda_version
from edge_irdet.machine.jetson import board_model, power_mode, read_l4t_release
from edge_irdet.machine.memory import host_available
from edge_irdet.package import Package, Precision

_log = logging.getLogger(__name__)

DEFAULT_WORKSPACE_MB = 1024
"""Enough for every layer of the full model at 640x512, and half of what an 8 GB Jetson has free."""


@dataclass(frozen=True)
class BuildConfig:
    """How to build an engine."""

    precision: Precision = Precision.FP32
    """Which graph of the package."""

    workspace_mb: int = DEFAULT_WORKSPACE_MB
    """Cap of the builder's workspace."""

    targets: tuple[str, ...] = ()
    """Compute capabilities such as ``8.6`` to build for. Empty: the GPU at hand; for TensorRT-RTX one
    portable engine for Ampere and later."""

    rebuild: bool = False
    """Build even where an intact engine of the same identity is there."""

    def __post_init__(self) -> None:
        if self.workspace_mb < 1:
            raise OptionError(
                f"the workspace is {self.workspace_mb} MB", "choose for example --workspace 1024"
            )


class EngineBuilder:
    """Builds engines of one package with one TensorRT module.

    Args:
        package: the package.
        module: an opened module; None takes the first that is installed.
        cuda: a CUDA adapter; None takes the first binding that is installed.
        device_index: the GPU.

    Raises:
        ExtraMissingError: TensorRT is not installed, or there is no CUDA binding where one is needed.
        DriverMissingError, DriverOutdatedError: the module builds on a GPU only, and there is none. A module
            that builds without (TensorRT-RTX) does so.
    """

    def __init__(
        self,
        package: Package,
        module: TensorRTModule | None = None,
        cuda: CudaAdapter | None = None,
        device_index: int = 0,
    ) -> None:
        self.package = package
        self.module = module or open_tensorrt()
        self.device: Device | None = None
        self._index = device_index
        self.cuda: CudaAdapter | None = cuda
        try:
            self.cuda = cuda or open_cuda()
            self.device = require_driver(self.cuda, device_index)
        except (ExtraMissingError, DriverMissingError, DriverOutdatedError):
            if not self.module.builds_without_gpu:
                raise

    def build(self, config: BuildConfig, progress: BuildProgress | None = None) -> StoredEngine:
        """Build one engine into the package's ``engines`` folder.

        An intact engine of the same identity is kept, unless ``config.rebuild``.

        Args:
            config: how.
            progress: called with TensorRT's phases, where it has a progress monitor.

        Raises:
            PrecisionMissingError, PackageHashError, GraphRefusedError: the package does not hold the graph,
                it was altered, or it is not whole by itself.
            OptionError: a target that the module cannot build for.
            EngineMemoryError: too little free memory; nothing was started.
            EngineBuildError: TensorRT refused the graph.
            OutputFailedError: the engine could not be written.
        """
        identity = self.identity(config, "onnx")
        if not config.rebuild and (there := self._intact(identity)) is not None:
            return there
        request = PlanRequest(
            graph=self.package.read_graph(config.precision),
            precision=config.precision,
            workspace_mb=config.workspace_mb,
            targets=config.targets if self.module.builds_without_gpu else (),
            timing_cache=self._timing_cache(),
        )
        make_engines_folder(self.package)
        with self.attached() as cuda:
            self.require_memory(len(request.graph), config.workspace_mb, cuda)
            started = time.monotonic()
            plan = build_plan(self.module, request, progress)
            _require_same_border(identity, plan)
            return self.store(identity, plan.content, time.monotonic() - started)

    def require_memory(self, graph_bytes: int, workspace_mb: int, cuda: CudaAdapter | None) -> None:
        """Check free memory before a build on this machine, with the adapter of :meth:`attached`.

        Raises:
            EngineMemoryError: there is less than the build may need.
        """
        integrated = self.device is not None and self.device.integrated
        require_memory(graph_bytes, workspace_mb, cuda, host_available(), integrated=integrated)

    @contextmanager
    def attached(self) -> Iterator[CudaAdapter | None]:
        """The CUDA adapter attached to this thread; None where there is no GPU."""
        if self.device is None or self.cuda is None:
            yield None
            return
        self.cuda.attach(self._index)
        try:
            yield self.cuda
        finally:
            self.cuda.detach()

    def identity(
        self, config: BuildConfig, via: str, bindings: Mapping[str, str] | None = None
    ) -> EngineIdentity:
        """The identity that a build would have.

        Args:
            config: how it is built.
            via: ``onnx`` or ``torch-tensorrt``.
            bindings: engine's tensor names by the manifest's, where they differ.

        Raises:
            PrecisionMissingError, PackageHashError, GraphRefusedError: of
                :meth:`~edge_irdet.package.Package.graph_sha256`.
            OptionError: a target that the module cannot build for.
        """
        manifest = self.package.manifest
        names = bindings or {}
        image = manifest.input
        shape = [1, image.channels, image.height, image.width]
        return EngineIdentity(
            module=self.module.name,
            tensorrt=self.module.version,
            compute_capabilities=self.capabilities(config.targets),
            **self._device_identity(),
            precision=config.precision,
            model_sha256=self.package.graph_sha256(config.precision),
            calibration_sha256=calibration_sha256(self.package, config.precision),
            via=via,
            strongly_typed=self.module.strongly_typed,
            workspace_mb=config.workspace_mb,
            inputs=[TensorIdentity(image.name, names.get(image.name, image.name), shape, image.dtype)],
            outputs=[
                TensorIdentity(output.name, names.get(output.name, output.name), output.shape, "float32")
                for output in manifest.outputs
            ],
        )

    def _device_identity(self) -> dict[str, Any]:
        """The part of an identity that the GPU at hand decides; empty where the builder needs none."""
        if self.module.builds_without_gpu or self.device is None:
            return {"device": None}
        return {
            "device": self.device.name,
            "multiprocessors": self.device.multiprocessors,
            "memory_gib": memory_class(self.device.total_bytes),
        }

    def store(self, identity: EngineIdentity, plan: bytes, seconds: float) -> StoredEngine:
        """Write a plan with its identity and what is known about it; to be called while attached."""
        cuda = self.cuda
        record = EngineRecord(
            identity=identity,
            plan_bytes=len(plan),
            plan_sha256=hashlib.sha256(plan).hexdigest(),
            cuda=None if cuda is None else format_cuda_version(cuda.runtime_version()),
            driver=None if cuda is None else format_cuda_version(cuda.driver_version()),
            l4t=read_l4t_release(),
            board=board_model(),
            power_mode=power_mode(),
            precisions_found=None,
            build_seconds=round(seconds, 3),
            edge_irdet=__version__,
        )
        # Written first: the minutes of the build are not lost to a look that fails.
        engine = write_engine(self.package, plan, record)
        try:
            found = self._precisions_found(identity, plan)
        except EngineBuildError as error:
            _log.warning("%s was built and cannot be looked into: %s", engine.path, error.what)
            return engine
        engine = StoredEngine(engine.path, msgspec.structs.replace(engine.record, precisions_found=found))
        write_record(engine)
        return engine

    def capabilities(self, targets: tuple[str, ...]) -> list[str]:
        """Compute capabilities that an engine for ``targets`` states.

        Raises:
            OptionError: a target that the module cannot build for.
        """
        if self.module.builds_without_gpu:
            known = self.module.targets()
            unknown = [target for target in targets if target not in known]
            if unknown:
                raise OptionError(
                    f"{self.module.name} {self.module.version} does not build for SM {', '.join(unknown)}",
                    f"choose --target of {', '.join(known)}, or build on the device itself with tensorrt",
                )
            return sorted(targets) or [PORTABLE]
        assert self.device is not None  # __init__ raised otherwise
        here = self.device.compute_capability
        if any(target != here for target in targets):
            raise OptionError(
                f"{self.module.name} times its kernels on the GPU at hand (SM {here}); "
                f"it cannot build for SM {', '.join(targets)}",
                "run this command on the device that is to run the engine, without --target",
            )
        return [here]

    def _timing_cache(self) -> Path | None:
        if self.device is None:
            return None
        sm = self.device.compute_capability.replace(".", "")
        name = f"timing-{self.module.name}-{self.module.version}-sm{sm}.cache"
        return engines_folder(self.package) / name

    def _intact(self, identity: EngineIdentity) -> StoredEngine | None:
        path = engines_folder(self.package) / f"{identity.key}.engine"
        if not os.path.isfile(path.with_suffix(".json")):
            return None
        try:
            engine = read_engine(path, rebuild_command(self.package, identity.precision))
            read_plan(engine, "")
        except EngineDamagedError:
            return None  # to be replaced
        return engine if is_own(engine.record) else None

    def _precisions_found(self, identity: EngineIdentity, plan: bytes) -> dict[str, int] | None:
        device = self.device
        if device is None or not covers(identity.compute_capabilities, device.compute_capability):
            return None  # deserialising needs the GPU the engine is for
        rebuild = rebuild_command(self.package, identity.precision)
        what = "the engine it has just built"
        with loaded_engine(self.module, plan, what, rebuild, EngineBuildError) as engine:
            return layer_precisions(self.module.trt, engine)


def calibration_sha256(package: Package, precision: Precision) -> str | None:
    """SHA-256 of the calibration recipe that the manifest states for a precision; None without one."""
    figures = package.manifest.metrics.get(precision)
    if figures is None or figures.recipe is None:
        return None
    return hashlib.sha256(msgspec.json.encode(figures.recipe, order="deterministic")).hexdigest()


def _require_same_border(identity: EngineIdentity, plan: Plan) -> None:
    """Check that the graph has the inputs and outputs that the manifest says.

    Raises:
        EngineBuildError: it has others.
    """
    for kind, stated, found in (
        ("inputs", identity.inputs, plan.inputs),
        ("outputs", identity.outputs, plan.outputs),
    ):
        expected = {tensor.binding: TensorSpec.of(tuple(tensor.shape), tensor.dtype) for tensor in stated}
        if expected != found:
            raise EngineBuildError(
                f"the graph's {kind} are {found}, the manifest says {expected}", GRAPH_RULE
            )
