"""All errors by code."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from edge_irdet.errors.base import EdgeIrdetError
from edge_irdet.errors.options import OptionError

AREAS = {
    1: "Sources and frames",
    2: "Model packages",
    3: "Labelled data",
    4: "Training, export and calibration",
    5: "Outputs",
    6: "Runners and engines",
    7: "Options",
}
"""What the hundreds stand for."""


LONGEST_SHOWN = 20
"""Characters of a wrong code that its error quotes."""


def all_errors() -> list[type[EdgeIrdetError]]:
    """Every error class, by rising code."""
    return sorted(_subclasses(EdgeIrdetError), key=lambda error: error.code)


def find_error(code: str) -> type[EdgeIrdetError]:
    """The error class of a code.

    Args:
        code: ``E608``; ``e608`` and ``608`` are taken too.

    Raises:
        OptionError: there is no such code; names the nearest.
    """
    known = {error.code: error for error in all_errors()}
    wanted = code.strip().upper()
    wanted = wanted if wanted.startswith("E") else f"E{wanted}"
    if wanted in known:
        return known[wanted]
    begun = [one for one in known if one.startswith(wanted) and wanted != "E"]
    near = begun[:4] or difflib.get_close_matches(wanted, known, n=4, cutoff=0.6)
    listed = "; ".join(f"{one} {known[one].title}" for one in sorted(near))
    shown = code if len(code) <= LONGEST_SHOWN else code[:LONGEST_SHOWN] + "..."
    raise OptionError(
        f"there is no error code {shown!r}" + (f"; near: {listed}" if near else ""),
        "edge-irdet explain, without a code, lists all",
    )


def explanation(error: type[EdgeIrdetError]) -> list[tuple[str, str]]:
    """The parts of an error's explanation, each with its heading."""
    return [("When", error.when), ("Check", error.check), ("Fix", error.fix)]


def describe_error(error: type[EdgeIrdetError]) -> dict[str, str]:
    """An error as plain values, for programs in other languages; the keys are those of ``errors.json``."""
    parts = {name.lower(): text for name, text in explanation(error)}
    return {"code": error.code, "class": error.__name__, "title": error.title, **parts}


def _subclasses(error: type[EdgeIrdetError]) -> Iterator[type[EdgeIrdetError]]:
    for one in error.__subclasses__():
        if one.__module__.startswith("edge_irdet.errors."):
            yield one
        yield from _subclasses(one)
