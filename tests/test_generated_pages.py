"""The generated parts of docs/reference/ are what docs/generate.py makes of this code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import click
import pytest

from edge_irdet.cli import commands

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


def test_generating_twice_gives_the_same() -> None:
    assert generator.generated_files() == generator.generated_files()


def test_every_command_and_option_is_in_the_page() -> None:
    page = (SCRIPT.parent / "reference" / "cli.md").read_text(encoding="utf-8")
    for name, command in commands.commands.items():
        assert f"### {name}\n" in page
        for option in command.params:
            assert isinstance(option, click.Argument) or f"`{option.opts[0]}" in page


def test_text_outside_of_the_marks_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- generated: x -->\nold\\1\n<!-- end generated -->\nafter\n")
    made = generator.put_between(page, "x", "new\\1\n")
    assert made == "before\n<!-- generated: x -->\nnew\\1\n<!-- end generated -->\nafter\n"
    with pytest.raises(ValueError, match="generated: y"):
        generator.put_between(page, "y", "")


@pytest.mark.parametrize("page", ["record", "package"])
def test_every_field_has_a_meaning(page: str) -> None:
    text = (SCRIPT.parent / "reference" / f"{page}.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.endswith("|  |")] == []
