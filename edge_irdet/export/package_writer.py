"""Writing a model package from a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from edge_irdet.errors import CheckpointMismatchError, OptionError
from edge_irdet.export.graph import INPUT_NAME, DeployedGraph, export_onnx
from edge_irdet.export.package_directory import new_package, require_package_place
from edge_irdet.export.parity import ParityReport, check_parity
from edge_irdet.files import write_bytes_atomically
from edge_irdet.network.network import Network
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.package import (
    MANIFEST_NAME,
    PAD_VALUE,
    SCHEMA_VERSION,
    GraphFile,
    InputSpec,
    Manifest,
    OutputSpec,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    SixteenBitSpec,
    encode_manifest,
)
from edge_irdet.provenance import TrainingRun, WeightsFile
from edge_irdet.training.checkpoint import Checkpoint
from edge_irdet.training.initial import InitialWeights

GRAPH_NAME = "model.onnx"
WEIGHTS_NAME = "weights.safetensors"


@dataclass(frozen=True)
class ExportConfig:
    """What to export."""

    saliency: bool = False
    """Keep the saliency head and give its map as a third output."""

    size: tuple[int, int] | None = None
    """Network input (width, height), multiples of 32; None takes the size of the training."""

    score_threshold: float = 0.25
    """Threshold the manifest states."""

    sixteen_bit: SixteenBitSpec | None = None
    """16 -> 8 bit mapping the manifest states; None takes the one of the training."""

    variant: str | None = None
    """Variant the checkpoint must be of; None takes whatever it is."""

    weights: bool = True
    """Put the weights into the package, for trainings and exports that start from it."""


def model_from_checkpoint(checkpoint: Checkpoint, variant: str | None = None) -> Network:
    """The trained network of a checkpoint, in eval mode, its saliency head at the variant's own resolution.

    Raises:
        CheckpointMismatchError: it is of another variant than asked for, or its weights do not fit.
    """
    name = checkpoint.config.variant
    next_step = "name a checkpoint of that variant, or omit --variant"
    if variant is not None and variant != name:
        raise CheckpointMismatchError(f"the checkpoint is a {name}, asked for was {variant}", next_step)
    model = build_network(variant_config(name, len(checkpoint.classes)), checkpoint.anchors)
    try:
        model.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise CheckpointMismatchError(
            f"the checkpoint says {name}, but its weights do not fit: {str(error).splitlines()[-1].strip()}",
            next_step,
        ) from error
    return model.eval()


def export_package(
    checkpoint: Checkpoint,
    directory: Path,
    config: ExportConfig,
    frames: Iterable[NDArray[np.uint8] | NDArray[np.uint16]],
) -> ParityReport:
    """Export a checkpoint as a model package, after torch and the exported graph agreed on ``frames``.

    The package appears under its name only when it is complete; one that stood there before is replaced.

    Args:
        checkpoint: a trained model.
        directory: the package's directory.
        config: what to export.
        frames: grey frames for the parity check.

    Raises:
        OptionError: a size that is not a multiple of 32, or a path that is not a package.
        CheckpointMismatchError: see :func:`model_from_checkpoint`; or a 16-bit mapping that is not the one
            of the training.
        ParityError: the graphs disagree; nothing was written.
        OutputFailedError: the package could not be written.
    """
    size = config.size or checkpoint.config.size
    require_input_size(size)
    require_package_place(directory)
    model = model_from_checkpoint(checkpoint, config.variant)
    graph = DeployedGraph(model, config.saliency)
    proto = export_onnx(graph, size)
    preprocess = PreprocessSpec(pad_value=PAD_VALUE, sixteen_bit=_mapping(checkpoint, config))
    network_input = input_spec(size)
    with new_package(directory) as building:
        content = proto.SerializeToString(deterministic=True)
        (building / GRAPH_NAME).write_bytes(content)
        report = check_parity(graph, content, preprocess, network_input, frames)
        report.require_passed()
        weights = None
        if config.weights:
            weights = write_weights(building, InitialWeights.of_checkpoint(checkpoint).weights.encode())
        manifest = Manifest(
            schema=SCHEMA_VERSION,
            name=directory.name,
            variant=checkpoint.config.variant,
            classes=list(checkpoint.classes),
            parameters=sum(weight.numel() for weight in model.parameters()),
            input=network_input,
            outputs=output_specs(proto),
            preprocess=preprocess,
            postprocess=PostprocessSpec(score_threshold=config.score_threshold),
            strides=list(model.det.strides),
            anchors=[
                [[round(side, 4) for side in anchor] for anchor in level] for level in checkpoint.anchors
            ],
            graphs={Precision.FP32: GraphFile(file=GRAPH_NAME, sha256=hashlib.sha256(content).hexdigest())},
            training_data=[checkpoint.data, *checkpoint.further_data],
            training=TrainingRun(
                config=asdict(checkpoint.config),
                epoch=checkpoint.epoch,
                best_epoch=checkpoint.best_epoch,
                validation_map50=round(checkpoint.best_map50, 4),
                validation_rate=_rounded(checkpoint.best_rate),
                seconds=round(checkpoint.seconds),
                machine=checkpoint.machine,
                weights=weights,
            ),
        )
        (building / MANIFEST_NAME).write_bytes(encode_manifest(manifest))
    return report


def require_input_size(size: tuple[int, int]) -> None:
    """Check that a network can have an input of this size.

    Args:
        size: (width, height).

    Raises:
        OptionError: it is not a multiple of 32 in both directions.
    """
    if min(size) < 32 or size[0] % 32 or size[1] % 32:
        raise OptionError(
            f"the size {size[0]}x{size[1]} is not a multiple of 32", "choose for example --size 640x512"
        )


def input_spec(size: tuple[int, int]) -> InputSpec:
    """The input of an exported graph of ``size`` (width, height)."""
    return InputSpec(name=INPUT_NAME, width=size[0], height=size[1], channels=1, dtype="uint8")


def output_specs(proto: onnx.ModelProto) -> list[OutputSpec]:
    """The outputs of an exported graph."""
    return [
        OutputSpec(name=output.name, shape=[axis.dim_value for axis in output.type.tensor_type.shape.dim])
        for output in proto.graph.output
    ]


def write_weights(directory: Path, content: bytes, recovered: str = "") -> WeightsFile:
    """Write the weights file into a package's directory.

    Args:
        directory: the package's directory.
        content: what :meth:`edge_irdet.network.weights.NetworkWeights.encode` gives.
        recovered: see :class:`edge_irdet.provenance.WeightsFile`.

    Returns:
        Its entry in the manifest.

    Raises:
        OutputFailedError: it could not be written.
    """
    write_bytes_atomically(directory / WEIGHTS_NAME, content)
    return WeightsFile(
        file=WEIGHTS_NAME,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        recovered=recovered,
    )


def _mapping(checkpoint: Checkpoint, config: ExportConfig) -> SixteenBitSpec | None:
    trained, asked = checkpoint.sixteen_bit, config.sixteen_bit
    if trained is not None and asked is not None and asked != trained:
        raise CheckpointMismatchError(
            f"the network was trained on 16-bit images mapped by {trained.mapping.value} "
            f"{trained.low:g},{trained.high:g}, and the export asks for {asked.mapping.value} "
            f"{asked.low:g},{asked.high:g}",
            "omit --map16: the package then states the mapping of the training",
        )
    return asked or trained


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 4)
