"""The figures in the shipped manifests come out again, and the thresholds are those their rules chose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doubles.command_line import run
from doubles.real_data import REAL_DATA
from edge_irdet.package import Precision, open_package, shipped_packages

pytest.importorskip("pycocotools")

IMAGES = REAL_DATA / "nuaa_sirst"
VIDEOS = REAL_DATA / "drone_ir_cc0"
ROUNDING = 2e-4
"""Of rates: other processors sum in another order, and now and then a box crosses IoU 0.5."""


def test_every_shipped_package_says_how_its_threshold_was_chosen() -> None:
    assert shipped_packages() == ["light-sgmtlm-reduced", "light-sgmtlm-reduced-general"]
    for name in shipped_packages():
        manifest = open_package(name).manifest
        point = manifest.operating_point
        assert point.score_threshold == manifest.postprocess.score_threshold
        assert point.nms == manifest.postprocess.nms.value
        assert point.rule
        assert point.dataset
        assert set(manifest.metrics) == set(Precision)


@pytest.mark.skipif(not IMAGES.is_dir(), reason=f"no labelled images under {IMAGES}")
@pytest.mark.parametrize("name", shipped_packages())
@pytest.mark.parametrize("precision", list(Precision))
def test_the_manifest_says_what_evaluate_says(name: str, precision: Precision, tmp_path: Path) -> None:
    stated = open_package(name).manifest.metrics[precision]
    split = stated.dataset.partition("/")[2]
    options = ("--data", str(IMAGES), "--split", split, "--precision", precision.value, "--json")
    finished = run("evaluate", name, *options, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert found["dataset"] == stated.dataset
    assert (found["images"], found["targets"]) == (stated.images, stated.targets)
    for rate in ("map50", "ap_3px", "pd"):
        assert found[rate] == pytest.approx(getattr(stated, rate), abs=ROUNDING), rate
    assert found["fa"] == pytest.approx(stated.fa, abs=1e-6)
    assert found["score_threshold"] == stated.score_threshold


@pytest.mark.skipif(not VIDEOS.is_dir(), reason=f"no labelled videos under {VIDEOS}")
def test_the_default_package_keeps_false_alarms_rare_on_video(tmp_path: Path) -> None:
    """The promise of the README on a fifteenth of the frames: above 90 % within 5 px, below 0.1 a frame."""
    options = ("--data", str(VIDEOS), "--split", "val", "--every", "30", "--json")
    finished = run("evaluate", *options, folder=tmp_path)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)["all"]
    assert found["targets"] > 300
    assert found["detection_rate"]["5_px"] > 0.9
    assert found["false_alarms_per_frame"] < 0.1
