"""The weights of a network apart from the run that trained them: to start a training from, or to export.

A package carries them as ``weights.safetensors``: the tensors under their names in the network, and a
description from which the network is built again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from edge_irdet import manifest_limits as limits
from edge_irdet.errors import CheckpointMismatchError, EdgeIrdetError, WeightsInvalidError
from edge_irdet.intake import ContentRefusedError, decode_json
from edge_irdet.network.heads import ANCHORS_PER_LEVEL, Anchors
from edge_irdet.network.network import Network
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.package import Package
from edge_irdet.tensor_file import decode_tensors, encode_tensors
from edge_irdet.weights_file import read_weights

DESCRIPTION = "edge_irdet_network"
"""Key of the description in the file's metadata."""

SALIENCY_HEAD = "salhead."
DETECTION_CONVOLUTIONS = "det.convs."
BOX_OUTPUTS = 5
"""Outputs of an anchor before those of the classes: x, y, width, height, confidence."""


class _Description(msgspec.Struct, frozen=True):
    variant: str
    network: dict[str, Any]
    """The variant's configuration, under its own names."""

    strides: list[int]
    anchors: list[list[list[float]]]
    classes: list[str]


@dataclass(frozen=True)
class NetworkWeights:
    """Trained weights and what is needed to build their network."""

    variant: str
    """Name of the variant."""

    classes: tuple[str, ...]
    """Class names, by class index."""

    anchors: Anchors
    """[level][anchor] = (width, height) in network pixels."""

    tensors: dict[str, Tensor]
    """State of the network; those of the saliency head may be absent."""

    @property
    def has_saliency_head(self) -> bool:
        """Whether the saliency head's weights are among them."""
        return any(name.startswith(SALIENCY_HEAD) for name in self.tensors)

    def starting_anew(self, classes: tuple[str, ...]) -> list[str]:
        """What of a network of ``classes`` these weights do not cover, as nouns."""
        unknown = [name for name in classes if name not in self.classes]
        parts = [f"the outputs of the classes {', '.join(unknown)}"] if unknown else []
        if variant_config(self.variant).saliency_head and not self.has_saliency_head:
            parts.append("the saliency head")
        return parts

    def network(self) -> Network:
        """The network in eval mode; a saliency head without weights is left out.

        Raises:
            CheckpointMismatchError: the weights do not fit their own variant.
        """
        model = build_network(variant_config(self.variant, len(self.classes)), self.anchors)
        if not self.has_saliency_head:
            model.salhead = None
        self.load_into(model, self.variant, self.classes)
        return model.eval()

    def load_into(self, model: Network, variant: str, classes: tuple[str, ...]) -> None:
        """Put the weights into a network of the same variant, in place.

        Outputs of boxes and confidence are taken, those of classes by the classes' names; see
        :meth:`starting_anew` for what keeps the values that the network has.

        Args:
            model: the network.
            variant: its variant.
            classes: its class names.

        Raises:
            CheckpointMismatchError: it is of another variant, or the weights do not fit.
        """
        next_step = f"name weights of {variant} with --init, or train without"
        if variant != self.variant:
            raise CheckpointMismatchError(
                f"the initial weights are of {self.variant}, the network is a {variant}", next_step
            )
        own = model.state_dict()
        tensors = dict(self.tensors)
        for name, value in self.tensors.items():
            if name.startswith(DETECTION_CONVOLUTIONS) and classes != self.classes:
                tensors[name] = self._with_classes(value, own[name], classes)
        if not self.has_saliency_head:
            tensors |= {name: value for name, value in own.items() if name.startswith(SALIENCY_HEAD)}
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointMismatchError(
                f"the weights are said to be of {self.variant}, but do not fit it: {reason}", next_step
            ) from error

    def _with_classes(self, value: Tensor, fresh: Tensor, classes: tuple[str, ...]) -> Tensor:
        """A detection convolution's weight or bias for other classes; classes are known by name."""
        known = value.reshape(ANCHORS_PER_LEVEL, BOX_OUTPUTS + len(self.classes), *value.shape[1:])
        result = fresh.clone().reshape(ANCHORS_PER_LEVEL, BOX_OUTPUTS + len(classes), *value.shape[1:])
        result[:, :BOX_OUTPUTS] = known[:, :BOX_OUTPUTS]
        for index, name in enumerate(classes):
            if name in self.classes:
                result[:, BOX_OUTPUTS + index] = known[:, BOX_OUTPUTS + self.classes.index(name)]
        return result.reshape(fresh.shape)

    def encode(self) -> bytes:
        """The content of a weights file."""
        config = variant_config(self.variant, len(self.classes))
        description = _Description(
            variant=self.variant,
            network=asdict(config),
            strides=list(config.strides),
            anchors=[[list(anchor) for anchor in level] for level in self.anchors],
            classes=list(self.classes),
        )
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.tensors.items()}
        return encode_tensors(arrays, {DESCRIPTION: msgspec.json.encode(description).decode()})


def package_weights(package: Package) -> NetworkWeights:
    """The weights that a package carries.

    Raises:
        WeightsMissingError: it carries none.
        PackageHashError: the file is not the one that the manifest describes.
        WeightsInvalidError: the file cannot be read, or is not of the package's network.
    """
    content = read_weights(package)
    next_step = "fetch the package again, or make the weights again: edge-irdet package recover-weights"
    try:
        weights = _decode(content)
    except (ContentRefusedError, EdgeIrdetError) as error:
        reason = error.reason if isinstance(error, ContentRefusedError) else error.what
        raise WeightsInvalidError(
            f"the weights of {package.directory} cannot be used: {reason}", next_step
        ) from error
    manifest = package.manifest
    if (weights.variant, weights.classes) != (manifest.variant, tuple(manifest.classes)):
        raise WeightsInvalidError(
            f"the weights of {package.directory} are of {weights.variant} with {', '.join(weights.classes)}; "
            f"its manifest names {manifest.variant} with {', '.join(manifest.classes)}",
            next_step,
        )
    return weights


def _decode(content: bytes) -> NetworkWeights:
    arrays, metadata = decode_tensors(content)
    if DESCRIPTION not in metadata:
        raise ContentRefusedError(f"has no {DESCRIPTION} in its metadata")
    about = decode_json(metadata[DESCRIPTION], _Description)
    try:
        limits.check_classes(about.classes)
        limits.check_levels(about.strides, about.anchors)
    except ValueError as error:
        raise ContentRefusedError(str(error)) from error
    config = variant_config(about.variant, len(about.classes))
    found = {"strides": about.strides, **about.network}
    for name, value in {"strides": config.strides, **asdict(config)}.items():
        # JSON has lists where the configuration has tuples.
        if found.get(name) != (list(value) if isinstance(value, tuple) else value):
            raise ContentRefusedError(
                f"describes a {about.variant} with {name} {found.get(name)}; here it has {value}"
            )
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ContentRefusedError(f"holds a weight that is not finite, in {name[:80]!r}")
    return NetworkWeights(
        variant=about.variant,
        classes=tuple(about.classes),
        anchors=tuple(tuple((width, height) for width, height in level) for level in about.anchors),
        tensors={name: torch.from_numpy(array.copy()) for name, array in arrays.items()},
    )
