"""Markdown pages taken apart: headings, links, code. Enough of CommonMark for the pages of this project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)\s*([\w+-]*)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^()\s>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_HTML = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"", re.IGNORECASE)
_HTML_ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=\"([^\"]+)\"", re.IGNORECASE)
_ITEM = re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])\s")


@dataclass(frozen=True)
class Block:
    """A code block."""

    language: str
    """After the fence; empty where there is none."""

    text: str
    """Without fence and indent."""

    line: int
    """Number of its first line in the page, from 1."""


@dataclass(frozen=True)
class Page:
    """One Markdown page."""

    prose: str
    """Everything but code blocks, which are empty lines here."""

    blocks: tuple[Block, ...]

    @property
    def spans(self) -> list[str]:
        """Inline code."""
        return [" ".join(match[2].split()) for match in _SPAN.finditer(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What a link can lead to, as GitHub names headings."""
        found: set[str] = set(_HTML_ANCHOR.findall(self.prose))
        for line in self.prose.splitlines():
            if match := _HEADING.match(line):
                name = heading_anchor(match[1])
                number = 0
                while (numbered := f"{name}-{number}" if number else name) in found:
                    number += 1
                found.add(numbered)
        return found

    @property
    def links(self) -> list[str]:
        """Targets of links and images."""
        text = _SPAN.sub("code", self.prose)
        return [*_LINK.findall(text), *_DEFINITION.findall(text), *_HTML.findall(text)]


def heading_anchor(heading: str) -> str:
    """GitHub's name of a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def parse_page(text: str) -> Page:
    """Take a page apart."""
    prose: list[str] = []
    blocks: list[Block] = []
    lines = text.splitlines()
    number = 0
    in_list = False
    while number < len(lines):
        line = lines[number]
        start = number
        if fence := _FENCE.match(line):
            number += 1
            while number < len(lines) and not re.match(rf" {{0,3}}{re.escape(fence[1])}+\s*$", lines[number]):
                number += 1
            blocks.append(Block(fence[2].lower(), "\n".join(lines[start + 1 : number]), start + 2))
            number += 1
        elif line.startswith("    ") and not in_list and (not prose or not prose[-1].strip()):
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                number += 1
            blocks.append(Block("", "\n".join(part[4:] for part in lines[start:number]), start + 1))
        else:
            if line.strip() and not line.startswith(" "):
                in_list = False
            in_list = in_list or bool(_ITEM.match(line))
            prose.append(line)
            number += 1
            continue
        prose += [""] * (number - start)
    return Page("\n".join(prose), tuple(blocks))


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of the project."""
    folders = ("docs", "examples", "calibration", "benchmarks", "jetson")
    found = [*root.glob("*.md"), *(page for name in folders for page in (root / name).rglob("*.md"))]
    return sorted(found)


def dead_links(path: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    page = parse_page(path.read_text(encoding="utf-8"))
    for link in page.links:
        if re.match(r"[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
            continue
        place, _, fragment = link.partition("#")
        target = (path.parent / unquote(place)).resolve() if place else path
        if not target.exists():
            yield f"{link}: there is no {target}"
        elif fragment and target.suffix == ".md":
            anchors = parse_page(target.read_text(encoding="utf-8")).anchors
            if unquote(fragment) not in anchors:
                yield f"{link}: {target.name} has no heading #{fragment}, but {', '.join(sorted(anchors))}"
