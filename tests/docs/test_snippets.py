"""The Python of the pages that a newcomer copies first runs as it stands, but for the names of inputs."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from markdown_pages import ROOT, parse_page

from edge_irdet import open_source
from edge_irdet.record import decode_record

SCENE = "synthetic:treeline?frames=6"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a ``frame.png`` that shows targets."""
    monkeypatch.chdir(tmp_path)
    with open_source(SCENE) as source:
        frame = source.read()
        assert frame is not None
        cv2.imwrite("frame.png", frame.image)
    return tmp_path


def run_block(page: str, index: int, camera: str | None = None) -> None:
    blocks = parse_page((ROOT / "docs" / page).read_text(encoding="utf-8")).blocks
    code = [block.text for block in blocks if block.language == "python"][index]
    if camera is not None:
        assert "/dev/video0" in code
        code = code.replace("/dev/video0", camera)
    exec(compile(code, page, "exec"), {})


@pytest.mark.parametrize(("page", "index"), [("start/quickstart.md", 0), ("reference/python.md", 1)])
def test_one_image(page: str, index: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_block(page, index)
    assert "[" in capsys.readouterr().out, "boxes are printed"


def test_a_stream_and_its_records(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_block("reference/python.md", 0, camera=SCENE)
    assert capsys.readouterr().out.splitlines()[-1].startswith("6 ")
    lines = (folder / "detections.jsonl").read_bytes().splitlines()
    assert [decode_record(line).sequence for line in lines] == list(range(6))
    run_block("reference/record.md", 0)
    assert len(capsys.readouterr().out.splitlines()) == 6
