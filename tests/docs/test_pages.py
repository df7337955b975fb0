"""Every link, command line, path and import in the pages works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_lines import command_names, faults_of_page, unknown_variables
from markdown_pages import ROOT, Page, dead_links, pages, parse_page
from named_things import faults_of_python, missing_names, missing_paths

PAGES = pages()
DOCS = ROOT / "docs"
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def parsed(path: Path) -> Page:
    return parse_page(path.read_text(encoding="utf-8"))


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    assert list(dead_links(path)) == []


@each_page
def test_command_lines_parse(path: Path) -> None:
    assert list(faults_of_page(parsed(path))) == []


@each_page
def test_environment_variables_are_read(path: Path) -> None:
    assert unknown_variables(path.read_text(encoding="utf-8")) == []


@each_page
def test_named_files_are_there(path: Path) -> None:
    assert list(missing_paths(parsed(path))) == []


@each_page
def test_named_objects_can_be_imported(path: Path) -> None:
    assert list(missing_names(parsed(path))) == []


@each_page
def test_python_compiles_and_imports(path: Path) -> None:
    blocks = [block for block in parsed(path).blocks if block.language in ("python", "py")]
    assert [fault for block in blocks for fault in faults_of_python(block.text)] == []


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler (apt-get install g++)")
def test_the_cpp_example_compiles(tmp_path: Path) -> None:
    (block,) = (block for block in parsed(DOCS / "reference" / "cpp.md").blocks if block.language == "cpp")
    includes, _, body = block.text.partition("\n\n")
    frame = "std::uint8_t pixels[640 * 512] = {};"
    (tmp_path / "host.cpp").write_text(f"{includes}\nint main() {{\n{frame}\n{body}\n}}\n")
    command = ["c++", "-std=c++17", "-fsyntax-only", f"-I{ROOT / 'jetson' / 'include'}", "host.cpp"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_the_landing_page_names_every_page() -> None:
    landing = DOCS / "README.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in parsed(landing).links}
    assert {page for page in DOCS.rglob("*.md") if page != landing} <= linked


def test_every_command_has_its_call() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    assert [name for name in command_names() if f"| `edge-irdet {name}` | `edge_irdet." not in page] == []


def test_every_picture_is_shown() -> None:
    shown = {(path.parent / link).resolve() for path in PAGES for link in parsed(path).links}
    assert set((DOCS / "images").iterdir()) <= shown


def test_pages_named_in_the_code_are_there() -> None:
    dead = []
    for folder, _, names in os.walk(ROOT):
        if re.search(r"/(\.|build|runs|node_modules|docs\b|tests/docs)", folder.removeprefix(str(ROOT))):
            continue
        for name in names:
            path = Path(folder, name)
            if path.suffix in (".py", ".yaml", ".toml", ".hpp", ".cpp", ".js", ".html", ".sh") or (
                name in ("Makefile", "CMakeLists.txt", "package.json")
            ):
                text = path.read_text(encoding="utf-8")
                named = re.findall(r"\bdocs/[\w/.-]+\.md\b", text)
                dead += [f"{path}: {page}" for page in named if not (ROOT / page).is_file()]
    assert dead == []
