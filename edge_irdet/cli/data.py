"""``edge-irdet data``: what can be done with a labelled data set before it is used."""

from __future__ import annotations

import json
from pathlib import Path

import cloup
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command, Group
from edge_irdet.cli.options import FILE, json_option, layout_option, option
from edge_irdet.dataset.checking import DatasetCensus, DatasetCheck, check_dataset, size_names
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.errors import LabelInvalidError
from edge_irdet.intake import one_line

LISTED = 200
"""Problems that are printed; --json prints all."""


@cloup.group("data", cls=Group, short_help="Check a labelled data set before it is used.")
def data_commands() -> None:
    """Work with labelled data sets."""


@data_commands.command("check", cls=Command, short_help="Census of a data set, and everything wrong with it.")
@cloup.argument("folder", type=FILE)
@option("--split", metavar="LIST", show_default="all images", help="List of images, or a part such as train.")
@layout_option
@json_option
def check_command(folder: Path, split: str | None, layout: str, as_json: bool) -> None:
    """Read every image and label of FOLDER, list all problems, and count images and targets.

    Exit code 2 if anything is wrong; warnings alone leave it 0.

    \b
    Example: edge-irdet data check my-set --split train
    """
    dataset = read_dataset(folder, split, layout)
    with Progress(console=PlainConsole(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=len(dataset))
        check = check_dataset(dataset, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        print(json.dumps(_as_json(check), indent=2))
    else:
        _print(check)
    if check.problems:
        counts = ", ".join(f"{count} x {kind}" for kind, count in check.by_code.most_common())
        raise LabelInvalidError(
            f"{check.name} has {len(check.problems)} problems: {counts}",
            "mend or remove what is listed above, then run the command again",
        )


def _as_json(check: DatasetCheck) -> dict[str, object]:
    census = check.census
    return {
        "name": check.name,
        "images": census.images,
        "images_without_targets": census.without_targets,
        "targets": {name: census.targets[name] for name in census.classes},
        "targets_by_size": {name: census.by_size[name] for name in size_names()},
        "image_sizes": {f"{width}x{height}": count for (width, height), count in census.sizes.items()},
        "pixel_types": dict(census.depths),
        "warnings": census.warnings(),
        "problems": [{"code": one.code, "what": one.what, "next": one.next_step} for one in check.problems],
    }


def _print(check: DatasetCheck) -> None:
    console = PlainConsole(highlight=False)
    for problem in check.problems[:LISTED]:
        console.print(Text(one_line(f"{problem.code} {problem.what}")), soft_wrap=True)
    if len(check.problems) > LISTED:
        console.print(f"... and {len(check.problems) - LISTED} more; --json lists all")
    console.print(_table(check.name, check.census))
    for warning in check.census.warnings():
        console.print(Text(one_line(f"warning: {warning}")), soft_wrap=True)


def _table(name: str, census: DatasetCensus) -> Table:
    table = Table(title=Text(one_line(name)), show_header=False)
    table.add_row("images", f"{census.images}, {census.without_targets} of them without targets")
    sizes = [f"{width}x{height}" for width, height in sorted(census.sizes)]
    shown = ", ".join(sizes) if len(sizes) <= 4 else f"{len(sizes)} sizes, {sizes[0]} to {sizes[-1]}"
    table.add_row("image sizes", shown or "none")
    table.add_row("pixels", ", ".join(sorted(census.depths)) or "none")
    for target_class in census.classes:
        table.add_row(Text(one_line(f"targets: {target_class}")), f"{census.targets[target_class]}")
    for size in size_names():
        if census.by_size[size]:
            table.add_row(f"  {size}", f"{census.by_size[size]}")
    return table
