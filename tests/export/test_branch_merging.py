from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxsim")

from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.export.branch_merging import MergedSIWD, merge_branches
from edge_irdet.export.graph import DeployedGraph, export_onnx, fold_input_channels
from edge_irdet.export.package_writer import ExportConfig, export_package
from edge_irdet.network.blocks import CBS, SIWD
from edge_irdet.network.network import Network
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.package import TrainingData, open_package
from edge_irdet.training.checkpoint import Checkpoint
from edge_irdet.training.presets import preset_config


def trained(module: torch.nn.Module) -> torch.nn.Module:
    """Weights and batch statistics such as training leaves them, in float64 and eval mode."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(part.weight, 1.0, 0.3)
            torch.nn.init.normal_(part.bias, 0.0, 0.3)
            part.running_mean.normal_(0, 0.5)
            part.running_var.uniform_(0.3, 2.0)
    return module.double().eval()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(4, 20), st.integers(4, 20), st.integers(0, 10**6))
def test_a_merged_block_is_equal(channels: int, quarter: int, rows: int, columns: int, seed: int) -> None:
    """Also at borders and in images smaller than the largest dilation's reach."""
    torch.manual_seed(seed)
    block = trained(SIWD(channels, 4 * quarter))
    features = torch.randn(2, channels, 2 * rows, 2 * columns, dtype=torch.float64)
    torch.testing.assert_close(MergedSIWD(block)(features), block(features), rtol=1e-12, atol=1e-12)


def test_a_merged_block_has_four_convolutions() -> None:
    merged = MergedSIWD(trained(SIWD(8, 24)))
    kernels = [module.conv.kernel_size for module in merged.modules() if isinstance(module, CBS)]
    assert kernels == [(1, 1), (1, 11), (11, 1), (1, 1)]


def test_a_concatenating_block_is_refused() -> None:
    with pytest.raises(TypeError, match="concat"):
        MergedSIWD(SIWD(8, 24, "concat"))


def test_a_whole_network_is_equal() -> None:
    torch.manual_seed(0)
    network = trained(build_network(variant_config("light-sgmtlm-edge")))
    merged = merge_branches(fold_input_channels(copy.deepcopy(network)))
    grey = torch.rand(1, 1, 64, 96, dtype=torch.float64)
    expected, found = network(grey.expand(-1, 3, -1, -1)), merged(grey)
    for first, second in zip(expected.levels, found.levels, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(expected.saliency, found.saliency, rtol=1e-9, atol=1e-9)


def lively_edge() -> Network:
    torch.manual_seed(1)
    network = build_network(variant_config("light-sgmtlm-edge"))
    for conv in network.det.convs:
        conv.bias.data.view(3, -1)[:, 4] = 0.0
        torch.nn.init.normal_(conv.weight, std=0.5)
    return network.eval()


def test_only_the_device_variant_is_merged() -> None:
    merged = DeployedGraph(lively_edge(), False).network.backbone.stages
    assert all(isinstance(stage, MergedSIWD) for stage in merged)
    paper = DeployedGraph(
        build_network(variant_config("light-sgmtlm-reduced")), False
    ).network.backbone.stages
    assert all(isinstance(stage, SIWD) for stage in paper)


def test_the_exported_graph_has_few_convolutions() -> None:
    graph = export_onnx(DeployedGraph(lively_edge(), False), (64, 64))
    assert sum(node.op_type == "Conv" for node in graph.graph.node) == 4 * 4 + 4 * 5 + 2 + 2 + 3
    assert "BatchNormalization" not in {node.op_type for node in graph.graph.node}


@pytest.mark.parametrize("saliency", [False, True])
def test_a_package_of_it_agrees_with_torch_and_states_its_levels(
    tmp_path, frames: list[NDArray[np.uint8]], saliency: bool
) -> None:
    network = lively_edge()
    checkpoint = Checkpoint(
        config=preset_config("field", "light-sgmtlm-edge", size=(96, 64)),
        classes=("target",),
        anchors=tuple(tuple((w, h) for w, h in level) for level in network.det.anchors.tolist()),
        data=TrainingData("set", "split", 3, "none", "annotated"),
        epoch=3,
        seconds=1.5,
        machine="test",
        best_map50=0.5,
        best_epoch=2,
        weights=network.state_dict(),
        resume={},
    )
    place = tmp_path / "package"
    report = export_package(checkpoint, place, ExportConfig(saliency=saliency), frames)
    assert report.passed
    manifest = open_package(place).manifest
    assert manifest.strides == [4, 8, 16]
    assert len(manifest.anchors) == 3
    cells = sum(96 // stride * (64 // stride) for stride in (4, 8, 16))
    assert manifest.outputs[0].shape == [1, 3 * cells, 4]
