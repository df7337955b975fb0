"""Text of elsewhere on the terminal: printed as it is, whatever it looks like."""

from __future__ import annotations

import io
import json
import logging
import shutil
from pathlib import Path

import pytest
from rich.table import Table

from doubles.command_line import run
from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.logs import EventFormatter, LogFormat
from edge_irdet.package import MANIFEST_NAME, SHIPPED_PACKAGES

HOSTILE = ["[bold]x[/bold]", "[/no]", "\x1b[2Jgone", "a\x07b", ":smile:", "\u202eevil", "caf\udce9"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_means_itself(text: str) -> None:
    out = io.StringIO()
    console = PlainConsole(file=out, width=200, force_terminal=True, color_system=None)
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    console.print(text, table)
    shown = out.getvalue()
    shown.encode()  # lone surrogates are escaped too
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    expected = text if text.isprintable() else text.encode("unicode_escape").decode()
    assert shown.count(expected) >= 4


@pytest.mark.parametrize("text", HOSTILE)
def test_a_log_line_is_one_line_and_steers_nothing(text: str) -> None:
    record = logging.LogRecord("edge_irdet", logging.INFO, "", 0, f"{text}\nforged", (), None)
    line = EventFormatter(LogFormat.TEXT).format(record)
    assert line.isprintable()
    assert json.loads(EventFormatter(LogFormat.JSON).format(record))["event"] == f"{text}\nforged"


def test_class_names_that_look_like_markup_do_not_end_a_command(tmp_path: Path) -> None:
    package = shutil.copytree(SHIPPED_PACKAGES / "light-sgmtlm-reduced", tmp_path / "[/red]")
    manifest = json.loads((package / MANIFEST_NAME).read_text())
    manifest["classes"] = ["[/x]"]
    (package / MANIFEST_NAME).write_text(json.dumps(manifest))
    arguments = ("--source", "synthetic:sea?frames=2", "--output", "-", "--threads", "1")
    finished = run("stream", "--package", "[/red]", *arguments, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    verified = run("package", "verify", "[/red]", folder=tmp_path)
    assert "[/x]" in verified.stdout
