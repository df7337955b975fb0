"""Exponential moving average of weights."""

from __future__ import annotations

import copy
import math

import torch

from edge_irdet.network.network import Network

RAMP_STEPS = 500.0
"""Steps over which the decay rises, so that the random first weights are soon forgotten."""


class ExponentialMovingAverage:
    """A copy of a model whose floating-point state follows it with ``decay * (1 - exp(-step / ramp))``.

    Args:
        model: the model to follow.
        decay: final decay, 0..1.
    """

    def __init__(self, model: Network, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: Network) -> None:
        """Move towards ``model`` by one step; integer state is copied."""
        self.steps += 1
        weight = 1 - self.decay * (1 - math.exp(-self.steps / RAMP_STEPS))
        for own, new in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if own.is_floating_point():
                own.lerp_(new.to(own.dtype), weight)
            else:
                own.copy_(new)
