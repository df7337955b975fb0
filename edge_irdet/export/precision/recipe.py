"""Calibration recipes: how a precision is made, read from YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from edge_irdet.errors import ExtraMissingError, RecipeError
from edge_irdet.errors.installation import install_step
from edge_irdet.intake import (
    MEBIBYTE,
    ContentMissingError,
    ContentRefusedError,
    decode_yaml,
    read_utf8_file,
)


class RangeMethod(str, Enum):
    """How an activation's range is found from its values on the calibration frames."""

    MINMAX = "minmax"
    """The largest magnitude seen. A target is the rare bright value of its map: nothing is clipped."""

    PERCENTILE = "percentile"
    """The magnitude that a share of the values stays under; the rest, targets among them, is clipped."""


class Remainder(str, Enum):
    """Precision of what an INT8 graph does not quantise."""

    FP32 = "fp32"
    """No casts in the graph. TensorRT up to 10.x with its INT8 and FP16 flags still runs these nodes in FP16;
    a strongly typed build runs them in FP32."""

    FP16 = "fp16"
    """FP16 between the quantised convolutions, for strongly typed builds."""


@dataclass(frozen=True)
class Int8Recipe:
    """How the INT8 graph is made."""

    method: RangeMethod = RangeMethod.MINMAX
    """How activation ranges are found."""

    percentile: float = 99.999
    """Share of the values, in percent, that :attr:`RangeMethod.PERCENTILE` keeps unclipped."""

    images: int = 128
    """Calibration frames, drawn from the split without the gate's frames; fewer where it has fewer."""

    seed: int = 0
    """Decides which frames are drawn."""

    keep_float: tuple[str, ...] = ()
    """Patterns (as in a shell) of convolutions that are not quantised."""

    remainder: Remainder = Remainder.FP32
    """Precision of the network's nodes that are not quantised; the decode is FP32 in any case."""


@dataclass(frozen=True)
class Fp16Recipe:
    """How the FP16 graph is made."""

    keep_float: tuple[str, ...] = ()
    """Patterns (as in a shell) of nodes that stay FP32."""


@dataclass(frozen=True)
class Recipe:
    """How the reduced-precision graphs of one package are made."""

    name: str = "default"
    """Name in reports."""

    int8: Int8Recipe = field(default_factory=Int8Recipe)
    """The INT8 graph."""

    fp16: Fp16Recipe = field(default_factory=Fp16Recipe)
    """The FP16 graph."""

    def __post_init__(self) -> None:
        if self.int8.images < MINIMUM_IMAGES:
            raise RecipeError(
                f"the recipe {self.name!r} calibrates on {self.int8.images} images; "
                f"ranges need at least {MINIMUM_IMAGES}",
                "set int8.images to 32 or more",
            )
        if not 0 <= self.int8.seed < 2**63:
            raise RecipeError(
                f"the recipe {self.name!r} has the seed {self.int8.seed}", "set int8.seed to 0 or more"
            )
        if not 0.0 < self.int8.percentile <= 100.0:
            raise RecipeError(
                f"the recipe {self.name!r} has the percentile {self.int8.percentile}",
                "set int8.percentile to 99.999, or anything above 0 and up to 100",
            )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for reports and the manifest."""
        return dict(msgspec.to_builtins(asdict(self)))


MAX_RECIPE_BYTES = MEBIBYTE
"""Largest recipe that is read."""

MINIMUM_IMAGES = 8
"""Fewer frames say too little about the ranges: one frame misses every scene but its own."""


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML with the fields of :class:`Recipe`; those left out keep their defaults. ``name`` is the
            file's name where it is left out.

    Raises:
        RecipeError: no file, not YAML, a field that is unknown or has a wrong value.
        ExtraMissingError: PyYAML is not installed.
    """
    next_step = "compare it with calibration/light-sgmtlm-reduced.yaml and docs/background/precision.md"
    try:
        content = decode_yaml(read_utf8_file(path, MAX_RECIPE_BYTES))
    except ImportError as error:
        raise ExtraMissingError(f"reading a recipe needs PyYAML: {error}", install_step("train")) from error
    except ContentMissingError as error:
        raise RecipeError(f"the recipe {path} {error.reason}", "ls calibration/") from error
    except ContentRefusedError as error:
        raise RecipeError(f"the recipe {path} {error.reason}", next_step) from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise RecipeError(f"{path} holds {type(content).__name__}, not fields with values", next_step)
    try:
        return _decode({"name": path.stem, **content})
    except (msgspec.ValidationError, TypeError, OverflowError, RecursionError) as error:
        raise RecipeError(f"{path}: {error}", next_step) from error


def _decode(content: dict[Any, Any]) -> Recipe:
    # msgspec ignores unknown fields of dataclasses; a misspelt field must not quietly change nothing.
    for where, fields, known in (
        ("", content, Recipe),
        ("int8.", content.get("int8"), Int8Recipe),
        ("fp16.", content.get("fp16"), Fp16Recipe),
    ):
        names = {item.name for item in dataclasses.fields(known)}
        unknown = [str(name) for name in fields if name not in names] if isinstance(fields, dict) else []
        if unknown:
            raise msgspec.ValidationError(
                f"unknown field {where}{unknown[0]}; known are {', '.join(sorted(names))}"
            )
    return msgspec.convert(content, Recipe)


def matching_nodes(patterns: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """Names that match any of the patterns, in their order.

    Raises:
        RecipeError: a pattern matches none; a misspelt pattern must not quietly protect nothing.
    """
    names = tuple(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            stages = ", ".join(dict.fromkeys("/".join(name.split("/")[:4]) for name in names))
            raise RecipeError(
                f"the pattern {pattern!r} matches no node of the graph",
                f"name nodes under: {stages[:600]}",
            )
    return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
