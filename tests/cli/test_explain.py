from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from doubles.command_line import refused, run
from edge_irdet.errors.catalog import all_errors, describe_error

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"


def words(text: str) -> list[str]:
    """Words without Markdown's marks for headings, items and bold."""
    return re.sub(r"^### |^- |\*\*", "", text, flags=re.MULTILINE).split()


@pytest.mark.parametrize("code", ["E608", "e107", "404"])
def test_it_says_what_the_page_says(code: str, tmp_path: Path) -> None:
    shown = run("explain", code, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    number = code.upper().removeprefix("E")
    section = re.search(rf"^### E{number} .*?(?=^##|\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)
    assert section is not None
    assert words(shown.stdout) == words(section[0])
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_without_a_code_it_lists_all(tmp_path: Path) -> None:
    listed = run("explain", folder=tmp_path).stdout
    assert re.findall(r"^  (E\d{3})  ", listed, re.MULTILINE) == [error.code for error in all_errors()]


def test_programs_get_json(tmp_path: Path) -> None:
    one = json.loads(run("explain", "E608", "--json", folder=tmp_path).stdout)
    assert one["code"] == "E608"
    everything = json.loads(run("explain", "--json", folder=tmp_path).stdout)
    assert everything == [describe_error(error) for error in all_errors()]


@pytest.mark.parametrize("rubbish", ["E699", "", "camera", "E٦٠٨", "../../etc"])
def test_an_unknown_code_is_refused_and_points_here(rubbish: str, tmp_path: Path) -> None:
    finished = run("explain", rubbish, folder=tmp_path)
    refused(finished, "E701")
    assert "edge-irdet explain" in finished.stderr
    assert finished.stdout == ""
