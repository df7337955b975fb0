"""Feature fusion: the FPN, the saliency module's up and down path (eq. 1 and 2), and the PAN."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_irdet.network.blocks import C3, CBS


class Nearest2x(nn.Module):
    """Up-sampling by 2, nearest neighbour."""

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, 2H, 2W]."""
        return functional.interpolate(features, scale_factor=2.0, mode="nearest")


class Bilinear(nn.Module):
    """Up-sampling by a whole factor, bilinear with half-pixel centres.

    Args:
        factor: of both axes.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, factor H, factor W]."""
        scale = float(self.factor)
        return functional.interpolate(features, scale_factor=scale, mode="bilinear", align_corners=False)


class Bilinear2x(Bilinear):
    """Up-sampling by 2, as the paper has it."""

    def __init__(self) -> None:
        super().__init__(2)


class FPNOutput(NamedTuple):
    """Y at 1/8 (4b channels), L4 at 1/16 (4b), L5 at 1/32 (8b)."""

    y: Tensor
    l4: Tensor
    l5: Tensor


class FPN(nn.Module):
    """Top-down path over X3, X4, X5."""

    def __init__(self, base_channels: int, depth: int) -> None:
        super().__init__()
        b = base_channels
        self.lat5 = CBS(16 * b, 8 * b)
        self.up5 = Nearest2x()
        self.csp4 = C3(16 * b, 8 * b, depth)
        self.lat4 = CBS(8 * b, 4 * b)
        self.up4 = Nearest2x()
        self.csp3 = C3(8 * b, 4 * b, depth)

    def forward(self, x3: Tensor, x4: Tensor, x5: Tensor) -> FPNOutput:
        """X3, X4, X5 -> Y, L4, L5."""
        l5 = self.lat5(x5)
        l4 = self.lat4(self.csp4(torch.cat((self.up5(l5), x4), 1)))
        y = self.csp3(torch.cat((self.up4(l4), x3), 1))
        return FPNOutput(y, l4, l5)


class SaliencyPathOutput(NamedTuple):
    """FF1 at 1/2 (b channels) for the saliency head, P3 at 1/8 (4b) for the PAN."""

    ff1: Tensor
    p3: Tensor


class SaliencyPath(nn.Module):
    """The paper's "feature extraction": up to X1's resolution (eq. 1) and back down to 1/8 (eq. 2)."""

    def __init__(self, base_channels: int, depth: int) -> None:
        super().__init__()
        b = base_channels
        self.lat3 = CBS(4 * b, 2 * b)
        self.up3 = Bilinear2x()
        self.ff2 = C3(4 * b, 2 * b, depth)
        self.lat2 = CBS(2 * b, b)
        self.up2 = Bilinear2x()
        self.ff1 = C3(2 * b, b, depth)
        self.down1 = CBS(b, b, (3, 3), 2)
        self.fp2 = C3(2 * b, 2 * b, depth)
        self.down2 = CBS(2 * b, 2 * b, (3, 3), 2)
        self.fp3 = C3(4 * b, 4 * b, depth)

    def forward(self, x1: Tensor, x2: Tensor, y: Tensor) -> SaliencyPathOutput:
        """X1, X2 and the FPN's Y -> FF1 and the P3 that replaces Y."""
        l3 = self.lat3(y)
        ff2 = self.ff2(torch.cat((x2, self.up3(l3)), 1))
        l2 = self.lat2(ff2)
        ff1 = self.ff1(torch.cat((x1, self.up2(l2)), 1))
        fp2 = self.fp2(torch.cat((self.down1(ff1), l2), 1))
        p3 = self.fp3(torch.cat((self.down2(fp2), l3), 1))
        return SaliencyPathOutput(ff1, p3)


class PAN(nn.Module):
    """Bottom-up path from P3 over L4 and L5."""

    def __init__(self, base_channels: int, depth: int) -> None:
        super().__init__()
        b = base_channels
        self.down3 = CBS(4 * b, 4 * b, (3, 3), 2)
        self.csp4 = C3(8 * b, 8 * b, depth)
        self.down4 = CBS(8 * b, 8 * b, (3, 3), 2)
        self.csp5 = C3(16 * b, 16 * b, depth)

    def forward(self, p3: Tensor, l4: Tensor, l5: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """P3, L4, L5 -> P3 (unchanged), P4 at 1/16 (8b channels), P5 at 1/32 (16b)."""
        p4 = self.csp4(torch.cat((self.down3(p3), l4), 1))
        p5 = self.csp5(torch.cat((self.down4(p4), l5), 1))
        return p3, p4, p5
