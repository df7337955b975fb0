"""Counting a network: parameters, convolution MACs, torchstat's FLOPs, activation memory, stage by stage.

torchstat's rule, which the paper's tables follow (docs/background/model.md): a convolution counts its
multiply-accumulates and one more an output where it has a bias; batch normalisation two an element; pooling
one an input element; up-sampling one an output pixel of one channel; activations nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edge_irdet.network.neck import Bilinear, Nearest2x
from edge_irdet.network.network import Network

BYTES_PER_ACTIVATION = 4


@dataclass(frozen=True)
class LayerCount:
    """One layer that computes something."""

    name: str
    """Module path."""

    kind: str
    """Conv2d, BatchNorm2d, MaxPool2d, Nearest2x, Bilinear2x, Bilinear."""

    input_shape: tuple[int, int, int]
    """Channels, height, width."""

    output_shape: tuple[int, int, int]
    """Channels, height, width."""

    kernel: tuple[int, int]
    """Height, width; (1, 1) where there is none."""

    stride: int
    """Stride of a convolution or pooling, factor of an up-sampling, else 1."""

    dilation: int
    """Dilation of a convolution, else 1."""

    parameters: int
    """Trainable parameters."""

    macs: int
    """Multiply-accumulates of a convolution, else 0."""

    torchstat_flops: int
    """What torchstat counts."""


@dataclass(frozen=True)
class StageCount:
    """Sums over one stage of the network."""

    name: str
    """Stage, a top-level module or a backbone stage."""

    output: str
    """Shape of the stage's last layer, channels x height x width."""

    parameters: int
    macs: int
    torchstat_flops: int
    activation_bytes: int
    """Outputs of its convolutions, up-samplings and poolings in FP32; what batch normalisation and SiLU do
    happens in place."""


@dataclass(frozen=True)
class NetworkCount:
    """Counts of a whole network at one input size."""

    size: tuple[int, int]
    """(width, height)."""

    layers: tuple[LayerCount, ...]
    """In the order of computation."""

    stages: tuple[StageCount, ...]
    """In the order of computation."""

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all convolutions."""
        return sum(layer.macs for layer in self.layers)

    @property
    def torchstat_flops(self) -> int:
        """FLOPs by torchstat's rule."""
        return sum(layer.torchstat_flops for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Sum of the stages' activation memory."""
        return sum(stage.activation_bytes for stage in self.stages)


def count_network(network: Network, size: tuple[int, int]) -> NetworkCount:
    """Count a network at an input of ``size`` (width, height), multiples of 32.

    Nothing is computed: the forward pass runs on the ``meta`` device.
    """
    layers: list[LayerCount] = []
    handles = [
        module.register_forward_hook(_counter(name, layers))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.MaxPool2d | Nearest2x | Bilinear)
    ]
    weights = {name: tensor.to("meta") for name, tensor in network.state_dict().items()}
    was_training = network.training
    network.eval()
    try:
        image = torch.empty((1, 3, size[1], size[0]), device="meta")
        torch.func.functional_call(network, weights, (image,))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    return NetworkCount(size, tuple(layers), tuple(_stages(layers)))


def _counter(name: str, layers: list[LayerCount]) -> Callable[[nn.Module, Any, Any], None]:
    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        channels, height, width = output.shape[1:]
        outputs = channels * height * width
        kernel, stride, dilation, macs, flops = (1, 1), 1, 1, 0, 0
        if isinstance(module, nn.Conv2d):
            kernel = (module.kernel_size[0], module.kernel_size[1])
            stride, dilation = module.stride[0], module.dilation[0]
            macs = outputs * (module.in_channels // module.groups) * kernel[0] * kernel[1]
            flops = macs + (outputs if module.bias is not None else 0)
        elif isinstance(module, nn.BatchNorm2d):
            flops = 2 * outputs
        elif isinstance(module, nn.MaxPool2d):
            side = int(module.kernel_size)  # type: ignore[arg-type]
            kernel, flops = (side, side), math.prod(inputs[0].shape[1:])
        else:
            stride, flops = height // inputs[0].shape[2], height * width
        before = inputs[0].shape[1:]
        layers.append(
            LayerCount(
                name=name,
                kind=type(module).__name__,
                input_shape=(before[0], before[1], before[2]),
                output_shape=(channels, height, width),
                kernel=kernel,
                stride=stride,
                dilation=dilation,
                parameters=sum(weight.numel() for weight in module.parameters()),
                macs=macs,
                torchstat_flops=flops,
            )
        )

    return count


def _stages(layers: list[LayerCount]) -> Iterator[StageCount]:
    groups: dict[str, list[LayerCount]] = {}
    for layer in layers:
        groups.setdefault(_stage_name(layer.name), []).append(layer)
    for name, members in groups.items():
        yield StageCount(
            name=name,
            output="x".join(str(side) for side in members[-1].output_shape),
            parameters=sum(layer.parameters for layer in members),
            macs=sum(layer.macs for layer in members),
            torchstat_flops=sum(layer.torchstat_flops for layer in members),
            activation_bytes=BYTES_PER_ACTIVATION
            * sum(math.prod(layer.output_shape) for layer in members if layer.kind != "BatchNorm2d"),
        )


_STAGE_NAMES = {
    "fpn": "FPN",
    "sal": "saliency path",
    "salhead": "saliency head",
    "pan": "PAN",
    "det": "detection head",
}


def _stage_name(layer: str) -> str:
    parts = layer.split(".")
    if parts[0] == "backbone":
        return f"backbone X{int(parts[2]) + 1}"
    return _STAGE_NAMES[parts[0]]
