"""The torch runner: the reference that other runners are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_irdet.engine.runner import Runner, TensorSpec

if TYPE_CHECKING:
    from torch import nn


class TorchRunner(Runner):
    """Runs a torch module whose forward takes and returns the graph's tensors, in FP32 on the CPU.

    Args:
        module: forward(image) -> tuple of outputs in the order of ``outputs``.
        inputs: the one input by name.
        outputs: the outputs by name.
    """

    def __init__(
        self, module: nn.Module, inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec]
    ) -> None:
        super().__init__()
        self._module = module
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)

    @property
    def name(self) -> str:
        """``torch``."""
        return "torch"

    def _activate_impl(self) -> None:
        self._module.eval()

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        import torch

        with torch.no_grad():
            tensors = self._module(*(torch.from_numpy(feeds[name]) for name in self._inputs))
        return {name: tensor.numpy() for name, tensor in zip(self._outputs, tensors, strict=True)}

    def _deactivate_impl(self) -> None:
        pass
