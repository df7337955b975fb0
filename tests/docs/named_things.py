"""Files, modules and Python code that the pages name."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from markdown_pages import ROOT, Page

FOLDERS = "edge_irdet|benchmarks|docs|jetson|tests|calibration|examples"

_PATH = re.compile(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./*{{}},-]*")
_PLACEHOLDER = re.compile(r"(?:^|/)[A-Z]{3,}\b")
_DOTTED = re.compile(r"(?<!\w)edge_irdet(?!\.(?:h|so)\b)(?:\.\w+)+")


def missing_paths(page: Page, root: Path = ROOT) -> Iterator[str]:
    """Paths of the project, in backticks or code blocks, that are not there."""
    for text in [*page.spans, *(block.text for block in page.blocks)]:
        for match in _PATH.finditer(text):
            name = match[0].rstrip(".,")
            if _PLACEHOLDER.search(name) or "{" in name:
                continue
            if not any(any(place.glob(name.rstrip("/"))) for place in (root, root / "jetson" / "include")):
                yield name


def missing_names(page: Page) -> Iterator[str]:
    """Dotted names of the package, in backticks, that cannot be imported."""
    for span in page.spans:
        for match in _DOTTED.finditer(span):
            if not can_be_had(match[0]):
                yield match[0]


def can_be_had(name: str) -> bool:
    """Whether a dotted name is a module or something in one.

    A module whose own imports are not installed here counts as there.
    """
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if error.name is not None and not name.startswith(error.name):
                return True
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def faults_of_python(text: str) -> Iterator[str]:
    """Why a Python block would not compile, or which of its imports of the package are dead."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield f"line {error.lineno}: {error.msg}"
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "edge_irdet" and not can_be_had(name):
                yield f"line {node.lineno}: there is no {name}"
