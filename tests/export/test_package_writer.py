from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import CheckpointMismatchError, OptionError, OutputFailedError, ParityError
from edge_irdet.export import package_writer
from edge_irdet.export.graph import DeployedGraph
from edge_irdet.export.package_writer import ExportConfig, export_package
from edge_irdet.package import Package, Precision
from edge_irdet.training.checkpoint import Checkpoint


def test_a_package_runs_and_says_what_it_is(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    report = export_package(checkpoint, package_path, ExportConfig(score_threshold=0.4), frames)
    assert report.passed
    assert report.frames == 3
    assert report.worst.live_boxes > 0
    manifest = Package(package_path).manifest
    assert manifest.name == "package"
    assert manifest.variant == "light-sgmtlm-reduced"
    assert manifest.classes == ["drone", "bird"]
    assert (manifest.input.width, manifest.input.height) == (96, 64)
    assert manifest.postprocess.score_threshold == 0.4
    assert manifest.training_data == [checkpoint.data]
    assert manifest.training.epoch == 3
    assert list(manifest.graphs) == [Precision.FP32]
    assert sorted(path.name for path in package_path.iterdir()) == [
        "model.onnx",
        "package.json",
        "weights.safetensors",
    ]
    with Detector(package_path, DetectorConfig(runtime="cpu", score_threshold=0.0, threads=1)) as detector:
        found = detector.detect(frames[0])
    assert len(found) > 0
    assert found.boxes.min() >= 0
    assert (found.boxes[:, 2] <= 100).all()
    assert (found.boxes[:, 3] <= 70).all()


def test_saliency_and_another_size(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    export_package(checkpoint, package_path, ExportConfig(saliency=True, size=(160, 96)), frames)
    with Detector(package_path, DetectorConfig(runtime="cpu", threads=1)) as detector:
        _, saliency = detector.detect_with_saliency(frames[0])
    assert saliency.shape == frames[0].shape
    assert 0 <= saliency.min() <= saliency.max() <= 1


def test_asking_a_package_without_the_head_for_saliency(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    export_package(checkpoint, package_path, ExportConfig(), frames)
    with Detector(package_path) as detector, pytest.raises(OptionError, match="--saliency"):
        detector.detect_with_saliency(frames[0])


def test_a_graph_that_differs_writes_nothing(
    checkpoint: Checkpoint,
    package_path: Path,
    frames: list[NDArray[np.uint8]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exported = package_writer.export_onnx

    def altered(graph: DeployedGraph, size: tuple[int, int]):
        other = DeployedGraph(package_writer.model_from_checkpoint(checkpoint), False)
        other.network.det.convs[0].bias.data += 0.01
        return exported(other, size)

    monkeypatch.setattr(package_writer, "export_onnx", altered)
    with pytest.raises(ParityError, match="differ by"):
        export_package(checkpoint, package_path, ExportConfig(), frames)
    assert list(package_path.parent.iterdir()) == []


def test_without_frames_nothing_is_proved_and_nothing_written(
    checkpoint: Checkpoint, package_path: Path
) -> None:
    with pytest.raises(ParityError, match="no frame"):
        export_package(checkpoint, package_path, ExportConfig(), [])
    assert list(package_path.parent.iterdir()) == []


def test_another_variant_is_refused(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    with pytest.raises(CheckpointMismatchError, match="asked for was light-sgmtlm"):
        export_package(checkpoint, package_path, ExportConfig(variant="light-sgmtlm"), frames)
    mislabelled = replace(checkpoint, config=replace(checkpoint.config, variant="light-sgmtlm-s"))
    with pytest.raises(CheckpointMismatchError, match="do not fit"):
        export_package(mislabelled, package_path, ExportConfig(), frames)
    assert not package_path.exists()


@pytest.mark.parametrize("size", [(0, 64), (64, 70), (-32, 64)])
def test_sizes_that_are_not_multiples_of_32_are_refused(
    checkpoint: Checkpoint, package_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(OptionError, match="multiple of 32"):
        export_package(checkpoint, package_path, ExportConfig(size=size), [])


def test_only_a_package_is_replaced(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    package_path.mkdir()
    (package_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="not a model package"):
        export_package(checkpoint, package_path, ExportConfig(), frames)
    assert (package_path / "thesis.txt").read_text() == "years of work"
    (package_path / "thesis.txt").unlink()
    export_package(checkpoint, package_path, ExportConfig(), frames)
    export_package(checkpoint, package_path, ExportConfig(score_threshold=0.7), frames)
    assert Package(package_path).manifest.postprocess.score_threshold == 0.7
    assert [path.name for path in package_path.parent.iterdir()] == ["package"]


def test_a_place_that_cannot_be_written(
    checkpoint: Checkpoint, tmp_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailedError):
        export_package(checkpoint, tmp_path / "file" / "package", ExportConfig(), frames)
