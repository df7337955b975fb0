"""The preprocess step as a whole: 16 -> 8 bits, letterbox, into one tensor that is allocated once."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.letterbox import Placement, fit_frame, letterbox
from edge_irdet.detection.sixteen_bit.mapper import SixteenBitMapper
from edge_irdet.detection.sixteen_bit.text import require_mapping
from edge_irdet.errors import FrameFormatError, ManifestInvalidError
from edge_irdet.package import InputSpec, PreprocessSpec


class Preprocessor:
    """Fills the network's input tensor from grey frames of any size.

    Args:
        spec: the manifest's preprocess spec.
        network_input: the manifest's input; one channel, uint8.

    Raises:
        ManifestInvalidError: the manifest asks for an input that this version cannot fill.
    """

    def __init__(self, spec: PreprocessSpec, network_input: InputSpec) -> None:
        if network_input.channels != 1 or network_input.dtype != "uint8":
            raise ManifestInvalidError(
                f"the input {network_input.name!r} has {network_input.channels} channels of "
                f"{network_input.dtype}; this version feeds one channel of uint8",
                "export the package again: edge-irdet export CHECKPOINT -o PACKAGE",
            )
        self.spec = spec
        self.shutter = False
        """Whether the last frame showed the camera's closed shutter, or nothing at all: all its pixels are
        equal, or it has 16 bits and is suddenly flat (:mod:`edge_irdet.detection.sixteen_bit.shutter`)."""
        self.tensor: NDArray[np.uint8] = np.full(
            (1, 1, network_input.height, network_input.width), spec.pad_value, np.uint8
        )
        self._source: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self._placement: Placement | None = None
        self._mapper: SixteenBitMapper | None = None
        self._eight_bits: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)

    def __call__(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Placement:
        """Put one frame into :attr:`tensor`; hardly anything is allocated while frames keep their size.

        A frame of another size or depth than the last is the first of its stream.

        Args:
            image: [H, W] uint8 or uint16.

        Returns:
            Where the frame lies in the tensor.

        Raises:
            FrameFormatError: another shape or dtype, or no pixel.
            SixteenBitUnmappedError: 16 bits and no mapping named.
        """
        if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16) or not image.size:
            raise FrameFormatError(
                f"the frame is {image.dtype} of shape {image.shape}; a frame is [H, W] uint8 or uint16",
                "convert it to grey first, for example cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)",
            )
        placement = self._placement
        if placement is None or (image.shape, image.dtype) != self._source:
            placement = self._start(image)
        if self._mapper is not None:
            grey = self._mapper(image.view(np.uint16), out=self._eight_bits)
            self.shutter = self._mapper.shutter
        else:
            grey = image.view(np.uint8)
            lowest, highest, _, _ = cv2.minMaxLoc(grey)
            self.shutter = lowest == highest
        letterbox(grey, placement, self.tensor[0, 0])
        return placement

    def reset(self) -> None:
        """Forget the frames so far: the next one is the first of its stream."""
        self.shutter = False
        if self._mapper is not None:
            self._mapper.reset()

    def _start(self, image: NDArray[np.uint8] | NDArray[np.uint16]) -> Placement:
        self._mapper = None
        if image.dtype == np.uint16:
            self._mapper = SixteenBitMapper(require_mapping(image.view(np.uint16), self.spec.sixteen_bit))
            self._eight_bits = np.empty(image.shape, np.uint8)
        _, _, height, width = self.tensor.shape
        self._placement = placement = fit_frame((image.shape[1], image.shape[0]), (width, height))
        self._source = image.shape, image.dtype
        self.tensor.fill(self.spec.pad_value)
        return placement
