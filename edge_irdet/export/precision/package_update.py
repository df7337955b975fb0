"""Putting graphs into a model package that stays valid at every moment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import onnx

from edge_irdet.files import write_bytes_atomically
from edge_irdet.package import (
    MANIFEST_NAME,
    GraphFile,
    Manifest,
    Package,
    Precision,
    encode_manifest,
)
from edge_irdet.provenance import PrecisionFigures


def put_graphs(
    package: Package,
    graphs: Mapping[Precision, onnx.ModelProto],
    metrics: Mapping[Precision, PrecisionFigures],
) -> Package:
    """Write graphs as ``model.PRECISION.onnx`` and enter them in the manifest.

    Whoever opens the package meanwhile finds a manifest whose every graph is there with its hash: a precision
    that is replaced leaves the manifest first and comes back when its new file is complete.

    Args:
        package: the package.
        graphs: graphs to put in; may be empty.
        metrics: figures to enter, also of precisions that keep their graph.

    Returns:
        The package opened anew.

    Raises:
        OutputFailedError: something could not be written; the package is valid, without the new graphs.
    """
    kept = {name: graph for name, graph in package.manifest.graphs.items() if name not in graphs}
    if len(kept) < len(package.manifest.graphs):
        _write(package, msgspec.structs.replace(package.manifest, graphs=kept))
    added = {}
    for precision, graph in graphs.items():
        file = f"model.{precision.value}.onnx"
        content = graph.SerializeToString(deterministic=True)
        write_bytes_atomically(package.directory / file, content)
        added[precision] = GraphFile(file=file, sha256=hashlib.sha256(content).hexdigest())
    manifest = msgspec.structs.replace(
        package.manifest, graphs={**kept, **added}, metrics={**package.manifest.metrics, **metrics}
    )
    _write(package, manifest)
    return Package(package.directory)


def _write(package: Package, manifest: Manifest) -> None:
    write_bytes_atomically(package.directory / MANIFEST_NAME, encode_manifest(manifest))
