"""One source's way through a detector: what must not be shared between sources that share a runner."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.letterbox import Placement
from edge_irdet.detection.nms import select_detections
from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.engine.runner import Runner
from edge_irdet.errors import OptionError
from edge_irdet.package import Package, PostprocessSpec, SixteenBitSpec


class DetectionSession:
    """Detects in the frames of one source, with a runner that other sessions use too.

    It holds what belongs to the source: where its frames lie in the input, the input tensor, the state of the
    16 -> 8 bit mapping. :meth:`edge_irdet.detection.detector.Detector.session` makes them. Like its runner it
    belongs to one thread at a time, and no two sessions of a runner may run at the same time.

    Args:
        package: the opened package.
        postprocess: threshold and suppression.
        sixteen_bit: mapping for 16-bit frames; None refuses them.
        runner: a runner for the package's graph; whoever made it activates and deactivates it.

    Raises:
        ManifestInvalidError: the package asks for an input that this version cannot fill.
    """

    def __init__(
        self,
        package: Package,
        postprocess: PostprocessSpec,
        sixteen_bit: SixteenBitSpec | None,
        runner: Runner,
    ) -> None:
        manifest = package.manifest
        self.classes: tuple[str, ...] = tuple(manifest.classes)
        self.postprocess = postprocess
        self.preprocessor = Preprocessor(
            msgspec.structs.replace(manifest.preprocess, sixteen_bit=sixteen_bit), manifest.input
        )
        self.has_saliency = any(output.name == "saliency" for output in manifest.outputs)
        self._directory = package.directory
        self._runner = runner
        self._feeds = {manifest.input.name: self.preprocessor.tensor}

    def reset(self) -> None:
        """Forget the source's frames so far, as after a gap in them: the next one is the first."""
        self.preprocessor.reset()

    def detect(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Detections:
        """Detect targets in the source's next frame.

        Args:
            image: [H, W] uint8 or uint16 grey.

        Returns:
            Detections in the frame's pixels, best first, clipped to the frame.

        Raises:
            FrameFormatError: the frame is not grey uint8 or uint16, or is empty.
            SixteenBitUnmappedError: the frame has 16 bits and no mapping is named.
            RunnerError: the runner is not active or failed.
        """
        return self._run(image)[0]

    def detect_with_saliency(
        self, image: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> tuple[Detections, NDArray[np.float32]]:
        """As :meth:`detect`, with the saliency map [H, W] in 0..1 at the frame's own size.

        Raises:
            OptionError: the package was exported without its saliency head.
            FrameFormatError, SixteenBitUnmappedError, RunnerError: as :meth:`detect`.
        """
        if not self.has_saliency:
            raise OptionError(
                f"{self._directory} was exported without its saliency head",
                "export it with the head: edge-irdet export CHECKPOINT -o PACKAGE --saliency",
            )
        detections, placement, saliency = self._run(image)
        assert saliency is not None
        inside = saliency[
            0,
            0,
            placement.top : placement.top + placement.height,
            placement.left : placement.left + placement.width,
        ]
        size = (image.shape[1], image.shape[0])
        resized = cv2.resize(inside, size, interpolation=cv2.INTER_LINEAR)
        return detections, np.asarray(resized, np.float32)

    def _run(
        self, image: NDArray[np.uint8] | NDArray[np.uint16]
    ) -> tuple[Detections, Placement, NDArray[np.float32] | None]:
        placement = self.preprocessor(image)
        outputs = self._runner.infer(self._feeds)
        found = select_detections(outputs["boxes"][0], outputs["scores"][0], self.postprocess)
        boxes = placement.to_frame(found.boxes) if len(found) else found.boxes
        detections = Detections(boxes, found.scores, found.classes, self.preprocessor.shutter)
        return detections, placement, outputs.get("saliency")
