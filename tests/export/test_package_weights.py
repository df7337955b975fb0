"""The weights that a package carries: written by export, checked when read, exported at other sizes."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pytest.importorskip("onnxsim")

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import (
    ManifestInvalidError,
    OptionError,
    PackageHashError,
    WeightsInvalidError,
    WeightsMissingError,
)
from edge_irdet.export.graph import DeployedGraph
from edge_irdet.export.package_writer import ExportConfig, export_package
from edge_irdet.export.parity import check_parity
from edge_irdet.export.resizing import resize_package
from edge_irdet.network.edge import DEFAULT_EDGE_ANCHORS
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.network.weights import DESCRIPTION, package_weights
from edge_irdet.package import MANIFEST_NAME, Package, Precision, open_package, shipped_packages
from edge_irdet.package_verification import verify_package
from edge_irdet.scene.config import SceneConfig
from edge_irdet.scene.scene import SyntheticScene
from edge_irdet.tensor_file import decode_tensors, encode_tensors
from edge_irdet.training.checkpoint import Checkpoint
from edge_irdet.weights_file import read_weights


@pytest.mark.parametrize("name", shipped_packages())
def test_shipped_weights_give_what_the_shipped_graph_gives(name: str) -> None:
    package = open_package(name)
    manifest = package.manifest
    scene = SyntheticScene(SceneConfig())
    frames = [scene.render(index).image for index in range(0, 40, 10)]
    graph = DeployedGraph(package_weights(package).network(), saliency=False)
    report = check_parity(graph, package.read_graph(), manifest.preprocess, manifest.input, frames)
    assert report.worst.live_boxes > 20
    assert report.worst.box_pixels < 1e-3
    assert report.worst.score < 1e-5


def test_export_writes_the_weights_of_the_checkpoint(
    checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    export_package(checkpoint, package_path, ExportConfig(), frames)
    package = Package(package_path)
    stated = package.manifest.training.weights
    assert stated is not None
    assert stated.bytes == (package_path / stated.file).stat().st_size
    assert verify_package(package).weights == stated.sha256
    assert verify_package(package).unnamed == ()
    weights = package_weights(package)
    assert weights.classes == ("drone", "bird")
    assert weights.has_saliency_head
    for tensor, value in checkpoint.weights.items():
        assert torch.equal(weights.tensors[tensor], value), tensor


def test_export_of_merged_branches_writes_the_weights_before_merging(
    checkpoint: Checkpoint, package_path: Path, tmp_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    torch.manual_seed(3)
    network = build_network(variant_config("light-sgmtlm-edge", 2), DEFAULT_EDGE_ANCHORS)
    edge = replace(
        checkpoint,
        config=replace(checkpoint.config, variant="light-sgmtlm-edge"),
        anchors=DEFAULT_EDGE_ANCHORS,
        weights=network.state_dict(),
    )
    export_package(edge, package_path, ExportConfig(), frames)
    assert set(package_weights(Package(package_path)).tensors) == set(network.state_dict())
    report = resize_package(Package(package_path), (160, 128), tmp_path / "larger", frames)
    assert report.weights.passed
    assert report.graph.passed


def test_a_package_may_omit_its_weights(
    checkpoint: Checkpoint, package_path: Path, tmp_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    export_package(checkpoint, package_path, ExportConfig(weights=False), frames)
    package = Package(package_path)
    assert verify_package(package).weights is None
    assert not (package_path / "weights.safetensors").exists()
    with Detector(package_path, DetectorConfig(runtime="cpu", threads=1)) as detector:
        detector.detect(frames[0])
    with pytest.raises(WeightsMissingError, match="recover-weights"):
        resize_package(package, (64, 64), tmp_path / "other", frames)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("saliency", [False, True])
def test_a_package_at_another_size(
    checkpoint: Checkpoint,
    package_path: Path,
    tmp_path: Path,
    frames: list[NDArray[np.uint8]],
    saliency: bool,
) -> None:
    export_package(checkpoint, package_path, ExportConfig(saliency=saliency, score_threshold=0.4), frames)
    report = resize_package(Package(package_path), (160, 96), tmp_path / "large", frames)
    assert report.graph.worst.live_boxes > report.weights.worst.live_boxes > 0
    package = Package(tmp_path / "large")
    manifest = package.manifest
    assert (manifest.name, manifest.input.width, manifest.input.height) == ("large", 160, 96)
    assert manifest.postprocess.score_threshold == 0.4
    assert list(manifest.graphs) == [Precision.FP32]
    assert manifest.metrics == {}
    assert read_weights(package) == read_weights(Package(package_path))
    # The same as an export of the checkpoint at that size.
    export_package(checkpoint, tmp_path / "direct", ExportConfig(saliency, (160, 96)), frames)
    assert (tmp_path / "direct" / "model.onnx").read_bytes() == package.read_graph()
    with pytest.raises(OptionError, match="that is read"):
        resize_package(package, (64, 64), tmp_path / "large", frames)
    with pytest.raises(OptionError, match="multiple of 32"):
        resize_package(package, (64, 70), tmp_path / "other", frames)


@pytest.fixture
def package(checkpoint: Checkpoint, package_path: Path, frames: list[NDArray[np.uint8]]) -> Package:
    export_package(checkpoint, package_path, ExportConfig(), frames)
    return Package(package_path)


def with_weights(package: Package, content: bytes, **changes: object) -> Package:
    """The package with another weights file, which its manifest states as its own."""
    (package.directory / "weights.safetensors").write_bytes(content)
    manifest = json.loads((package.directory / MANIFEST_NAME).read_text())
    stated = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": max(1, len(content)), **changes}
    manifest["training"]["weights"] |= stated
    (package.directory / MANIFEST_NAME).write_text(json.dumps(manifest))
    return Package(package.directory)


def test_a_weights_file_that_is_not_the_manifests_is_refused(package: Package) -> None:
    path = package.directory / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackageHashError, match="SHA-256"):
        package_weights(package)
    with pytest.raises(PackageHashError, match="SHA-256"):
        verify_package(package)
    path.write_bytes(bytes(content) + b"\0")
    with pytest.raises(PackageHashError, match="more than"):
        package_weights(package)
    path.unlink()
    with pytest.raises(PackageHashError, match="not there"):
        package_weights(package)
    path.mkdir()
    with pytest.raises(PackageHashError, match="a folder"):
        package_weights(package)


def test_a_weights_file_of_another_network_is_refused(package: Package) -> None:
    arrays, metadata = decode_tensors(read_weights(package))
    about = json.loads(metadata[DESCRIPTION])

    def described(**changes: object) -> bytes:
        return encode_tensors(arrays, {DESCRIPTION: json.dumps({**about, **changes})})

    broken = dict(arrays)
    broken["det.convs.0.bias"] = np.full_like(arrays["det.convs.0.bias"], np.nan)
    cases = {
        "safetensors": b"no tensors",
        "metadata": encode_tensors(arrays, {}),
        "not finite": encode_tensors(broken, metadata),
        "no variant": described(variant="unknown"),
        "depth": described(network={**about["network"], "depth": 2}),
        "strides": described(strides=[4, 8, 16]),
        "anchor": described(anchors=[[[0, 1]]] * 3),
        "named twice": described(classes=["drone", "drone"]),
        "manifest names": described(classes=["drone", "plane"]),
        "variant": described(variant=7),
    }
    for reason, content in cases.items():
        with pytest.raises(WeightsInvalidError, match=reason):
            package_weights(with_weights(package, content))
    with pytest.raises(ManifestInvalidError, match="not a file of the package"):
        with_weights(package, b"x", file="../weights.safetensors")


def test_weights_of_another_training_do_not_pass_for_the_graphs(
    package: Package, tmp_path: Path, frames: list[NDArray[np.uint8]]
) -> None:
    arrays, metadata = decode_tensors(read_weights(package))
    arrays["det.convs.0.bias"] = arrays["det.convs.0.bias"] + np.float32(0.1)
    other = with_weights(package, encode_tensors(arrays, metadata))
    with pytest.raises(WeightsInvalidError, match="other detections"):
        resize_package(other, (64, 64), tmp_path / "small", frames)
    assert not (tmp_path / "small").exists()


def test_packages_of_before_there_were_weights_are_read(tmp_path: Path) -> None:
    old = Path(shutil.copytree(open_package().directory, tmp_path / "old"))
    manifest = json.loads((old / MANIFEST_NAME).read_text())
    del manifest["training"]["weights"]
    (old / MANIFEST_NAME).write_text(json.dumps(manifest))
    (old / "weights.safetensors").unlink()
    verified = verify_package(Package(old))
    assert verified.weights is None
    assert verified.unnamed == ()
