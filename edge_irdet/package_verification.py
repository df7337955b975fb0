"""Checking a package that came from elsewhere, before anything of it is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_irdet.errors import PackageHashError
from edge_irdet.package import ENGINES_FOLDER, MANIFEST_NAME, Package
from edge_irdet.weights_file import read_weights


@dataclass(frozen=True)
class PackageVerification:
    """What was found to be as the manifest says."""

    manifest_sha256: str
    """Of ``package.json`` itself: whoever sends a package can state it by another way, for then nobody can
    have changed both a graph and its hash."""

    graphs: dict[str, str]
    """Precision -> SHA-256 of its graph, each compared with the file."""

    weights: str | None
    """SHA-256 of the weights file, compared with the file; None where the package carries none."""

    engines: tuple[str, ...]
    """Engines in the package. No hash of the manifest covers them: an engine is native code of whoever built
    it, and belongs to the device that built it."""

    unnamed: tuple[str, ...]
    """Files that the manifest does not name, and that nothing reads."""


def verify_package(package: Package, manifest_sha256: str | None = None) -> PackageVerification:
    """Compare every file of a package with the manifest.

    Args:
        package: the opened package.
        manifest_sha256: what the manifest's own SHA-256 has to be, 64 hexadecimal digits; None: not checked.

    Raises:
        PackageHashError: the manifest, a graph or the weights file is not the one expected.
        GraphRefusedError: a graph is not ONNX, or loads values from another file.
    """
    manifest = package.directory / MANIFEST_NAME
    found = package.manifest_sha256
    if manifest_sha256 is not None and found != manifest_sha256.strip().lower():
        raise PackageHashError(
            f"{manifest} has SHA-256 {found}, expected was {manifest_sha256.strip().lower()}",
            "fetch the package again, and ask its sender for the hash by another way",
        )
    graphs = {}
    for precision, graph in package.manifest.graphs.items():
        package.read_graph(precision)
        graphs[precision.value] = graph.sha256
    weights = package.manifest.training.weights
    if weights is not None:
        read_weights(package)
    named = {MANIFEST_NAME, *package.manifest.files()}
    others = sorted(
        path.relative_to(package.directory) for path in package.directory.rglob("*") if not path.is_dir()
    )
    return PackageVerification(
        manifest_sha256=found,
        graphs=graphs,
        weights=None if weights is None else weights.sha256,
        engines=tuple(str(path) for path in others if _is_engine(path)),
        unnamed=tuple(
            str(path) for path in others if path.parts[0] != ENGINES_FOLDER and str(path) not in named
        ),
    )


def _is_engine(path: Path) -> bool:
    return path.parts[0] == ENGINES_FOLDER and path.suffix == ".engine"
