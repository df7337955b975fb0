"""Options and their types that several commands share."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import cloup

from edge_irdet.cli.formatting import Option
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError
from edge_irdet.errors.installation import install_step
from edge_irdet.package import NmsRule, SixteenBitSpec

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

option = partial(cloup.option, cls=Option)
"""``click.option`` for the commands of this package."""

LIST_SEPARATOR = ";"
"""Between the values of a repeatable option in its environment variable. Blanks and commas would not do: they
occur in file names and in GStreamer pipelines."""


class Size(click.ParamType[tuple[int, int]]):
    """``320`` for a square, or ``640x512`` for width x height; at least 32 and multiples of 32."""

    name = "N|WxH"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """As it is written, which is lower case."""
        return self.name

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(width, height)."""
        if isinstance(value, tuple):
            return value
        width, _, height = str(value).lower().partition("x")
        if not width.isdigit() or (height and not height.isdigit()):
            self.fail(f"{value!r} is not a size; write 320 or 640x512", param, ctx)
        size = (int(width), int(height or width))
        if min(size) < 32 or size[0] % 32 or size[1] % 32:
            self.fail(f"{value!r} is not a multiple of 32 in both directions, at least 32", param, ctx)
        return size


class Mapping16(click.ParamType[SixteenBitSpec]):
    """What :func:`edge_irdet.detection.sixteen_bit.text.parse_mapping` reads."""

    name = "MAPPING"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SixteenBitSpec:
        """The mapping's specification."""
        if isinstance(value, SixteenBitSpec):
            return value
        try:
            return parse_mapping(str(value))
        except EdgeIrdetError as error:
            self.fail(f"{error.what}; {error.next_step}", param, ctx)


class Uri(click.ParamType[str]):
    """A source's or an output's URI; several in an environment variable stand between semicolons."""

    name = "URI"

    def split_envvar_value(self, rv: str) -> list[str]:
        """The URIs of an environment variable."""
        return [part.strip() for part in rv.split(LIST_SEPARATOR) if part.strip()]


def choice_of(values: type[Enum]) -> click.Choice[str]:
    """A choice among the values of an enumeration, as they are written in files and documents."""
    return click.Choice([str(member.value) for member in values])


FILE = click.Path(path_type=Path)
"""A path, which the API checks."""

MAP16: dict[str, Any] = {
    "type": Mapping16(),
    "show_default": "the package's",
    "help": "Mapping of 16-bit frames to 8 bits: linear-percentile[:LOW,HIGH] (percentiles, 0.5,99.9), "
    "fixed-range:LOW,HIGH (counts) or plateau[:PERCENT,GAIN[,LINEAR]] (histogram equalisation with limits, "
    "0.03,4,50). A suffix @FRAMES smooths it over frames, as in linear-percentile@15. Without a mapping "
    "16-bit frames are refused.",
}
"""Attributes of ``--map16``."""

THREADS: dict[str, Any] = {
    "type": click.IntRange(min=0),
    "default": 0,
    "metavar": "N",
    "help": "CPU threads; 0 takes one per core.",
}
"""Attributes of ``--threads``."""

map16_option = option("--map16", **MAP16)

layout_option = option(
    "--layout",
    default="auto",
    metavar="LAYOUT",
    help="Layout of the data set: auto, nuaa, yolo, coco, voc or videos.",
)

every_option = option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="1",
    help="Every N-th frame of videos.",
)

data_option = option("--data", type=FILE, required=True, help="Folder of the data set.")

nms_option = option("--nms", type=choice_of(NmsRule), show_default="the package's", help="Suppression rule.")

json_option = option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def environment_option(*names: str, **attributes: Any) -> Callable[[CommandT], CommandT]:
    """An option that an environment variable sets too: ``--health-file`` is ``EDGE_IRDET_HEALTH_FILE``."""
    long = next(name for name in names if name.startswith("--"))
    variable = "EDGE_IRDET_" + long.removeprefix("--").replace("-", "_").upper()
    return option(*names, envvar=variable, show_envvar=True, **attributes)


def require_extra(extra: str, *modules: str) -> None:
    """Check that the modules of an optional part are installed.

    Raises:
        ExtraMissingError: one is not.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ExtraMissingError(
                f"this command needs the extra [{extra}]; {error.name or module} cannot be imported: {error}",
                install_step(extra),
            ) from error
