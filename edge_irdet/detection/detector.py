"""The detector: a model package and a runner put together, frames in, detections out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from edge_irdet.detection.description import DetectorDescription
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.detection.session import DetectionSession
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner import Runner
from edge_irdet.errors import OptionError
from edge_irdet.package import (
    DEFAULT_PACKAGE,
    NmsRule,
    Package,
    PostprocessSpec,
    Precision,
    SixteenBitSpec,
    open_package,
)

DEFAULT_NMS_LIMIT = {NmsRule.IOU: 0.45, NmsRule.DISTANCE: 3.0, NmsRule.NWD: 0.6}
"""Limit that a rule gets when it is chosen without one: the paper's IoU; pixels; NWD."""


@dataclass(frozen=True)
class DetectorConfig:
    """What a caller may change of a package's own settings; None keeps the package's."""

    precision: Precision = Precision.FP32
    """Which graph of the package runs."""

    score_threshold: float | None = None
    """Boxes scoring below it are dropped, 0..1."""

    nms: NmsRule | None = None
    """Suppression rule."""

    nms_limit: float | None = None
    """Limit of the rule: IoU or NWD 0..1, or network pixels."""

    max_detections: int | None = None
    """At most this many detections a frame."""

    sixteen_bit: SixteenBitSpec | None = None
    """Mapping for 16-bit frames."""

    threads: int = 0
    """Threads of one inference on the CPU; 0 takes one a core."""

    def __post_init__(self) -> None:
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
        if self.threads < 0:
            raise OptionError(f"threads is {self.threads}", "choose 0 for one a core, or a positive number")


class Detector:
    """Detects small targets in grey frames of any size.

    >>> with Detector() as detector:
    ...     detections = detector.detect(frame)        # [H, W] uint8 or uint16

    Args:
        package: an opened package, a directory, or the name of a shipped one.
        config: changes to the package's settings.
        runner: a runner for the package's graph; by default the CPU runner. The detector activates and
            deactivates it.

    Raises:
        PackageMissingError, ManifestInvalidError, SchemaNewerError: the package cannot be opened.
        PrecisionMissingError, PackageHashError: its graph is absent or altered.
    """

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
        self.runner = runner or CpuRunner(self.package.graph_path(config.precision), config.threads)
        self._sixteen_bit = config.sixteen_bit or manifest.preprocess.sixteen_bit
        self._precision = config.precision
        self._default = self.session()

    @property
    def description(self) -> DetectorDescription:
        """Package, precision and runtime in words."""
        return DetectorDescription(
            package=self.package.directory.name,
            precision=self._precision.value,
            runtime=self.runner.name,
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
        self.runner.activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.runner.deactivate()


def _changed_postprocess(spec: PostprocessSpec, config: DetectorConfig) -> PostprocessSpec:
    rule = config.nms or spec.nms
    limit = config.nms_limit
    if limit is None:
        limit = spec.nms_limit if rule is spec.nms else DEFAULT_NMS_LIMIT[rule]
    return msgspec.structs.replace(
        spec,
        nms=rule,
        nms_limit=limit,
        score_threshold=spec.score_threshold if config.score_threshold is None else config.score_threshold,
        max_detections=config.max_detections or spec.max_detections,
    )
