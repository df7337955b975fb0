"""``edge-irdet sources``, without a camera and with FAKE ones."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from doubles.command_line import run
from doubles.v4l2 import FakeCamera, FakeDevice, Mode
from edge_irdet.cli import sources
from edge_irdet.cli.sources import sources_command
from edge_irdet.stream.sources.opening import source_usages
from edge_irdet.stream.sources.v4l2 import list_cameras

BY_ID = "usb-FLIR_[Boson]_31-video-index0"


@pytest.fixture
def two_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a camera that works and one that may not be opened."""
    (tmp_path / "video0").touch()
    (tmp_path / "video1").touch()
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    (tmp_path / "v4l" / "by-id" / BY_ID).symlink_to("../../video0")

    def open_fake(path: Path) -> FakeDevice:
        fake = FakeCamera(
            [Mode(b"Y16 ", [(640, 512), (320, 256)], [(1, 60), (1, 9)]), Mode(b"RG10", [(640, 512)])],
            card="[bold]Boson: FLIR Video",
        )
        fake.open_error = errno.EACCES if path.name == "video1" else None
        return fake(path)

    monkeypatch.setattr(sources, "list_cameras", lambda: list_cameras(tmp_path, open_fake))
    return tmp_path


def test_without_a_camera_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "list_cameras", list)
    finished = CliRunner().invoke(sources_command)
    assert finished.exit_code == 0
    assert "no camera on this machine" in finished.output
    for usage in source_usages().values():
        assert usage in finished.output
    finished = CliRunner().invoke(sources_command, ["--json"])
    assert json.loads(finished.output) == {"cameras": [], "sources": list(source_usages().values())}


def test_what_the_cameras_have(two_cameras: Path) -> None:
    finished = CliRunner().invoke(sources_command, env={"COLUMNS": "60"})
    assert finished.exit_code == 0, finished.output
    words = " ".join(finished.output.split())
    assert f"{two_cameras / 'video0'} [bold]Boson: FLIR Video (driver fake, bus usb-fake-1)" in words
    assert f"also {two_cameras / 'v4l' / 'by-id' / BY_ID}" in words
    assert "640x512 (60, 9 fps)" in words
    assert "320x256 (60, 9 fps)" in words
    assert f"not usable: {two_cameras / 'video1'} may not be opened by this user" in words
    assert "sudo usermod -aG video $USER" in words


def test_the_same_as_json(two_cameras: Path) -> None:
    finished = CliRunner().invoke(sources_command, ["--json"])
    good, bad = json.loads(finished.output)["cameras"]
    assert good["identity"]["card"] == "[bold]Boson: FLIR Video"
    assert good["problem"] is None
    assert [(each["name"], each["readable"]) for each in good["formats"]] == [("Y16", True), ("RG10", False)]
    assert good["formats"][0]["sizes"][0] == {
        "width": 640,
        "height": 512,
        "largest_width": 640,
        "largest_height": 512,
        "rates": [60.0, 9.0],
        "rates_are_range": False,
    }
    assert (bad["identity"], bad["formats"]) == (None, [])
    assert "usermod" in bad["problem"]


def test_the_command_as_users_run_it(tmp_path: Path) -> None:
    finished = run("sources", folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "synthetic:" in finished.stdout
