"""``edge-irdet package``: what can be done with a package as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cloup

from edge_irdet.cli.export import SYNTHETIC_FRAMES, parity_frames
from edge_irdet.cli.formatting import Group
from edge_irdet.cli.options import (
    FILE,
    Size,
    json_option,
    layout_option,
    option,
    require_extra,
)
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.engine.tensorrt.store import trust_engines
from edge_irdet.errors import OptionError
from edge_irdet.intake import one_line
from edge_irdet.package import DEFAULT_PACKAGE, open_package
from edge_irdet.package_verification import verify_package


@cloup.group("package", cls=Group, short_help="Find, verify, resize or trust a model package.")
def package_commands() -> None:
    """Inspect model packages, and make others from their weights."""


@package_commands.command("path", short_help="Print where a package lies.")
@cloup.argument("package", default=DEFAULT_PACKAGE)
def path_command(package: str) -> None:
    """Print the directory of PACKAGE, a shipped name or a directory; without it, of the default package.

    For programs that read the package themselves, and for copying a shipped one.

    \b
    Example: cp -r "$(edge-irdet package path light-sgmtlm-reduced)" my-package
    """
    print(open_package(package).directory.absolute())


@package_commands.command("trust", short_help="Trust engines that another machine built.")
@cloup.argument("package")
def trust_command(package: str) -> None:
    """Trust the engines of PACKAGE, a directory or a shipped name, as if this machine had built them.

    An engine is native code of whoever built it. Use this for engines that you built on another board
    of the same kind. No other command makes an engine of another machine load.

    \b
    Example: edge-irdet package trust my-package
    """
    opened = open_package(package)
    trusted = trust_engines(opened)
    for engine in trusted:
        print(one_line(f"trusted: {engine.path}"), one_line(f"  {engine.identity}"), sep="\n")
    if not trusted:
        print(one_line(f"{opened.directory} has no engine of another machine"))


@package_commands.command("verify", short_help="Compare the files of a package with its hashes.")
@cloup.argument("package")
@option("--manifest-sha256", metavar="HEX", help="Expected SHA-256 of package.json itself.")
@json_option
def verify_command(package: str, manifest_sha256: str | None, as_json: bool) -> None:
    """Check PACKAGE, a directory or a shipped name, against its hashes before it is used.

    The hashes show that the files belong together, not who made them. Ask the sender for the SHA-256 of
    package.json through another channel, and pass it as --manifest-sha256.

    \b
    Example: edge-irdet package verify received-package --manifest-sha256 9f2c...
    """
    opened = open_package(package)
    verified = verify_package(opened, manifest_sha256)
    if as_json:
        print(json.dumps(asdict(verified), indent=2))
        return
    manifest = opened.manifest
    classes = ", ".join(manifest.classes)
    print(one_line(f"{opened.directory}: {manifest.name}, {manifest.variant}, {classes}"))
    state = "as given" if manifest_sha256 is not None else "compare it with what the sender states"
    print(f"  package.json  {verified.manifest_sha256}  ({state})")
    for precision, digest in verified.graphs.items():
        print(f"  {precision:<12}  {digest}  ok")
    if verified.weights is not None:
        print(f"  {'weights':<12}  {verified.weights}  ok")
    for data in manifest.training_data:
        print(
            one_line(f"  trained on {data.name} {data.split}, {data.images} images, licence: {data.licence}")
        )
    for engine in verified.engines:
        print(
            f"  {one_line(engine)}: native code that no hash here covers; "
            "delete it and build it on this device: "
            f"edge-irdet build {package}"
        )
    for name in verified.unnamed:
        print(one_line(f"  {name}: not named by the manifest, nothing reads it"))


@package_commands.command("resize", short_help="Export a package at another input size.")
@cloup.argument("package")
@option("--size", type=Size(), required=True, help="Network input.")
@option(
    "-o", "--output", "directory", type=FILE, required=True, metavar="PACKAGE", help="The package to write."
)
@option(
    "--frames",
    default=SYNTHETIC_FRAMES,
    metavar="URI",
    help="Source of the frames on which the graphs are compared; name real ones.",
)
def resize_command(package: str, size: tuple[int, int], directory: Path, frames: str) -> None:
    """Export PACKAGE, a directory or a shipped name, at another input size, from the weights it carries.

    Small targets keep their pixels where the network input is as large as the frame. The new package has an
    FP32 graph and the old score threshold; choose the threshold and calibrate again on your data.

    \b
    Example:
      edge-irdet package resize light-sgmtlm-reduced-general --size 640x512 \\
        -o my-package
    """
    require_extra("train", "torch", "onnx", "onnxsim")
    from edge_irdet.export.resizing import resize_package

    with parity_frames(frames) as images:
        report = resize_package(open_package(package), size, directory, images)
    worst = report.graph.worst
    print(
        f"parity over {report.graph.frames} frames of {frames}: boxes {worst.box_pixels:.2g} px "
        f"({worst.live_boxes} boxes compared), scores {worst.score:.2g}\n"
        f"written: {directory}, FP32 only, without the figures of the old size\n"
        f"next: edge-irdet threshold {directory} --data DIR --split LIST --write"
    )


@package_commands.command("recover-weights", short_help="Take lost weights back from the graph.")
@cloup.argument("package")
@option(
    "--data",
    "folders",
    type=FILE,
    required=True,
    multiple=True,
    help="Folder of a data set it was trained on. Repeat it, with --split, for several sets.",
)
@option("--split", "splits", required=True, multiple=True, help="Train list; one per --data.")
@layout_option
def recover_weights_command(
    package: str, folders: tuple[Path, ...], splits: tuple[str, ...], layout: str
) -> None:
    """Take the weights of PACKAGE back from its FP32 graph, where the checkpoint is lost.

    The package then carries weights.safetensors, for edge-irdet train --init and edge-irdet package resize.
    Training images give the statistics that the graph no longer has. A graph without saliency map does not
    have the saliency head, which a training starts from random values.

    \b
    Example:
      edge-irdet package recover-weights my-package --data nuaa_sirst \\
        --split split73_grouped_train.txt
    """
    require_extra("train", "torch", "onnx")
    from edge_irdet.export.recovery import recover_weights

    if len(folders) != len(splits):
        raise OptionError(
            f"there are {len(folders)} --data and {len(splits)} --split", "give one --split after each --data"
        )
    opened = open_package(package)
    datasets = [read_dataset(folder, split, layout) for folder, split in zip(folders, splits, strict=True)]
    report = recover_weights(opened, datasets)
    worst = report.worst
    print(
        f"weights against the graph over {report.frames} images: boxes {worst.box_pixels:.2g} px "
        f"({worst.live_boxes} boxes compared), scores {worst.score:.2g}\n"
        f"written: {opened.directory}\n"
        f"next: edge-irdet train --init {package} --data DIR --split LIST --run-dir RUN"
    )
