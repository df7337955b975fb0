"""The generated parts of docs/reference/ are what docs/generate.py makes of this code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "generate.py"


def load_generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


generator = load_generator()


@pytest.mark.parametrize("path", generator.generated_files(), ids=lambda path: path.name)
def test_a_page_is_current(path: Path) -> None:
    expected = generator.generated_files()[path]
    assert path.read_text(encoding="utf-8") == expected, f"{path.name} is out of date: run `make docs`"
