"""Option types that several commands share."""

from __future__ import annotations

import importlib
from enum import Enum
from typing import Any

import click

from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError
from edge_irdet.errors.installation import install_step
from edge_irdet.package import SixteenBitSpec


class Size(click.ParamType[tuple[int, int]]):
    """``320`` for a square, or ``640x512`` for width x height; at least 32 and multiples of 32."""

    name = "N|WxH"

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


map16_option = click.option(
    "--map16",
    type=Mapping16(),
    help="How 16-bit frames become 8 bits: linear-percentile[:LOW,HIGH] (percentiles, default 0.5,99.9), "
    "fixed-range:LOW,HIGH (counts), or plateau[:PERCENT,GAIN[,LINEAR]] (histogram equalisation: no count "
    "weighs more than PERCENT of the pixels, at most GAIN grey levels a count, LINEAR percent of the levels "
    "spread evenly; default 0.03,4,50). @FRAMES behind it smooths the mapping over so many frames, as in "
    "linear-percentile@15; plateau does so anyway. Without it 16-bit frames are refused unless the package "
    "names a mapping.",
)


def choice_of(values: type[Enum]) -> click.Choice[str]:
    """A choice among the values of an enumeration, as they are written in files and documents."""
    return click.Choice([str(member.value) for member in values])


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
