"""Wrong use from the command line: code, next step, exit code 2, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.command_line import refused, run
from edge_irdet.package import MANIFEST_NAME, SHIPPED_PACKAGES
from edge_irdet.record import decode_record

SHIPPED = SHIPPED_PACKAGES / "light-sgmtlm-reduced"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((64, 80), 40 + index, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("missing.mp4", "E102"),
        ("no/folder", "E102"),
        ("magic://x", "E101"),
        ("/dev/video99", "E108"),
        ("synthetic:lava", "E701"),
    ],
)
def test_sources_that_cannot_be_opened_leave_no_file(tmp_path: Path, source: str, code: str) -> None:
    outputs = ("--output", "out.jsonl", "--output", "out.mp4", "--output", "out.png")
    refused(run("stream", "--source", source, *outputs, folder=tmp_path), code)
    assert files(tmp_path) == set()


def test_a_truncated_video(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    content = (tmp_path / "v.mp4").read_bytes()
    (tmp_path / "v.mp4").write_bytes(content[: len(content) // 2])
    refused(run("stream", "--source", "v.mp4", "--output", "out.jsonl", folder=tmp_path), "E103")
    assert files(tmp_path) == {"v.mp4"}


@pytest.mark.parametrize("damage", ["cut", "empty", "RGBA"])
def test_an_unreadable_frame_is_named_counted_skipped_and_in_the_exit_code(
    tmp_path: Path, images: Path, damage: str
) -> None:
    victim = images / "2.png"
    if damage == "RGBA":
        cv2.imwrite(str(victim), np.zeros((64, 80, 4), np.uint8))
    else:
        victim.write_bytes(victim.read_bytes()[:30] if damage == "cut" else b"")
    finished = run("stream", "--source", "frames", "--output", "out.jsonl", folder=tmp_path)
    refused(finished, "E109")
    assert "2.png" in finished.stderr
    records = [decode_record(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [record.sequence for record in records] == [0, 1, 3]
    assert [record.discontinuity for record in records] == [False, False, True]
    assert [record.skipped for record in records] == [0, 0, 1]


def test_sixteen_bits_without_a_mapping(tmp_path: Path, images: Path) -> None:
    for index in range(4):
        cv2.imwrite(str(images / f"{index}.png"), np.full((64, 80), 3000 + index, np.uint16))
    refused(run("stream", "--source", "frames", "--output", "out.jsonl", folder=tmp_path), "E107")
    assert files(tmp_path) == {"frames"}
    named = ("--map16", "linear-percentile", "--output", "out.jsonl")
    assert run("stream", "--source", "frames", *named, folder=tmp_path).returncode == 0
    wrong = run("stream", "--source", "frames", "--map16", "magic", folder=tmp_path)
    assert wrong.returncode == 2
    assert "magic" in wrong.stderr


def test_frames_that_change_size(tmp_path: Path, images: Path) -> None:
    cv2.imwrite(str(images / "2.png"), np.full((50, 50), 40, np.uint8))
    finished = run("stream", "--source", "frames", "--output", "out.mp4", folder=tmp_path)
    refused(finished, "E504")
    assert "lost 1 of 4 records" in finished.stderr.replace("\n", " ")
    finished = run("stream", "--source", "frames", "--output", "out.jsonl", folder=tmp_path)
    assert finished.returncode == 0
    records = [decode_record(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [record.discontinuity for record in records] == [False, False, True, True]


def copied_package(folder: Path, **changes: object) -> Path:
    package = folder / "package"
    package.mkdir()
    (package / "model.onnx").write_bytes((SHIPPED / "model.onnx").read_bytes())
    manifest = json.loads((SHIPPED / MANIFEST_NAME).read_text())
    (package / MANIFEST_NAME).write_text(json.dumps({**manifest, **changes}))
    return package


def test_packages_that_must_not_run(tmp_path: Path, images: Path) -> None:
    stream = ("stream", "--source", "frames", "--output", "out.jsonl", "--package", "package")
    refused(run(*stream, folder=tmp_path), "E201")
    package = copied_package(tmp_path, schema=99)
    refused(run(*stream, folder=tmp_path), "E204")
    (package / MANIFEST_NAME).write_text("{")
    refused(run(*stream, folder=tmp_path), "E202")
    (package / MANIFEST_NAME).write_bytes((SHIPPED / MANIFEST_NAME).read_bytes())
    (package / "model.onnx").write_bytes(b"altered")
    refused(run(*stream, folder=tmp_path), "E203")
    assert files(tmp_path) == {"frames", "package"}


def test_outputs_that_cannot_be_made(tmp_path: Path, images: Path) -> None:
    refused(run("stream", "--source", "frames", "--output", "out.gif", folder=tmp_path), "E501")
    refused(run("stream", "--source", "frames", "--output", "none/out.jsonl", folder=tmp_path), "E502")
    twice = ("--output", "out.jsonl", "--output", "./out.jsonl")
    refused(run("stream", "--source", "frames", *twice, folder=tmp_path), "E701")
    refused(
        run("stream", "--source", "frames", "--output", "mot:/dev/full", "--score", "0", folder=tmp_path),
        "E504",
    )
    assert files(tmp_path) == {"frames"}


def test_a_disk_that_fills_leaves_whole_records(tmp_path: Path, images: Path) -> None:
    """The process may write 3000 bytes a file, and the kernel cuts what goes beyond, as a full disk does."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))\n"
        "sys.argv = ['edge-irdet', 'stream', '--source', 'synthetic:?frames=100', '--output', 'out.jsonl']\n"
        "from edge_irdet.cli import main\n"
        "main()\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
    )
    refused(finished, "E504")
    assert "lost" in finished.stderr
    content = (tmp_path / "out.jsonl").read_bytes()
    assert content.endswith(b"\n")
    assert all(decode_record(line) for line in content.splitlines())
    assert 0 < len(content) <= 3000
    assert "File too large" in finished.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_stream_with_every_record_written(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "edge_irdet", "stream", "--source", "synthetic:?frames=1000000"]
    command += ["--output", "out.jsonl", "--output", "out.mp4"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    place = tmp_path / "out.jsonl"
    deadline = time.monotonic() + 60
    while (not place.exists() or place.stat().st_size < 2000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    records = [decode_record(line) for line in place.read_bytes().splitlines()]
    assert [record.sequence for record in records] == list(range(len(records)))
    assert f"{len(records)} (0 dropped, 0 missed, 0 skipped)" in errors
    capture = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(records)
    assert files(tmp_path) == {"out.jsonl", "out.mp4"}


def test_standard_output_carries_records_and_nothing_else(tmp_path: Path, images: Path) -> None:
    finished = run("stream", "--source", "frames", "--output", "-", folder=tmp_path)
    assert finished.returncode == 0
    assert [decode_record(line).sequence for line in finished.stdout.splitlines()] == [0, 1, 2, 3]


def test_a_reader_that_goes_away_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    command = f"{sys.executable} -m edge_irdet stream --source synthetic:?frames=400 --output - | head -n 2"
    finished = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        check=False,
    )
    refused(finished, "E505")
    assert len(finished.stdout.splitlines()) == 2


def test_misuse_of_the_command_line(tmp_path: Path) -> None:
    for wrong in (
        ["stream"],
        ["fly"],
        ["stream", "--source", "x", "--score", "7"],
        ["info", "x", "--size", "33"],
    ):
        finished = run(*wrong, folder=tmp_path)
        assert finished.returncode == 2, wrong
        assert "Traceback" not in finished.stderr
    for command in ([], ["info"], ["train"], ["export"], ["evaluate"], ["stream"]):
        finished = run(*command, "--help", folder=tmp_path)
        assert finished.returncode == 0
        assert "Usage" in finished.stdout
