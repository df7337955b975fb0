"""What every variant is, whatever its shape: a backbone, a saliency head or none, a detection head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from edge_irdet.network.backbone import Backbone
from edge_irdet.network.heads import DetectionHead


class NetworkOutput(NamedTuple):
    """Raw outputs: logits, so that losses are stable and the decode is in one place."""

    levels: list[Tensor]
    """One a level of the variant, finest first: [B, 3, H/s, W/s, 5 + classes]."""

    saliency: Tensor | None
    """[B, 1, H, W] logits; None where the network has no saliency head."""


class Network(nn.Module, ABC):
    """A network of saliency and detection; training and export know no more of it than this.

    Strides and anchors are the detection head's (``det.strides``, ``det.anchors``).
    """

    merges_branches: ClassVar[bool] = False
    """Whether export merges the parallel convolutions of each SIWD into fewer and larger ones."""

    backbone: Backbone
    """Stages from the image down; the first one reads it."""

    salhead: nn.Module | None
    """The saliency head; boxes do not depend on it, so it can be taken out."""

    det: DetectionHead
    """The detection head."""

    @abstractmethod
    def forward(self, image: Tensor) -> NetworkOutput:
        """Image [B, 3, H, W], 0..1, H and W multiples of 32 -> raw predictions and saliency logits."""

    def halve_saliency_resolution(self, halved: bool) -> None:
        """Run the saliency head at 1/2 for cheaper training, or where the variant has it.

        Nothing happens in a variant whose head already runs at 1/2 or below.
        """
