"""``edge-irdet package``: what can be done with a package as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict

import cloup

from edge_irdet.cli.formatting import Group
from edge_irdet.cli.options import (
    json_option,
    option,
)
from edge_irdet.engine.tensorrt.store import trust_engines
from edge_irdet.intake import one_line
from edge_irdet.package import open_package
from edge_irdet.package_verification import verify_package


@cloup.group("package", cls=Group, short_help="Verify a model package, or trust its engines.")
def package_commands() -> None:
    """Inspect model packages."""


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
        print(f"trusted: {engine.path}\n  {engine.identity}")
    if not trusted:
        print(f"{opened.directory} has no engine of another machine")


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
    print(f"{opened.directory}: {manifest.name}, {manifest.variant}, {', '.join(manifest.classes)}")
    state = "as given" if manifest_sha256 is not None else "compare it with what the sender states"
    print(f"  package.json  {verified.manifest_sha256}  ({state})")
    for precision, digest in verified.graphs.items():
        print(f"  {precision:<12}  {digest}  ok")
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
