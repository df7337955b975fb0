"""2xx: model packages."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class PackageMissingError(EdgeIrdetError):
    """There is no model package at the given path or under the given name."""

    code = "E201"
    title = "package missing"
    when = "The directory does not exist, or holds no `package.json`."
    check = "`ls` the directory. The message lists the packages that are shipped."
    fix = "Name a package directory or a shipped package."


class ManifestInvalidError(EdgeIrdetError):
    """``package.json`` is not valid: not JSON, a field missing, of a wrong type or out of range."""

    code = "E202"
    title = "manifest invalid"
    when = "`package.json` is not JSON, lacks a field, or has a field of a wrong type or out of range."
    check = "The message gives the path of the field."
    fix = "Export the package again. Do not edit manifests by hand."


class PackageHashError(EdgeIrdetError):
    """A file of the package does not have the SHA-256 that the manifest states, or is not there."""

    code = "E203"
    title = "package hash"
    when = "A file of the package is missing, or its SHA-256 differs from the one in the manifest."
    check = "`sha256sum` the file. The message gives both hashes."
    fix = "Copy the package again, or export it again. Do not run a graph of unknown origin."


class SchemaNewerError(EdgeIrdetError):
    """The package was written by a newer edge-irdet than this one."""

    code = "E204"
    title = "schema newer"
    when = "The package was written by a newer edge-irdet than this one."
    check = "The message gives both schema versions."
    fix = "Update the checkout of edge_irdet and install it again, or export the package with this version."


class PrecisionMissingError(EdgeIrdetError):
    """The package does not hold the precision that was asked for."""

    code = "E205"
    title = "precision missing"
    when = "The package does not hold the requested precision."
    check = "The message lists the precisions that the package holds."
    fix = "Choose one of them with `--precision`."


class GraphRefusedError(EdgeIrdetError):
    """A graph of the package is not what a package may hold: not ONNX, too large, or not whole by itself."""

    code = "E206"
    title = "graph refused"
    when = (
        "A graph has the SHA-256 of the manifest, but loads values from another file (external data), is not "
        "ONNX, or is too large. No hash of the manifest covers another file, so such a graph is never loaded."
    )
    check = "`ls -l` the package: files beside the graph that the manifest does not name."
    fix = (
        "Export the package again: `edge-irdet export` writes graphs that hold all their values. "
        "Do not run a graph of unknown origin."
    )


class WeightsMissingError(EdgeIrdetError):
    """The package does not carry the weights that a training or an export of it starts from."""

    code = "E207"
    title = "weights missing"
    when = (
        "`train --init` or `package resize` names a package without `weights.safetensors`: it was exported "
        "by an older edge-irdet, or with `--no-weights`."
    )
    check = "`training.weights` in `package.json`."
    fix = (
        "Export the package again from its checkpoint. Where the checkpoint is lost, `edge-irdet package "
        "recover-weights` gets the weights back from the graph."
    )


class WeightsInvalidError(EdgeIrdetError):
    """The package's weights file cannot be read, or is of another network than the package."""

    code = "E208"
    title = "weights invalid"
    when = (
        "The weights file of a package is not in safetensors format, holds a number that is not finite, or "
        "is of another variant, of other classes or of another graph than the package."
    )
    check = "The message gives what was found. `edge-irdet package verify` compares the file with its hash."
    fix = "Fetch the package again, export it again, or run `edge-irdet package recover-weights`."
