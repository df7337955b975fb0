"""Weights come back from the graph of a package whose checkpoint is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pytest.importorskip("onnxsim")

from doubles.file_hashes import file_sha256
from doubles.samples import write_images_and_masks
from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.errors import WeightsMissingError, WeightsRecoveryError
from edge_irdet.export.package_writer import ExportConfig, export_package
from edge_irdet.export.recovery import recover_weights
from edge_irdet.network.edge import DEFAULT_EDGE_ANCHORS
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.network.weights import package_weights
from edge_irdet.package import MANIFEST_NAME, Package
from edge_irdet.training.checkpoint import Checkpoint

BOX_PIXELS, SCORE = 1e-3, 1e-5


@pytest.fixture
def dataset(tmp_path: Path) -> LabelledDataset:
    write_images_and_masks(tmp_path / "set", 12, 96)
    return read_dataset(tmp_path / "set")


def exported(
    checkpoint: Checkpoint, variant: str, path: Path, frames: list[NDArray[np.uint8]], saliency: bool = False
) -> Package:
    """A package without weights, of a network whose normalisations have statistics of their own."""
    torch.manual_seed(2)
    anchors = DEFAULT_EDGE_ANCHORS if variant == "light-sgmtlm-edge" else checkpoint.anchors
    network = build_network(variant_config(variant, 2), anchors).train()
    for conv in network.det.convs:  # objectness high enough for boxes to be compared
        conv.bias.data.view(3, -1)[:, 4] = 0.0
        torch.nn.init.normal_(conv.weight, std=0.5)
    for _ in range(3):
        network(torch.rand(2, 3, 64, 96))
    trained = replace(
        checkpoint,
        config=replace(checkpoint.config, variant=variant),
        anchors=anchors,
        weights=network.state_dict(),
    )
    export_package(trained, path, ExportConfig(saliency=saliency, weights=False), frames)
    return Package(path)


# Focus folds its planes in another order than SIWD; a graph with its saliency map has the head as well.
@pytest.mark.parametrize(
    ("variant", "saliency"),
    [
        ("light-sgmtlm-reduced", False),
        ("light-sgmtlm-reduced", True),
        ("light-sgmtlm-reduced-yolov5", False),
        ("light-sgmtlm-reduced-without-siwd", True),
    ],
)
def test_the_recovered_network_gives_what_the_graph_gives(
    checkpoint: Checkpoint,
    package_path: Path,
    frames: list[NDArray[np.uint8]],
    dataset: LabelledDataset,
    variant: str,
    saliency: bool,
) -> None:
    package = exported(checkpoint, variant, package_path, frames, saliency)
    with pytest.raises(WeightsMissingError, match="recover-weights"):
        package_weights(package)
    graph = package.read_graph()
    report = recover_weights(package, [dataset])
    assert report.frames == 12
    assert report.worst.live_boxes > 0
    assert report.worst.box_pixels < BOX_PIXELS
    assert report.worst.score < SCORE
    again = Package(package_path)
    weights = package_weights(again)
    assert weights.has_saliency_head is saliency
    stated = again.manifest.training.weights
    assert stated is not None
    assert "12 images of set" in stated.recovered
    assert again.read_graph() == graph
    assert replaced_training(again) == replaced_training(package)


def replaced_training(package: Package) -> dict[str, object]:
    manifest = json.loads((package.directory / MANIFEST_NAME).read_text())
    manifest["training"].pop("weights", None)
    return manifest


def test_statistics_are_those_of_the_images(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]], dataset: LabelledDataset
) -> None:
    recover_weights(exported(checkpoint, "light-sgmtlm-reduced", package_path, frames), [dataset])
    network = package_weights(Package(package_path)).network()
    seen = []
    block = network.fpn.csp4.cv1
    handle = block.bn.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        for sample in dataset:
            canvas = np.full((64, 96), 114, np.uint8)
            canvas[:, 16:80] = sample.image[:64, :64]
            network(torch.from_numpy(canvas).float().div(255).expand(1, 3, -1, -1))
    handle.remove()
    values = torch.cat(seen).transpose(0, 1).flatten(1)
    # Other frames of the same kind: the normalised features of a training step start near mean 0, variance 1.
    normalised = (values.mean(1) - block.bn.running_mean) / (block.bn.running_var + block.bn.eps).sqrt()
    assert normalised.abs().max() < 1
    torch.testing.assert_close(block.bn.weight.detach(), (block.bn.running_var + block.bn.eps).sqrt())


def test_what_cannot_be_recovered_is_refused_and_changes_nothing(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]], dataset: LabelledDataset
) -> None:
    with pytest.raises(WeightsRecoveryError, match="merges the branches"):
        recover_weights(exported(checkpoint, "light-sgmtlm-edge", package_path, frames), [dataset])
    # A package that has its checkpoint's weights: those of the graph would lack the saliency head.
    export_package(checkpoint, package_path, ExportConfig(), frames)
    manifest = (package_path / MANIFEST_NAME).read_bytes()
    with pytest.raises(WeightsRecoveryError, match="checkpoint"):
        recover_weights(Package(package_path), [dataset])
    assert (package_path / MANIFEST_NAME).read_bytes() == manifest


def test_a_graph_of_other_layers_is_refused(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]], dataset: LabelledDataset
) -> None:
    package = exported(checkpoint, "light-sgmtlm-reduced", package_path, frames)
    graph = onnx.load(package.graph_path())
    next(node for node in graph.graph.node if node.name.endswith("fpn/lat5/conv/Conv")).name = "Conv_7"
    onnx.save(graph, package_path / "model.onnx")
    manifest = json.loads((package_path / MANIFEST_NAME).read_text())
    manifest["graphs"]["fp32"]["sha256"] = file_sha256(package_path / "model.onnx")
    (package_path / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(WeightsRecoveryError, match=r"no convolution fpn\.lat5\.conv"):
        recover_weights(Package(package_path), [dataset])
    assert not (package_path / "weights.safetensors").exists()
