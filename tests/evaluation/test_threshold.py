from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from doubles.samples import write_images_and_masks
from doubles.videos import FRAMES, write_video
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.evaluation.operating_point import THRESHOLDS
from edge_irdet.evaluation.threshold import choose_on_images, choose_on_videos, write_threshold
from edge_irdet.package import DEFAULT_PACKAGE, MANIFEST_NAME, NmsRule, Package, open_package
from edge_irdet.package_verification import verify_package

CONFIG = DetectorConfig(runtime="cpu", score_threshold=THRESHOLDS[0], nms=NmsRule.DISTANCE, threads=1)
HALF = {"validation_fraction": 0.5}


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(Path(shutil.copytree(open_package(DEFAULT_PACKAGE).directory, tmp_path / "package")))


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    write_images_and_masks(tmp_path / "stills", 8, 96)
    return tmp_path / "stills"


def test_the_choice_on_images_is_the_best_point_within_the_limit(package: Package, stills: Path) -> None:
    with Detector(package, CONFIG) as detector:
        choice = choose_on_images(detector, read_dataset(stills), 0.5, HALF)
    assert [point.score for point in choice.points] == list(THRESHOLDS)
    allowed = [point for point in choice.points if point.alarms <= 0.5]
    assert choice.chosen == max(allowed, key=lambda point: (point.found, point.score))
    assert choice.extent == "4 validation images"
    assert choice.postprocess.nms is NmsRule.DISTANCE
    assert choice.postprocess.score_threshold == choice.chosen.score


def test_a_written_choice_is_the_packages_own(package: Package, stills: Path) -> None:
    with Detector(package, CONFIG) as detector:
        choice = choose_on_images(detector, read_dataset(stills), 0.5, HALF)
    written = write_threshold(package, choice)
    assert written.manifest.postprocess == choice.postprocess
    stored = json.loads((package.directory / MANIFEST_NAME).read_bytes())["operating_point"]
    assert stored == msgspec.to_builtins(choice.operating_point())
    assert written.manifest.operating_point == choice.operating_point()
    assert stored["rule"] == "highest Pd with Fa <= 0.5"
    assert stored["pd"] == round(choice.chosen.found, 6)
    assert not verify_package(written).unnamed


def test_a_choice_that_cannot_be_written_leaves_the_package_as_it_was(
    package: Package, stills: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Detector(package, CONFIG) as detector:
        choice = choose_on_images(detector, read_dataset(stills), 0.5, HALF)
    before = (package.directory / MANIFEST_NAME).read_bytes()

    def full(*arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OutputFailedError):
        write_threshold(package, choice)
    assert (package.directory / MANIFEST_NAME).read_bytes() == before


def test_on_videos_centres_decide(package: Package, tmp_path: Path) -> None:
    write_video(tmp_path / "videos", "A", [f"{n},DRONE,{14 + n},15,18,14" for n in range(FRAMES)])
    (tmp_path / "videos" / "videos.csv").write_text(f"name,frames,split\nA,{FRAMES},val\n")
    with Detector(package, CONFIG) as detector:
        choice = choose_on_videos(detector, tmp_path / "videos", "val", 0.1, 10)
    assert choice.chosen.found == 1.0
    assert choice.extent == "4 frames of 1 videos"
    assert choice.found_name == "found within 5 px", "as the manifest's field is named"
    assert choice.operating_point().found_within_5_px == 1.0


def test_what_cannot_be_chosen_is_refused(package: Package, stills: Path) -> None:
    with (
        Detector(package, DetectorConfig(runtime="cpu")) as detector,
        pytest.raises(OptionError, match="drops scores below"),
    ):
        choose_on_images(detector, read_dataset(stills))
    with Detector(package, CONFIG) as detector, pytest.raises(OptionError, match="fraction"):
        choose_on_images(detector, read_dataset(stills), 0.5, {"validation_fraction": 1.5})


def test_a_choice_that_finds_nothing_is_not_written(package: Package, stills: Path) -> None:
    before = (package.directory / MANIFEST_NAME).read_bytes()
    with Detector(package, CONFIG) as detector:
        choice = choose_on_images(detector, read_dataset(stills), 0.5, HALF)
    blind = replace(choice, chosen=replace(choice.chosen, found=0.0))
    with pytest.raises(OptionError, match="finds no target"):
        write_threshold(package, blind)
    assert (package.directory / MANIFEST_NAME).read_bytes() == before
