"""info, train, export and evaluate from the command line, one after the other, and their bad input."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.command_line import refused, run
from edge_irdet.package import SHIPPED_PACKAGES

pytest.importorskip("torch")
pytest.importorskip("onnxsim")
pytest.importorskip("pycocotools")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of ten images in the NUAA layout and one epoch of training on it."""
    folder = tmp_path_factory.mktemp("training")
    for part in ("images", "masks"):
        (folder / "set" / part).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for index in range(10):
        image = generator.integers(40, 60, (64, 80)).astype(np.uint8)
        mask = np.zeros((64, 80), np.uint8)
        left, top = generator.integers(5, 50, 2)
        image[top : top + 5, left : left + 4] = 230
        mask[top : top + 5, left : left + 4] = 255
        cv2.imwrite(str(folder / "set" / "images" / f"i{index}.png"), image)
        cv2.imwrite(str(folder / "set" / "masks" / f"i{index}.png"), mask)
    (folder / "train.txt").write_text("".join(f"i{index}\n" for index in range(8)))
    (folder / "test.txt").write_text("i8\ni9\n")
    finished = run(*TRAIN, folder=folder)
    assert finished.returncode == 0, finished.stderr
    assert "edge-irdet export" in finished.stdout
    return folder


TRAIN = (
    "train", "--data", "set", "--split", "train.txt", "--run-dir", "run", "--size", "64", "--crop", "64",
    "--epochs", "1", "--batch", "4", "--threads", "1", "--licence", "ours",
)  # fmt: skip


