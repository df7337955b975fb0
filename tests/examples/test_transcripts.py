"""The comparison by which READMEs are tested."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.transcripts import Shown, differs, transcript


def test_commands_are_found_with_their_outputs(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "# x\n```console\n$ one --a \\\n    --b\nfirst\nsecond\n$ two\n```\ntext\n```python\n$ no\n```\n"
        "```console\n$ three | wc -l\n3\n```\n"
    )
    assert transcript(readme) == [
        Shown("one --a \\\n    --b", "first\nsecond"),
        Shown("two", ""),
        Shown("three | wc -l", "3"),
    ]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("a 0.91 b", "a 0.90 b"),
        ("x 157.2,", "x 157.9,"),
        ("1\n...\n4", "1\n2\n3\n4"),
        ("...\n4", "4"),
        ("p50 ... ms", "p50 12.1 ms"),
        ("took ... s, 3 frames", "took 99 s, 3 frames"),
        ("", "\n"),
    ],
)
def test_what_agrees(expected: str, found: str) -> None:
    assert differs(expected, found) is None


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("a 0.91 b", "a 0.8 b"),
        ("3 frames", "4 frames"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a", ""),
        ("-3", "3"),
        ("error E404", "error E405"),
        ("300 frames", "301 frames"),
        ("a (b)", "a b"),
    ],
)
def test_what_does_not(expected: str, found: str) -> None:
    assert differs(expected, found) is not None
