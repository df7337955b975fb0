"""The ablation trains what it says, goes on where it was, and prints the paper's figures beside ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pycocotools")

from doubles.samples import write_images_and_masks
from edge_irdet.network.variants import ABLATIONS, VARIANTS, variant_config

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ablation.py"
RUN = "light-sgmtlm-reduced-without-saliency-seed0"


def ablate(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    options = (
        "--data",
        "set",
        "--split",
        "all.txt",
        "--test-split",
        "all.txt",
        "--runs",
        "runs",
        "--epochs",
        "1",
    )
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options, *more],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "HOME": str(folder), "OMP_NUM_THREADS": "1"},
    )


def test_a_run_is_trained_once_and_measured(tmp_path: Path) -> None:
    write_images_and_masks(tmp_path / "set", 6, 64)
    (tmp_path / "all.txt").write_text("".join(f"i{index}\n" for index in range(6)))
    first = ablate(tmp_path, "--only", RUN, "--output", "kept.json")
    assert first.returncode == 0, first.stderr
    assert "94.19 / 91.50" in first.stdout
    kept = json.loads((tmp_path / "kept.json").read_text())
    (run,) = kept["runs"]
    assert (run["variant"], run["epochs"], run["seed"]) == (RUN.removesuffix("-seed0"), 1, 0)
    assert 0 <= run["figures"][0]["map50"] <= 1
    again = ablate(tmp_path, "--only", RUN)
    assert "epoch 1" in first.stdout
    assert "epoch 1:" not in again.stdout
    unknown = ablate(tmp_path, "--only", "nothing-seed0")
    assert unknown.returncode == 2
    assert RUN in unknown.stderr


def test_the_ablations_differ_from_the_reduced_model_in_what_their_names_say() -> None:
    base = VARIANTS["light-sgmtlm-reduced"]
    without_head = variant_config("light-sgmtlm-reduced-without-head")
    assert (without_head.saliency_head, without_head.feature_extraction) == (False, True)
    without_saliency = variant_config("light-sgmtlm-reduced-without-saliency")
    assert (without_saliency.saliency_head, without_saliency.feature_extraction) == (False, False)
    assert variant_config("light-sgmtlm-reduced-without-siwd").backbone == "csp"
    yolo = variant_config("light-sgmtlm-reduced-yolov5")
    assert (yolo.backbone, yolo.feature_extraction) == ("csp", False)
    assert {(config.base_channels, config.depth) for config in ABLATIONS.values()} == {
        (base.base_channels, base.depth)
    }
