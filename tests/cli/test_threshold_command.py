"""edge-irdet threshold and evaluate on images and on videos, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import pytest

from doubles.command_line import refused, run
from doubles.samples import write_images_and_masks
from doubles.videos import FRAMES, write_video
from edge_irdet.package import DEFAULT_PACKAGE, open_package

pytest.importorskip("pycocotools")
pytest.importorskip("matplotlib")


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    shutil.copytree(open_package(DEFAULT_PACKAGE).directory, tmp_path / "package")
    write_images_and_masks(tmp_path / "stills", 10, 96)
    (tmp_path / "train.txt").write_text("".join(f"i{index}\n" for index in range(10)))
    write_video(tmp_path / "videos", "A", [f"{n},DRONE,{14 + n},15,18,14" for n in range(FRAMES)])
    (tmp_path / "videos" / "videos.csv").write_text(f"name,frames,split\nA,{FRAMES},val\n")
    return tmp_path


def manifest(folder: Path) -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads((folder / "package" / "package.json").read_text())
    return loaded


def test_a_threshold_is_chosen_on_images_drawn_and_stored_with_its_rule(workplace: Path) -> None:
    images = (
        "threshold",
        "package",
        "--data",
        "stills",
        "--split",
        "train.txt",
        "--validation-fraction",
        "0.5",
    )
    before = manifest(workplace)
    finished = run(*images, "--max-fa", "0.5", "--plot", "curve.svg", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    assert manifest(workplace) == before
    drawn = (workplace / "curve.svg").read_text()
    assert drawn.startswith("<?xml")
    assert "chosen: " in drawn
    finished = run(*images, "--max-fa", "0.5", "--nms", "distance", "--write", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    after = manifest(workplace)
    point = after["operating_point"]
    assert point["rule"] == "highest Pd with Fa <= 0.5"
    assert point["score_threshold"] == after["postprocess"]["score_threshold"]
    assert point["nms"] == after["postprocess"]["nms"] == "distance"
    assert str(point["dataset"]).endswith("5 validation images")
    assert run("package", "verify", "package", folder=workplace).returncode == 0


def test_on_videos_centres_decide(workplace: Path) -> None:
    videos = ("--data", "videos", "--split", "val", "--every", "10")
    finished = run("threshold", "package", *videos, "--plot", "curve.png", "--write", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    assert cv2.imread(str(workplace / "curve.png")) is not None
    point = manifest(workplace)["operating_point"]
    assert point["found_within_5_px"] == 1.0
    assert point["false_alarms_per_frame"] <= 0.1
    finished = run("evaluate", "package", *videos, "--json", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert report["score_threshold"] == point["score_threshold"]
    assert report["all"]["detection_rate"] == {"3_px": 1.0, "5_px": 1.0}
    assert report["all"]["frames"] == 4
    table = run("evaluate", "package", *videos, folder=workplace)
    assert "DRONE" in table.stdout
    assert "one frame in 10" in " ".join(table.stdout.split())


def test_what_does_not_belong_together_is_refused(workplace: Path) -> None:
    videos = ("--data", "videos", "--split", "val")
    images = ("--data", "stills", "--split", "train.txt")
    refused(run("threshold", "package", *videos, "--max-fa", "0.1", folder=workplace), "E701")
    refused(run("threshold", "package", *images, "--max-false-alarms", "1", folder=workplace), "E701")
    refused(run("threshold", "package", *videos, "--plot", "curve.jpg", folder=workplace), "E701")
    refused(run("threshold", "package", *videos, "--plot", "none/curve.png", folder=workplace), "E502")
    refused(run("evaluate", "package", *images, "--every", "2", folder=workplace), "E701")
    refused(run("evaluate", "package", *videos, "--score", "0.99", folder=workplace), "E701")
    refused(run("evaluate", "package", *videos, "--sheet", "sheet.png", folder=workplace), "E701")
    refused(run("evaluate", "package", "--data", "videos", "--split", "test", folder=workplace), "E301")
