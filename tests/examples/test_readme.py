"""What the first page of the project says, as a reader would try it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from doubles.command_line import run
from edge_irdet.images import read_grey_image
from edge_irdet.record import Record, decode_record

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 90


@dataclass(frozen=True)
class Snippets:
    image: str
    stream: str


@pytest.fixture(scope="module")
def snippets() -> Snippets:
    image, stream = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return Snippets(image, stream)


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``flight.mp4`` and ``frame.png``."""
    folder = tmp_path_factory.mktemp("flight")
    made = run(
        *("stream", "--source", "synthetic:treeline?frames=45", "--output", "flight.mp4", "--score", "1"),
        folder=folder,
    )
    assert made.returncode == 0, made.stderr
    (folder / "frame.png").write_bytes((ROOT / "examples" / "frame.png").read_bytes())
    return folder


def python(snippet: str, folder: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, cwd=folder, timeout=240, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def without_times(path: Path) -> list[Record]:
    """Records without what two runs never share."""
    records = [decode_record(line) for line in path.read_bytes().splitlines()]
    return [msgspec.structs.replace(record, capture_ns=0, emit_ns=0, queued=0) for record in records]


def test_the_page_is_short() -> None:
    assert len(README.splitlines()) < LONGEST


def test_the_lines_for_one_image_find_its_target(snippets: Snippets, flight: Path) -> None:
    printed = python(snippets.image, flight)
    assert read_grey_image(flight / "frame.png").shape == (256, 320)
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", printed)]
    assert len(numbers) == 5, printed
    left, top, right, bottom, score = numbers
    assert left < 126 < right
    assert top < 138 < bottom
    assert score > 0.8


def test_the_program_does_what_the_command_does(snippets: Snippets, flight: Path) -> None:
    command = re.search(r"^    edge-irdet (stream --source flight\.mp4 .*)$", README, re.MULTILINE)
    assert command is not None
    finished = run(*command.group(1).split(), folder=flight)
    assert finished.returncode == 0, finished.stderr
    by_command = without_times(flight / "detections.jsonl")
    (flight / "detections.jsonl").unlink()
    (flight / "overlay.mp4").unlink()
    printed = python(snippets.stream, flight)
    assert printed.splitlines()[-1] == "45"
    assert without_times(flight / "detections.jsonl") == by_command
    assert any(record.tracks for record in by_command)
    assert (flight / "overlay.mp4").stat().st_size > 1000


def test_the_program_of_the_tracking_example_is_the_same() -> None:
    example = (ROOT / "examples" / "04_track" / "track.py").read_text(encoding="utf-8")
    assert "PipelineConfig(tracker=Tracker)" in example
    assert "PipelineConfig(tracker=Tracker)" in README
