"""The checks of the pages find what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_lines import faults_of_page, simple_commands, unknown_variables
from markdown_pages import dead_links, heading_anchor, parse_page
from named_things import can_be_had, faults_of_python, missing_names, missing_paths


def command_faults(text: str) -> list[str]:
    return list(faults_of_page(parse_page(text)))


@pytest.mark.parametrize(
    "line",
    [
        "edge-irdet stream --source synthetic: --output -",
        "edge-irdet stream --source 'gst:a ! b\n        ! c' --track",
        "edge-irdet train --data A --split X \\\n        --run-dir runs/x --epochs 3",
        "A=1 sudo edge-irdet sources --json | head",
        "$ .venv/bin/edge-irdet package verify received --manifest-sha256 HEX   # a comment's end",
        "ExecStart=/opt/edge-irdet/bin/edge-irdet stream --frames 3",
        "torchrun --nproc-per-node 2 -m edge_irdet train ...",
        "edge-irdet stream [OPTIONS]",
        "edge-irdet build --help",
        "edge-irdet COMMAND --help",
        "make test && make soak MINUTES=30",
        "python benchmarks/stream.py",
        "ls /opt/edge-irdet",
        "it's no command --at-all",
    ],
)
def test_a_good_command_line_passes(line: str) -> None:
    assert command_faults(f"Text:\n\n    {line}\n") == []
    assert command_faults(f"```sh\n{line}\n```\n") == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("edge-irdet stream --source synthetic: --sorce x", "--sorce"),
        ("edge-irdet steam --source synthetic:", "'steam'"),
        ("edge-irdet package check x", "'check'"),
        ("edge-irdet --verbose", "--verbose"),
        ("edge-irdet stream --output -", "'--source' is required"),
        ("edge-irdet stream --source a --policy newest", "newest"),
        ("edge-irdet stream --source a --frames many", "many"),
        ("edge-irdet export a b -o c", "one argument too many: 'b'"),
        ("edge-irdet stream --source a --frames", "requires an argument"),
        ("echo a | .venv/bin/edge-irdet sources --jsn", "--jsn"),
        ("torchrun -m edge_irdet train --epoch-count 3 ...", "--epoch-count"),
        ("ExecStart=/opt/bin/edge-irdet stream --frame 3", "--frame"),
        ("make tests", "'tests'"),
        ("python benchmarks/stream.py --speed 3", "--speed"),
    ],
)
def test_a_wrong_command_line_is_found(line: str, fault: str) -> None:
    assert any(fault in found for found in command_faults(f"Text:\n\n    {line}\n"))
    assert any(fault in found for found in command_faults(f"```\n{line}\n```\n"))


def test_unknown_environment_variables_are_found() -> None:
    assert unknown_variables("EDGE_IRDET_SOURCE=a EDGE_IRDET_PREVIEW_TOKEN EDGE_IRDET_SORCE") == [
        "EDGE_IRDET_SORCE"
    ]


def test_a_command_in_a_sentence_may_lack_what_is_required() -> None:
    assert command_faults("Run `edge-irdet export --saliency` or\n`edge-irdet stream`.") == []
    assert "--saliencies" in command_faults("Run `edge-irdet export\n--saliencies`.")[0]


def test_quotes_and_continued_lines_are_one_command() -> None:
    found = [words for words in simple_commands("a 'b\nc' \\\nd | e; f") if words]
    assert found == [["a", "b c", "d"], ["e"], ["f"]]


def test_code_is_told_from_prose() -> None:
    page = parse_page(
        "# A\n\n    # not a heading\n\n```md\n# nor this\n[x](no.md)\n```\n- item\n\n    [in](the-item.md)\n"
    )
    assert page.anchors == {"a"}
    assert page.links == ["the-item.md"]
    assert [(block.language, block.line) for block in page.blocks] == [("", 3), ("md", 6)]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("FP16 and INT8", "fp16-and-int8"),
        ("`light-sgmtlm-reduced`", "light-sgmtlm-reduced"),
        ("What has run, and what has not", "what-has-run-and-what-has-not"),
        ("E608 [engine](x.md) mismatch", "e608-engine-mismatch"),
        ("16 -> 8 bits", "16---8-bits"),
    ],
)
def test_headings_have_the_names_that_github_gives_them(heading: str, anchor: str) -> None:
    assert heading_anchor(heading) == anchor


def test_a_heading_twice_is_numbered() -> None:
    assert parse_page("# A b\n## A b\n").anchors == {"a-b", "a-b-1"}


def test_dead_links_and_anchors_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# There\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](other.md) [b](other.md#there) [c](#here) [d](https://e.org/x.md#y) `[e](gone.md)`\n"
        '[f](gone.md) [g](other.md#gone) [h](#gone) ![i](gone.png)\n<img src="gone.svg">\n\n[j]: gone.txt\n'
    )
    found = [fault.partition(":")[0] for fault in dead_links(page)]
    assert found == ["gone.md", "other.md#gone", "#gone", "gone.png", "gone.txt", "gone.svg"]


def test_missing_paths_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").touch()
    text = (
        "`docs/a.md`, `docs/*.md`, `docs/`, `calibration/NAME.yaml`, `docs/b.md`.\n\n    cat tests/none.py\n"
    )
    assert list(missing_paths(parse_page(text), tmp_path)) == ["docs/b.md", "tests/none.py"]


def test_missing_names_are_found() -> None:
    there = "`edge_irdet.record.decode_record`, `edge_irdet.errors`"
    page = parse_page(f"{there}, `edge_irdet.record.encode`, `edge_irdet.gone.x`")
    assert list(missing_names(page)) == ["edge_irdet.record.encode", "edge_irdet.gone.x"]
    assert not can_be_had("edge_irdet.record.decode_record.gone")


def test_python_that_does_not_compile_or_import_is_found() -> None:
    assert list(faults_of_python("from edge_irdet.record import decode_record\nimport not_here\n")) == []
    assert list(faults_of_python("from edge_irdet.record import gone\n")) == [
        "line 1: there is no edge_irdet.record.gone"
    ]
    assert list(faults_of_python("x = 1\nimport edge_irdet.gone\n")) == [
        "line 2: there is no edge_irdet.gone"
    ]
    assert "line 1" in next(faults_of_python("for x in y\n"))
