"""``edge-irdet package``: what can be done with a package as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from edge_irdet.package import open_package
from edge_irdet.package_verification import verify_package


@click.group("package")
def package_commands() -> None:
    """Look after model packages."""


@package_commands.command("verify")
@click.argument("package")
@click.option("--manifest-sha256", metavar="HEX", help="What package.json's own SHA-256 has to be.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the text.")
def verify_command(package: str, manifest_sha256: str | None, as_json: bool) -> None:
    """Check PACKAGE, a directory or a shipped name, against its hashes before it is used.

    That the files belong together does not say who made them: have the sender state the manifest's SHA-256
    by another way, and give it here.

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
        print(f"  trained on {data.name} {data.split}, {data.images} images, licence: {data.licence}")
    for engine in verified.engines:
        print(
            f"  {engine}: native code that no hash here covers; delete it and build it on this device: "
            f"edge-irdet build {package}"
        )
    for name in verified.unnamed:
        print(f"  {name}: not named by the manifest, nothing reads it")
