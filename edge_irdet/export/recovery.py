"""The weights of a package whose checkpoint is lost, from its graph.

Export folds each batch normalisation into its convolution and sums the weights of the three input channels.
Both are undone without loss: the convolution takes the folded weights, and the normalisation, whose
statistics the graph no longer has, takes those of real images: with mean m and variance v of a convolution's
output, ``gamma = sqrt(v + eps)`` and ``beta = m + bias`` make it add the folded bias and change nothing else.
A training goes on from there as from its own checkpoint. Of a graph without saliency map the head is not
recovered: the graph does not have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.errors import WeightsRecoveryError
from edge_irdet.export.graph import DeployedGraph, parse_graph
from edge_irdet.export.package_writer import write_weights
from edge_irdet.export.parity import ParityReport, check_parity
from edge_irdet.export.precision.frames import network_inputs
from edge_irdet.files import write_bytes_atomically
from edge_irdet.network.blocks import CBS
from edge_irdet.network.network import Network
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.network.weights import SALIENCY_HEAD, NetworkWeights
from edge_irdet.package import MANIFEST_NAME, Package, encode_manifest

MOST_IMAGES = 512
"""Most images of a data set that statistics are taken from; spread over the set."""

PARITY_IMAGES = 16
"""Images on which the recovered weights are compared with the graph."""

NEXT_STEP = "export the package again from its checkpoint"


def recover_weights(package: Package, datasets: Sequence[LabelledDataset]) -> ParityReport:
    """Take the weights from a package's FP32 graph and put them into the package.

    The graphs stay as they are. Weights that were recovered before are replaced.

    Args:
        package: the package.
        datasets: what it was trained on; statistics of the batch normalisations come from these images.

    Returns:
        The recovered weights against the graph, on some of the images.

    Raises:
        WeightsRecoveryError: the package has its checkpoint's own weights, or its graph is not as export
            writes it.
        ParityError: the weights do not give what the graph gives; nothing was written.
        OptionError: the manifest names an unknown variant.
        DatasetImageError, SixteenBitUnmappedError: from reading the images.
        OutputFailedError: the file could not be written; the package is valid, without it.
    """
    stated = package.manifest.training.weights
    if stated is not None and not stated.recovered:
        raise WeightsRecoveryError(
            f"{package.directory} carries the weights of its checkpoint, which the graph cannot better",
            "use them: edge-irdet train --init PACKAGE",
        )
    chosen = [_spread(dataset) for dataset in datasets]
    content = package.read_graph()
    weights = weights_of_graph(package, content, chosen)
    manifest = package.manifest
    graph = DeployedGraph(weights.network(), weights.has_saliency_head)
    images = [dataset[index].image for dataset in chosen for index in _places(len(dataset), PARITY_IMAGES)]
    report = check_parity(graph, content, manifest.preprocess, manifest.input, images)
    report.require_passed()
    counts = ", ".join(f"{len(dataset)} images of {dataset.name}" for dataset in chosen)
    entry = write_weights(
        package.directory,
        weights.encode(),
        recovered=f"from the FP32 graph; statistics of batch normalisation from {counts}",
    )
    training = msgspec.structs.replace(manifest.training, weights=entry)
    complete = msgspec.structs.replace(manifest, training=training)
    write_bytes_atomically(package.directory / MANIFEST_NAME, encode_manifest(complete))
    return report


def weights_of_graph(package: Package, graph: bytes, datasets: Sequence[LabelledDataset]) -> NetworkWeights:
    """Weights that give what a graph gives.

    Args:
        package: the package that the graph belongs to.
        graph: the FP32 graph, an ONNX file's content.
        datasets: images for the statistics.

    Raises:
        WeightsRecoveryError: a convolution of the network is not in the graph, or has another shape.
    """
    manifest = package.manifest
    anchors = tuple(tuple((width, height) for width, height in level) for level in manifest.anchors)
    model = build_network(variant_config(manifest.variant, len(manifest.classes)), anchors).eval()
    if model.merges_branches:
        raise WeightsRecoveryError(
            f"export merges the branches of {manifest.variant}: the graph and the network have other "
            "convolutions",
            NEXT_STEP,
        )
    found = _convolutions(parse_graph(graph, str(package.directory)))
    if not any(name.startswith(SALIENCY_HEAD) for name in found):
        model.salhead = None
    _take_convolutions(model, found, package.directory)
    inputs = chain.from_iterable(
        network_inputs(dataset, manifest.preprocess, manifest.input) for dataset in datasets
    )
    _unfold_normalisations(model, inputs)
    return NetworkWeights(manifest.variant, tuple(manifest.classes), anchors, model.state_dict())


def _convolutions(model: onnx.ModelProto) -> dict[str, tuple[Tensor, Tensor]]:
    """Module path -> weight and bias of each convolution."""
    proto = model.graph
    constants = {constant.name: constant for constant in proto.initializer}
    found = {}
    for node in proto.node:
        if node.op_type == "Conv" and len(node.input) == 3 and set(node.input[1:]) <= set(constants):
            weight, bias = (
                torch.from_numpy(onnx.numpy_helper.to_array(constants[name]).copy())
                for name in node.input[1:]
            )
            found[_module_path(node.name)] = weight, bias
    return found


def _module_path(node: str) -> str:
    """``/network/fpn/csp4/m/m.0/cv1/conv/Conv`` -> ``fpn.csp4.m.0.cv1.conv``."""
    parts: list[str] = []
    for part in node.split("/")[2:-1]:
        # The exporter names a sequence and then its member by the sequence's name and number.
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def _take_convolutions(model: Network, found: dict[str, tuple[Tensor, Tensor]], directory: Path) -> None:
    """Put the graph's weights into the convolutions, and its biases into what follows them, in place."""
    blocks = {f"{name}.conv": block for name, block in model.named_modules() if isinstance(block, CBS)}
    for name, conv in model.named_modules():
        if not isinstance(conv, nn.Conv2d):
            continue
        if name not in found:
            raise WeightsRecoveryError(f"the graph of {directory} has no convolution {name}", NEXT_STEP)
        weight, bias = found[name]
        planes = conv.in_channels // max(1, weight.shape[1])
        # The first convolutions read one grey plane with the sum of the weights; three planes share it.
        weight = weight.repeat_interleave(planes, 1) / planes
        if weight.shape != conv.weight.shape or bias.shape != conv.weight.shape[:1]:
            raise WeightsRecoveryError(
                f"{name} has the shape {list(weight.shape)} in the graph of {directory} and "
                f"{list(conv.weight.shape)} in the network",
                NEXT_STEP,
            )
        conv.weight.data.copy_(weight)
        target = blocks[name].bn.bias if name in blocks else conv.bias
        assert target is not None
        target.data.copy_(bias)


