"""The pages are plain English, one sentence per line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_pages import ROOT, pages, parse_page

PAGES = [path for path in pages() if "calibration" not in path.parts]
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

MISTAKES = re.compile(
    r"""\b(
        (?:frames|alarms|crops|pictures|records|rows|detections|bytes)\ an?\ (?:frame|second|epoch|line)
        | an?\ (?:object|line|row|scale|thread|byte)\ an?\ (?:frame|line|source|filter|activation|detection)
        | (?:one|once)\ an?\ (?:frame|line|second|thread)
        | (?:leave|leaves|left|leaving)\ (?:\S+\ ){0,4}away
        | (?:is|are)\ none | looked\ for | for\ ever | anew
    )\b""",
    re.VERBOSE,
)
"""Idioms of another language: "a frame" for "per frame", "leave away" for "omit" and the like."""

SENTENCES = re.compile(r"[a-z0-9)%`*][.!?] +[A-Z][a-z]")
LEAD = re.compile(r"^\s*(?:[-*+] +|\d+[.)] +)?(?:\*\*[^*]+\*\*)?")


def prose_lines(path: Path) -> list[str]:
    """Sentences of a page: no code, tables or headings; ``code`` stands for inline code."""
    prose = re.sub(r"`[^`]+`", "`code`", parse_page(path.read_text(encoding="utf-8")).prose)
    return [line for line in prose.splitlines() if line.strip() and line.lstrip()[0] not in "|#<!"]


@each_page
def test_idioms_are_english(path: Path) -> None:
    text = " ".join(parse_page(path.read_text(encoding="utf-8")).prose.split())
    assert [match[0] for match in MISTAKES.finditer(text)] == []


@each_page
def test_a_line_has_one_sentence(path: Path) -> None:
    if path.name == "errors.md":
        pytest.skip("generated from docstrings: one line is one answer")
    assert [line for line in prose_lines(path) if SENTENCES.search(LEAD.sub("", line))] == []


@pytest.mark.parametrize(
    "text",
    ["30 frames a second", "leave the overlay video away", "a name that is none", "one record, one a frame"],
)
def test_a_mistake_is_found(text: str) -> None:
    assert MISTAKES.search(text)


@pytest.mark.parametrize(
    "text", ["a frame a day", "per frame", "leave it", "there is no one", "frames and seconds"]
)
def test_good_english_passes(text: str) -> None:
    assert not MISTAKES.search(text)
