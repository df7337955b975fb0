"""``edge-irdet sources``: the cameras of this machine, and how every source is named."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import cloup
from rich.console import Console
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import json_option
from edge_irdet.stream.sources.opening import source_usages
from edge_irdet.stream.sources.v4l2 import CameraDescription, list_cameras


@cloup.command("sources", cls=Command, short_help="List cameras and the forms of --source.")
@json_option
def sources_command(as_json: bool) -> None:
    """List the V4L2 cameras of this machine with their formats, sizes and rates, and the forms of --source.

    A device that cannot be read is listed with the reason. Listing does not disturb a running camera.

    \b
    Example: edge-irdet sources --json
    """
    cameras = list_cameras()
    if as_json:
        usages = list(source_usages().values())
        print(json.dumps({"cameras": [_as_json(each) for each in cameras], "sources": usages}, indent=2))
        return
    # What is found is data: nothing of it is cut off or taken for markup.
    console = PlainConsole(highlight=False, soft_wrap=True)
    if not cameras:
        console.print("There is no camera on this machine: no /dev/video* device.")
    for camera in cameras:
        _print_camera(console, camera)
    console.print("\nSources that --source takes:")
    for usage in source_usages().values():
        console.print(f"  {usage}")


def _as_json(camera: CameraDescription) -> dict[str, Any]:
    described = asdict(camera)
    for offered in described["formats"]:
        offered.pop("code")
    return described


def _print_camera(console: Console, camera: CameraDescription) -> None:
    title = camera.device
    if camera.identity is not None:
        identity = camera.identity
        title += f"  {identity.card}  (driver {identity.driver}, bus {identity.bus})"
    console.print(title)
    for path in camera.stable_paths:
        console.print(f"  also {path}")
    if camera.problem is not None:
        console.print(f"  not usable: {camera.problem}")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for heading in ("  format", "readable", "sizes and rates", "driver's name"):
        table.add_column(heading, overflow="fold")
    for offered in camera.formats:
        sizes = "\n".join(str(size) for size in offered.sizes) or "not listed by its driver"
        table.add_row(
            f"  {offered.name}",
            "yes" if offered.readable else "no",
            sizes,
            offered.description,
        )
    console.print(table)
