"""The weights file of a package, checked against its manifest before anybody reads a number of it."""

from __future__ import annotations

import hashlib

from edge_irdet.errors import PackageHashError, WeightsMissingError
from edge_irdet.intake import ContentRefusedError, read_regular_file
from edge_irdet.package import Package

MAX_WEIGHTS_BYTES = 2**30
"""Largest weights file that is read; that of the full model has 190 MB."""


def read_weights(package: Package) -> bytes:
    """Content of the weights file; these very bytes have the size and the SHA-256 of the manifest.

    Raises:
        WeightsMissingError: the package carries no weights.
        PackageHashError: the file is absent or is not the one the manifest describes.
    """
    stated = package.manifest.training.weights
    if stated is None:
        raise WeightsMissingError(
            f"{package.directory} carries graphs, and no weights that a training or another export could "
            "start from",
            "export it again from its checkpoint, or, where that is lost: "
            f"edge-irdet package recover-weights {package.directory} --data DIR --split LIST",
        )
    path = package.directory / stated.file
    next_step = "fetch the package again; its graphs can be used without the weights"
    try:
        content = read_regular_file(path, min(stated.bytes, MAX_WEIGHTS_BYTES))
    except ContentRefusedError as error:
        raise PackageHashError(f"{path} {error.reason}", next_step) from error
    found = hashlib.sha256(content).hexdigest()
    if found != stated.sha256:
        raise PackageHashError(f"{path} has SHA-256 {found}, the manifest says {stated.sha256}", next_step)
    return content