def test_export_then_evaluate(workplace: Path) -> None:
    finished = run(
        "export", "run/best.pt", "-o", "package", "--saliency", "--frames", "set/images", folder=workplace
    )
    assert finished.returncode == 0, finished.stderr
    assert "parity over 10 frames" in finished.stdout
    assert "next: edge-irdet threshold package --data DIR --split LIST --write" in finished.stdout
    assert "gone with it" not in finished.stdout
    manifest = json.loads((workplace / "package" / "package.json").read_text())
    assert manifest["training_data"][0]["licence"] == "ours"
    assert manifest["training_data"][0]["split"] == "train"
    evaluate = ("evaluate", "package", "--data", "set", "--split", "test.txt")
    finished = run(*evaluate, "--json", "--sheet", "sheet.png", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert {"map50", "ap_3px", "pd", "fa", "iou", "niou", "images"} <= set(report)
    assert report["images"] == 2
    assert report["iou"] is not None
    assert cv2.imread(str(workplace / "sheet.png")) is not None
    refused(run(*evaluate, "--sheet", "none/sheet.png", folder=workplace), "E502")
    table = run(*evaluate, folder=workplace)
    assert "mAP@0.5" in table.stdout


def test_export_refuses_what_it_cannot_vouch_for(workplace: Path) -> None:
    export = ("export", "run/best.pt", "-o", "other")
    refused(run(*export, "--variant", "light-sgmtlm", folder=workplace), "E402")
    refused(run("export", "missing.pt", "-o", "other", folder=workplace), "E401")
    refused(run("export", "train.txt", "-o", "other", folder=workplace), "E401")
    refused(run(*export, "--frames", "missing.mp4", folder=workplace), "E102")
    refused(run("export", "run/best.pt", "-o", "set", folder=workplace), "E701")
    assert not (workplace / "other").exists()


def test_training_refuses_bad_data_before_it_starts(workplace: Path) -> None:
    (workplace / "empty.txt").write_text("\n# nothing\n")
    (workplace / "unknown.txt").write_text("i0\nnobody\n")

    def train(*changes: str) -> subprocess.CompletedProcess[str]:
        return run(*TRAIN[:1], "--run-dir", "fresh", "--epochs", "1", *changes, folder=workplace)

    refused(train("--data", "set", "--split", "empty.txt"), "E302")
    refused(train("--data", "set", "--split", "unknown.txt"), "E305")
    refused(train("--data", "set", "--split", "missing.txt"), "E301")
    refused(train("--data", "nowhere", "--split", "train.txt"), "E301")
    refused(train("--data", "set", "--split", "train.txt", "--variant", "huge"), "E701")
    refused(train("--data", "set", "--split", "train.txt", "--preset", "magic"), "E701")
    refused(train("--data", "set", "--split", "train.txt", "--crop", "50"), "E701")
    assert not (workplace / "fresh").exists()


def test_a_run_folder_of_another_run_is_refused(workplace: Path) -> None:
    refused(run(*TRAIN, "--seed", "1", folder=workplace), "E402")


def test_masks_of_another_size(workplace: Path, tmp_path: Path) -> None:
    for part in ("images", "masks"):
        (tmp_path / "set" / part).mkdir(parents=True)
    for index in range(3):
        cv2.imwrite(str(tmp_path / "set" / "images" / f"{index}.png"), np.zeros((64, 64), np.uint8))
        cv2.imwrite(str(tmp_path / "set" / "masks" / f"{index}.png"), np.zeros((64, 65), np.uint8))
    (tmp_path / "all.txt").write_text("0\n1\n2\n")
    train = ("train", "--data", "set", "--split", "all.txt", "--run-dir", "run")
    refused(run(*train, folder=tmp_path), "E304")
    (tmp_path / "set" / "images" / "1.png").write_bytes(b"")
    package = str(workplace / "package")
    if (workplace / "package").exists():
        refused(run("evaluate", package, "--data", "set", "--split", "all.txt", folder=tmp_path), "E304")
    assert {path.name for path in tmp_path.iterdir()} == {"set", "all.txt"}


def test_a_training_starts_from_a_shipped_package(workplace: Path) -> None:
    options = [*TRAIN, "--init", "light-sgmtlm-reduced"]
    options[options.index("run")] = "tuned"
    finished = run(*options, "--learning-rate", "1e-9", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    said = " ".join(finished.stdout.split())
    assert "weights of package light-sgmtlm-reduced (light-sgmtlm-reduced), NUAA-SIRST" in said
    assert "new: the saliency head" in said
    assert "outputs of the classes" not in said
    finished = run("export", "tuned/best.pt", "-o", "tuned-package", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    manifest = json.loads((workplace / "tuned-package" / "package.json").read_text())
    shipped = json.loads((SHIPPED_PACKAGES / "light-sgmtlm-reduced" / "package.json").read_text())
    assert manifest["anchors"] == shipped["anchors"]
    assert manifest["training"]["config"]["started_from"].startswith("package light-sgmtlm-reduced ")
    # What the new package says of its past reaches the one that starts from it.
    options[options.index("tuned")] = "twice"
    options[options.index("light-sgmtlm-reduced")] = "tuned-package"
    finished = run(*options, folder=workplace)
    assert "itself from package light-sgmtlm-reduced" in " ".join(finished.stdout.split())
    assert "new:" not in finished.stdout


def test_what_a_training_cannot_start_from(workplace: Path) -> None:
    train = [*TRAIN, "--init"]
    train[train.index("run")] = "none"
    refused(run(*train, "missing.pt", folder=workplace), "E401")
    refused(run(*train, "train.txt", folder=workplace), "E401")
    refused(run(*train, "nowhere", folder=workplace), "E201")
    refused(run(*train, "light-sgmtlm-reduced", "--variant", "light-sgmtlm-edge", folder=workplace), "E402")
    finished = run("export", "run/best.pt", "-o", "light", "--no-weights", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    refused(run(*train, "light", folder=workplace), "E207")
    refused(run("package", "resize", "light", "--size", "96", "-o", "larger", folder=workplace), "E207")
    assert not (workplace / "larger").exists()


def test_lost_weights_come_back_and_are_exported_at_another_size(workplace: Path) -> None:
    finished = run("export", "run/best.pt", "-o", "lost", "--no-weights", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    recover = ("package", "recover-weights", "lost", "--data", "set", "--split")
    refused(run(*recover, "train.txt", "--split", "test.txt", folder=workplace), "E701")
    refused(run(*recover, "nowhere.txt", folder=workplace), "E301")
    finished = run(*recover, "train.txt", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    assert "weights against the graph over 8 images" in finished.stdout
    assert run("package", "verify", "lost", folder=workplace).stdout.count("  ok") == 2
    finished = run("package", "resize", "lost", "--size", "160x96", "-o", "wide", folder=workplace)
    assert finished.returncode == 0, finished.stderr
    manifest = json.loads((workplace / "wide" / "package.json").read_text())
    assert (manifest["input"]["width"], manifest["input"]["height"]) == (160, 96)
    assert manifest["training"]["weights"]["recovered"]
    finished = run("evaluate", "wide", "--data", "set", "--split", "test.txt", "--json", folder=workplace)
    assert finished.returncode == 0, finished.stderr


def test_info_prints_the_paper_beside_ours(workplace: Path) -> None:
    finished = run("info", "light-sgmtlm-reduced", "--size", "416", "--json", folder=workplace)
    report = json.loads(finished.stdout)
    assert report["parameters"] == 487253
    assert report["paper_gflops"] == 0.43
    assert sum(stage["macs"] for stage in report["stages"]) == report["macs"]
    table = run("info", "light-sgmtlm", "--size", "320", "--classes", "2", folder=workplace)
    assert "9.75" in table.stdout
    assert "detection" in table.stdout
