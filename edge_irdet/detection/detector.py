"""The detector: a model package and the runner that suits this machine, frames in, detections out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from edge_irdet import manifest_limits as limits
from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.detection.session import DetectionSession
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.cuda.adapter import ADAPTERS
from edge_irdet.engine.runner import Runner
from edge_irdet.engine.selection import AUTO, choose_runner, require_runtime
from edge_irdet.errors import OptionError, RunnerError
from edge_irdet.package import (
    DEFAULT_PACKAGE,
    EXPORT_STEP,
    NmsRule,
    Package,
    PostprocessSpec,
    Precision,
    SixteenBitSpec,
    open_package,
)

DEFAULT_NMS_LIMIT = {NmsRule.IOU: 0.45, NmsRule.DISTANCE: 3.0, NmsRule.NWD: 0.6}
"""Limit that a rule gets when it is chosen without one: the paper's IoU; pixels; NWD."""


Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True)
class DetectorConfig:
    """Where a package runs and which of its own settings are changed; None keeps the package's setting.

    The fields take what the options of ``edge-irdet stream`` take, as text or as the object it stands for.

    Raises:
        OptionError: a value is out of its range, or a name is unknown.
    """

    runtime: str = AUTO
    """``auto`` takes TensorRT where an engine of the package fits this device, else the CPU; ``tensorrt``
    raises where no engine fits; ``cpu``. Whoever measures says which one, because ``auto`` depends on the
    machine."""

    precision: Precision | str | None = None
    """Which graph or engine of the package runs, such as ``fp16``. None takes the engine that was measured as
    the fastest of those that fit; FP32 on the CPU."""

    device: int = 0
    """Number of the GPU, from 0."""

    cuda: str = AUTO
    """CUDA binding: ``cuda-python``, ``pycuda``, or ``auto`` for the first of them that is installed."""

    threads: int = 0
    """Threads of one inference on the CPU; 0 takes one per core."""

    score_threshold: float | None = None
    """Boxes scoring below it are dropped, 0..1."""

    nms: NmsRule | str | None = None
    """Suppression rule, such as ``distance``."""

    nms_limit: float | None = None
    """Limit of the rule: IoU or NWD 0..1, or network pixels."""

    max_detections: int | None = None
    """At most this many detections per frame."""

    sixteen_bit: SixteenBitSpec | str | None = None
    """Mapping for 16-bit frames, such as ``linear-percentile@15``
    (:func:`~edge_irdet.detection.sixteen_bit.text.parse_mapping`)."""

    def __post_init__(self) -> None:
        require_runtime(self.runtime)
        # Text becomes the object it stands for, so that configurations compare and a typing error shows here.
        object.__setattr__(self, "precision", _chosen(Precision, self.precision, "precision"))
        object.__setattr__(self, "nms", _chosen(NmsRule, self.nms, "suppression rule"))
        if isinstance(self.sixteen_bit, str):
            object.__setattr__(self, "sixteen_bit", parse_mapping(self.sixteen_bit))
        elif self.sixteen_bit is not None and not isinstance(self.sixteen_bit, SixteenBitSpec):
            raise OptionError(
                f"the 16-bit mapping is {self.sixteen_bit!r}", "name one, such as 'linear-percentile@15'"
            )
        if self.cuda not in (AUTO, *ADAPTERS):
            raise OptionError(
                f"there is no CUDA binding {self.cuda!r}", f"choose one of {', '.join((AUTO, *ADAPTERS))}"
            )
        if self.device < 0:
            raise OptionError(f"device is {self.device}", "choose the number of a GPU, from 0")
        if self.threads < 0:
            raise OptionError(f"threads is {self.threads}", "choose 0 for one per core, or a positive number")
        if self.score_threshold is not None and not 0.0 <= self.score_threshold <= 1.0:
            raise OptionError(
                f"the score threshold {self.score_threshold} is not in 0..1", "choose for example 0.25"
            )
        if self.nms_limit is not None and not self.nms_limit > 0.0:
            raise OptionError(
                f"the NMS limit {self.nms_limit} is not above 0",
                "choose for example 0.45 for iou, 3 for distance",
            )
        if self.max_detections is not None and self.max_detections < 1:
            raise OptionError(f"max_detections is {self.max_detections}", "choose at least 1")


