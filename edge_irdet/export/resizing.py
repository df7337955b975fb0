"""A package at another input size, from the weights that it carries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import OptionError, ParityError, WeightsInvalidError
from edge_irdet.export.graph import DeployedGraph, export_onnx
from edge_irdet.export.package_directory import new_package, require_package_place
from edge_irdet.export.package_writer import (
    GRAPH_NAME,
    input_spec,
    output_specs,
    require_input_size,
    write_weights,
)
from edge_irdet.export.parity import ParityReport, check_parity
from edge_irdet.network.weights import package_weights
from edge_irdet.package import (
    MANIFEST_NAME,
    GraphFile,
    Package,
    Precision,
    encode_manifest,
)
from edge_irdet.provenance import OperatingPoint
from edge_irdet.weights_file import read_weights


@dataclass(frozen=True)
class ResizeReport:
    """What was compared."""

    weights: ParityReport
    """The weights against the package's own graph, at its own size."""

    graph: ParityReport
    """The weights against the new graph, at the new size."""


def resize_package(
    package: Package,
    size: tuple[int, int],
    directory: Path,
    frames: Iterable[NDArray[np.uint8] | NDArray[np.uint16]],
) -> ResizeReport:
    """Export a package's weights at another input size, as a new package of FP32.

    The score threshold stays; figures, operating point and the graphs of other precisions are of the old size
    and are left out. The package appears under its name only when it is complete.

    Args:
        package: the package, which carries its weights.
        size: network input (width, height), multiples of 32.
        directory: of the new package.
        frames: grey frames on which the graphs are compared; all are held in memory.

    Raises:
        OptionError: a size that is not a multiple of 32, or a directory that is not a package or is the
            package itself.
        WeightsMissingError, PackageHashError: see :func:`edge_irdet.weights_file.read_weights`.
        WeightsInvalidError: the weights cannot be read, or give other detections than the package's graph.
        ParityError: the new graph disagrees with torch; nothing was written.
        OutputFailedError: the package could not be written.
    """
    require_input_size(size)
    require_package_place(directory)
    if directory.exists() and directory.samefile(package.directory):
        raise OptionError(f"{directory} is the package that is read", "name another directory with -o")
    manifest = package.manifest
    weights = package_weights(package)
    saliency = any(output.name == "saliency" for output in manifest.outputs)
    graph = DeployedGraph(weights.network(), saliency)
    shown = list(frames)
    own = check_parity(graph, package.read_graph(), manifest.preprocess, manifest.input, shown)
    try:
        own.require_passed()
    except ParityError as error:
        raise WeightsInvalidError(
            f"the weights of {package.directory} give other detections than its graph: {error.what}",
            "fetch the package again, or export it again from its checkpoint",
        ) from error
    proto = export_onnx(graph, size)
    network_input = input_spec(size)
    with new_package(directory) as building:
        content = proto.SerializeToString(deterministic=True)
        (building / GRAPH_NAME).write_bytes(content)
        report = check_parity(graph, content, manifest.preprocess, network_input, shown)
        report.require_passed()
        stated = manifest.training.weights
        entry = write_weights(building, read_weights(package), "" if stated is None else stated.recovered)
        resized = msgspec.structs.replace(
            manifest,
            name=directory.name,
            input=network_input,
            outputs=output_specs(proto),
            graphs={Precision.FP32: GraphFile(file=GRAPH_NAME, sha256=hashlib.sha256(content).hexdigest())},
            training=msgspec.structs.replace(manifest.training, weights=entry),
            operating_point=OperatingPoint(),
            metrics={},
        )
        (building / MANIFEST_NAME).write_bytes(encode_manifest(resized))
    return ResizeReport(own, report)
