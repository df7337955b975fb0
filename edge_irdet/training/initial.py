"""What a training starts from: the weights of a checkpoint, or those that a package carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_irdet.network.weights import NetworkWeights, package_weights
from edge_irdet.package import Package, open_package
from edge_irdet.training.checkpoint import Checkpoint, load_checkpoint

CHECKPOINT_SUFFIXES = frozenset({".pt", ".pth", ".ckpt"})
"""Suffixes of checkpoints; no package is looked for under such a name."""


@dataclass(frozen=True)
class InitialWeights:
    """Weights with their history."""

    weights: NetworkWeights
    """The weights."""

    history: str
    """Where they come from, in words, for the next package's manifest."""

    @classmethod
    def of_checkpoint(cls, checkpoint: Checkpoint) -> InitialWeights:
        """The weights that a checkpoint exports."""
        config, data = checkpoint.config, checkpoint.data
        history = f"{config.variant}, {data.name} {data.split}, epoch {checkpoint.epoch}"
        weights = NetworkWeights(config.variant, checkpoint.classes, checkpoint.anchors, checkpoint.weights)
        return cls(weights, history + _before(config.started_from))

    @classmethod
    def of_package(cls, package: Package) -> InitialWeights:
        """The weights that a package carries.

        Raises:
            WeightsMissingError, PackageHashError, WeightsInvalidError: see
                :func:`edge_irdet.network.weights.package_weights`.
        """
        manifest = package.manifest
        data = ", ".join(f"{one.name} {one.split}" for one in manifest.training_data)
        history = f"package {manifest.name} ({manifest.variant}), {data or 'data not stated'}"
        if manifest.training.epoch is not None:
            history += f", epoch {manifest.training.epoch}"
        before = manifest.training.config.get("started_from")
        return cls(package_weights(package), history + _before(before if isinstance(before, str) else ""))


def initial_weights(name_or_path: str | Path) -> InitialWeights:
    """The weights of a checkpoint file, of a package's directory, or of a shipped package by its name.

    Raises:
        CheckpointInvalidError: a file that is not a checkpoint.
        PackageMissingError, SchemaNewerError, ManifestInvalidError: from opening the package.
        WeightsMissingError, PackageHashError, WeightsInvalidError: see :meth:`InitialWeights.of_package`.
    """
    path = Path(name_or_path)
    if path.is_file() or path.suffix in CHECKPOINT_SUFFIXES:
        return InitialWeights.of_checkpoint(load_checkpoint(path))
    return InitialWeights.of_package(open_package(path))


def _before(earlier: str) -> str:
    return f", itself from {earlier}" if earlier else ""
