"""READMEs that show commands with their output, run as tests.

A ``console`` block holds commands after ``$ `` and, below each, its output: standard output and standard
error together. A line ``...`` stands for any lines, ``...`` within a line for any text. Numbers with
decimals agree within 2 % or 0.05: scores and places differ in their last digits between processors.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(\d+\.\d+)")
RELATIVE, ABSOLUTE = 0.02, 0.05


@dataclass(frozen=True)
class Shown:
    """A command of a README and the output shown below it."""

    command: str
    output: str


def transcript(readme: Path) -> list[Shown]:
    """The commands of a README, in order."""
    shown: list[Shown] = []
    for block in _BLOCK.findall(readme.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, output = _command_and_output(part)
            shown.append(Shown(command, output))
    return shown


def _command_and_output(part: str) -> tuple[str, str]:
    lines = part.splitlines()
    count = 1
    while lines[count - 1].endswith("\\"):
        count += 1
    return "\n".join(lines[:count]), "\n".join(lines[count:])


def run_shown(shown: Shown, folder: Path) -> str:
    """What a command of a README prints in ``folder``; the tools of this environment come first."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    finished = subprocess.run(
        ["bash", "-c", shown.command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={**os.environ, "PATH": tools, "COLUMNS": "200"},
        timeout=240,
        check=False,
    )
    return finished.stdout


def differs(expected: str, found: str) -> str | None:
    """Why an output is not the one shown; None where it is."""
    expected_lines = [line.rstrip() for line in expected.strip().splitlines()]
    found_lines = [line.rstrip() for line in found.strip().splitlines()]
    if _lines_match(expected_lines, found_lines):
        return None
    return f"shown:\n{expected.strip()}\nprinted:\n{found.strip()}"


def _lines_match(expected: list[str], found: list[str]) -> bool:
    if not expected:
        return not found
    if expected[0].strip() == "...":
        return any(_lines_match(expected[1:], found[skip:]) for skip in range(len(found) + 1))
    return bool(found) and _line_matches(expected[0], found[0]) and _lines_match(expected[1:], found[1:])


def _line_matches(expected: str, found: str) -> bool:
    """Compare text exactly and numbers within the tolerance."""
    pattern = ""
    for index, piece in enumerate(_NUMBER.split(expected)):
        if index % 2:
            pattern += _NUMBER.pattern
        else:
            pattern += ".*".join(re.escape(text) for text in piece.split("..."))
    match = re.fullmatch(pattern, found)
    if match is None:
        return False
    numbers = zip(_NUMBER.findall(expected), match.groups(), strict=True)
    return all(
        math.isclose(float(shown), float(printed), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        for shown, printed in numbers
    )
