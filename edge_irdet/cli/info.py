"""``edge-irdet info``: what a variant costs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
import cloup
from rich.table import Table

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import (
    Size,
    json_option,
    option,
    require_extra,
)


@cloup.command("info", cls=Command, short_help="Parameters, operations and memory of a network variant.")
@cloup.argument("variant")
@option("--size", type=Size(), default="320", help="Network input.")
@option("--classes", type=click.IntRange(min=1), default=1, metavar="N", help="Target classes.")
@json_option
def info_command(variant: str, size: tuple[int, int], classes: int, as_json: bool) -> None:
    """Show parameters, operations and memory of VARIANT per stage, beside the figures of the paper.

    \b
    Example: edge-irdet info light-sgmtlm-reduced --size 416
    """
    require_extra("train", "torch")
    from edge_irdet.network.counting import count_network
    from edge_irdet.network.published import PUBLISHED
    from edge_irdet.network.variants import build_network, variant_config

    count = count_network(build_network(variant_config(variant, classes)), size)
    published = PUBLISHED.get(variant)
    published_flops = published.flops.get(size[0]) if published and size[0] == size[1] else None
    if as_json:
        print(
            json.dumps(
                {
                    "variant": variant,
                    "size": list(size),
                    "classes": classes,
                    "parameters": count.parameters,
                    "macs": count.macs,
                    "torchstat_flops": count.torchstat_flops,
                    "activation_bytes": count.activation_bytes,
                    "paper_parameters": published.parameters if published else None,
                    "paper_gflops": published_flops,
                    "stages": [asdict(stage) for stage in count.stages],
                },
                indent=2,
            )
        )
        return
    table = Table(title=f"{variant} at {size[0]}x{size[1]}, {classes} class{'es' if classes > 1 else ''}")
    table.add_column("stage")
    for heading in ("output", "parameters", "MACs (M)", "torchstat FLOPs (M)", "activations (MB)"):
        table.add_column(heading, justify="right")
    for stage in count.stages:
        table.add_row(
            stage.name,
            stage.output,
            f"{stage.parameters:,}",
            f"{stage.macs / 1e6:,.1f}",
            f"{stage.torchstat_flops / 1e6:,.1f}",
            f"{stage.activation_bytes / 1e6:,.2f}",
        )
    table.add_section()
    table.add_row(
        "all",
        "",
        f"{count.parameters:,}",
        f"{count.macs / 1e6:,.1f}",
        f"{count.torchstat_flops / 1e6:,.1f}",
        f"{count.activation_bytes / 1e6:,.2f}",
    )
    console = PlainConsole()
    console.print(table)
    ours = f"{count.parameters / 1e6:.3f} M ({count.parameters / 2**20:.3f} Mi) parameters"
    console.print(f"ours:  {ours}, {count.torchstat_flops / 1e9:.3f} G by torchstat's rule")
    if published:
        flops = f"{published_flops:.2f} G" if published_flops else "no figure at this size"
        console.print(f"paper: {published.parameters} parameters, {flops}")
        if published.note:
            console.print(f"note:  {published.note}")
