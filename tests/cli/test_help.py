"""The help is whole at every width, names what there is, and wrong spelling is met with the right one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from doubles.command_line import refused, run
from edge_irdet.cli import SECTIONS, commands


def all_commands() -> Iterator[tuple[str, click.Command]]:
    def walk(prefix: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield prefix, command
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                yield from walk(f"{prefix} {name}".strip(), child)

    yield from walk("", commands)


COMMANDS = dict(all_commands())


def help_of(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    parts = name.split()
    context = commands.make_context("edge-irdet", parts[:1] or ["explain"], resilient_parsing=True)
    command: click.Command = commands
    for part in parts:
        assert isinstance(command, click.Group)
        command = command.commands[part]
        context = command.make_context(part, [], parent=context, resilient_parsing=True)
    return command.get_help(context)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_a_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(name, 80, monkeypatch)
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    command = COMMANDS[name]
    if isinstance(command, click.Group):
        for child in command.commands.values():
            assert re.search(rf"^  {child.name} +{re.escape(child.short_help or '')}$", shown, re.MULTILINE)


@pytest.mark.parametrize("width", [20, 40, 200])
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_lost_at_other_widths(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = help_of(name, 80, monkeypatch).split()
    assert "".join(help_of(name, width, monkeypatch).split()) == "".join(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    command = COMMANDS[name]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
            assert parameter.help.rstrip().endswith("."), f"{name} {parameter.opts}"
            assert "[default" not in parameter.help
    if name:
        assert command.short_help
        assert command.short_help.endswith(".")


def test_every_command_is_in_one_section() -> None:
    listed = [command for group in SECTIONS.values() for command in group]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(commands.commands.values())


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["strem"], "stream"),
        (["Stream"], "stream"),
        (["stream", "--sorce", "x"], "--source"),
        (["stream", "--map-16", "x"], "--map16"),
        (["package", "verfy"], "verify"),
        (["stream", "--source", "synthetic:", "--policy", "newest"], "latest"),
    ],
)
def test_wrong_spelling_is_answered_with_the_right_one(
    arguments: list[str], suggestion: str, tmp_path: Path
) -> None:
    finished = run(*arguments, folder=tmp_path)
    assert finished.returncode == 2
    assert suggestion in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("arguments", ["--help", "stream --help", "explain", "explain --json"])
def test_a_reader_that_closes_the_pipe_gets_no_traceback(arguments: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "edge_irdet", *arguments.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert finished.returncode == 2
    assert finished.stderr == ""


@pytest.mark.parametrize("arguments", ["--help", "explain", "explain --json"])
def test_a_full_device_is_an_error_with_a_code(arguments: str, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "edge_irdet", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    refused(finished, "E502")


def test_a_closed_standard_output_is_no_traceback(tmp_path: Path) -> None:
    command = f"{sys.executable} -m edge_irdet explain E101 >&-"
    finished = subprocess.run(
        ["bash", "-c", command], stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert "Traceback" not in finished.stderr