class Detector:
    """Detects small targets in grey frames of any size.

    >>> with Detector() as detector:
    ...     print(detector.reason)                     # TensorRT runtime, fp16: ... or CPU runtime, fp32: ...
    ...     detections = detector.detect(frame)        # [H, W] uint8 or uint16

    The runner is chosen here, and said in :attr:`reason`; entering the ``with`` statement loads it.

    Args:
        package: an opened package, a directory, or the name of a shipped one.
        config: where it runs, and changes to the package's settings.
        runner: a runner for the package's graph instead of the one that ``config`` would choose. The detector
            activates and deactivates it.

    Raises:
        PackageMissingError, ManifestInvalidError, SchemaNewerError: the package cannot be opened.
        PrecisionMissingError: it does not hold that precision.
        PackageHashError, GraphRefusedError: its graph is absent, altered, or not whole by itself; said here
            where an engine is looked for, else on entering the ``with`` statement.
        DriverMissingError, DriverOutdatedError, ExtraMissingError, EngineMissingError, EngineMismatchError,
        EngineDamagedError: ``config`` insists on TensorRT, and it cannot run here.
    """

    runtime: str
    """What runs: ``tensorrt`` or ``cpu``; the name of a runner that was handed in."""

    precision: Precision | None
    """Of the engine or graph that runs; None where a runner was handed in and ``config`` names none."""

    reason: str
    """What runs and why, one line for logs."""

    def __init__(
        self,
        package: Package | str | Path = DEFAULT_PACKAGE,
        config: DetectorConfig | None = None,
        runner: Runner | None = None,
    ) -> None:
        config = config or DetectorConfig()
        self.package = package if isinstance(package, Package) else open_package(package)
        manifest = self.package.manifest
        self.classes: tuple[str, ...] = tuple(manifest.classes)
        self.postprocess = _changed_postprocess(manifest.postprocess, config)
        precision = _chosen(Precision, config.precision, "precision")
        if runner is None:
            chosen = choose_runner(
                self.package,
                precision,
                config.runtime,
                threads=config.threads,
                cuda_binding=config.cuda,
                device_index=config.device,
            )
            self.runner = chosen.runner
            self.runtime, self.precision, self.reason = chosen.runtime, chosen.precision, chosen.reason
        else:
            self.runner = runner
            self.runtime, self.precision = runner.name, precision
            self.reason = f"{runner.name} runner: handed in by the caller"
        mapping = config.sixteen_bit
        self._sixteen_bit = parse_mapping(mapping) if isinstance(mapping, str) else mapping
        self._sixteen_bit = self._sixteen_bit or manifest.preprocess.sixteen_bit
        self._default = self.session()

    @property
    def description(self) -> DetectorDescription:
        """Package, precision and runtime in words."""
        return DetectorDescription(
            package=self.package.directory.name,
            precision="" if self.precision is None else self.precision.value,
            runtime=self.runtime,
            reason=self.reason,
        )

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocess step of :meth:`detect`."""
        return self._default.preprocessor

    @property
    def has_saliency(self) -> bool:
        """Whether the package was exported with its saliency head."""
        return self._default.has_saliency

    def session(self) -> DetectionSession:
        """A session for one further source; all sessions share this detector's runner and settings.

        :meth:`detect` has a session of its own, which no other call hands out.
        """
        return DetectionSession(self.package, self.postprocess, self._sixteen_bit, self.runner)

    def reset(self) -> None:
        """Forget the frames of :meth:`detect` so far, as after a gap in them: the next one is the first."""
        self._default.reset()

    def detect(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Detections:
        """Detect targets in one frame.

        Args:
            image: [H, W] uint8 or uint16 grey.

        Returns:
            Detections in the frame's pixels, best first, clipped to the frame.

        Raises:
            FrameFormatError: the frame is not grey uint8 or uint16, or is empty.
            SixteenBitUnmappedError: the frame has 16 bits and no mapping is named.
            RunnerError: the runner is not active or failed.
        """
        return self._default.detect(image)

    def detect_with_saliency(
        self, image: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> tuple[Detections, NDArray[np.float32]]:
        """As :meth:`detect`, with the saliency map [H, W] in 0..1 at the frame's own size.

        Raises:
            OptionError: the package was exported without its saliency head.
            FrameFormatError, SixteenBitUnmappedError, RunnerError: as :meth:`detect`.
        """
        return self._default.detect_with_saliency(image)

    def __enter__(self) -> Self:
        """Load the runner.

        Raises:
            PackageHashError, GraphRefusedError: the CPU runner's graph is absent, altered, or not whole.
            RunnerError: the library refuses the graph, or its inputs and outputs are not the manifest's.
        """
        self.runner.activate()
        try:
            border, what = (
                GraphBorder.of(self.package.manifest),
                f"the graph of the {self.runner.name} runner",
            )
            border.require(self.runner.inputs, self.runner.outputs, what, EXPORT_STEP)
        except RunnerError:
            self.runner.deactivate()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.runner.deactivate()


def _chosen(choices: type[Choice], value: Choice | str | None, what: str) -> Choice | None:
    if value is None:
        return None
    try:
        return choices(value)
    except ValueError:
        names = ", ".join(str(choice.value) for choice in choices)
        raise OptionError(f"there is no {what} {value!r}", f"choose one of {names}") from None


def _changed_postprocess(spec: PostprocessSpec, config: DetectorConfig) -> PostprocessSpec:
    rule = _chosen(NmsRule, config.nms, "suppression rule") or spec.nms
    limit = config.nms_limit
    if limit is None:
        limit = spec.nms_limit if rule is spec.nms else DEFAULT_NMS_LIMIT[rule]
    try:
        limits.check_nms_limit(rule is not NmsRule.DISTANCE, limit)
    except ValueError as error:
        raise OptionError(
            str(error), "choose for example 0.45 for iou, 3 for distance, 0.6 for nwd"
        ) from error
    return msgspec.structs.replace(
        spec,
        nms=rule,
        nms_limit=limit,
        score_threshold=spec.score_threshold if config.score_threshold is None else config.score_threshold,
        max_detections=config.max_detections or spec.max_detections,
    )