@torch.no_grad()
def _unfold_normalisations(model: Network, inputs: Iterator[NDArray[np.uint8]]) -> None:
    """Give each batch normalisation the statistics of its inputs, changing no output; in place."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: torch.zeros(2, norm.num_features, dtype=torch.float64) for norm in norms}
    counts = dict.fromkeys(norms, 0)

    def gather(norm: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        values = arguments[0].double().transpose(0, 1).flatten(1)
        sums[norm] += torch.stack((values.sum(1), values.square().sum(1)))
        counts[norm] += values.shape[1]

    for norm in norms:  # as in the graph: add the bias, and nothing else
        norm.running_mean = torch.zeros(norm.num_features)
        norm.running_var = torch.full((norm.num_features,), 1.0 - norm.eps)
    handles = [norm.register_forward_pre_hook(gather) for norm in norms]
    for image in inputs:
        model(torch.from_numpy(image).float().div(255).expand(1, 3, -1, -1))
    for handle in handles:
        handle.remove()
    for norm in norms:
        mean, square = sums[norm] / max(1, counts[norm])
        variance = (square - mean.square()).clamp(min=0)
        norm.running_mean, norm.running_var = mean.float(), variance.float()
        norm.weight.data.copy_((variance + norm.eps).sqrt())
        norm.bias.data.add_(mean.float())


def _places(count: int, most: int) -> list[int]:
    return [round(place) for place in np.linspace(0, count - 1, min(count, most))]


def _spread(dataset: LabelledDataset) -> LabelledDataset:
    return dataset.subset(dataset.names[index] for index in _places(len(dataset), MOST_IMAGES))
