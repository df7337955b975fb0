from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from edge_irdet.export.graph import OPSET, DeployedGraph, export_onnx, fold_input_channels
from edge_irdet.network.light_sgmtlm import LightSGMTLM
from edge_irdet.network.variants import variant_config


@pytest.mark.parametrize("backbone", ["siwd", "csp"])
def test_folding_the_input_channels_is_exact(backbone: str) -> None:
    torch.manual_seed(0)
    config = replace(variant_config("light-sgmtlm-s"), backbone=backbone, base_channels=8)
    network = LightSGMTLM(config).double().eval()
    grey = torch.rand(1, 1, 64, 64, dtype=torch.float64)
    expected = network(grey.expand(-1, 3, -1, -1))
    folded = fold_input_channels(network)(grey)
    for first, second in zip(expected.levels, folded.levels, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(expected.saliency, folded.saliency, rtol=1e-10, atol=1e-10)


def test_dropping_the_saliency_head_changes_no_box() -> None:
    torch.manual_seed(0)
    network = LightSGMTLM(variant_config("light-sgmtlm-reduced")).eval()
    image = torch.randint(0, 255, (1, 1, 64, 64), dtype=torch.uint8)
    with_head, without = DeployedGraph(network, True)(image), DeployedGraph(network, False)(image)
    assert len(with_head) == 3
    assert len(without) == 2
    for first, second in zip(with_head, without, strict=False):
        assert torch.equal(first, second)
    assert network.salhead is not None, "the model itself is left as it was"


@pytest.mark.parametrize("saliency", [False, True])
@pytest.mark.parametrize("size", [(64, 64), (96, 64), (64, 160)])
def test_the_graph_contract(saliency: bool, size: tuple[int, int]) -> None:
    network = LightSGMTLM(variant_config("light-sgmtlm-reduced", 2))
    model = export_onnx(DeployedGraph(network, saliency), size)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    (image,) = model.graph.input
    assert image.name == "image"
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [side.dim_value for side in image.type.tensor_type.shape.dim] == [1, 1, size[1], size[0]]
    cells = sum(size[0] // stride * (size[1] // stride) for stride in (8, 16, 32))
    shapes = {
        output.name: [side.dim_value for side in output.type.tensor_type.shape.dim]
        for output in model.graph.output
    }
    expected = {"boxes": [1, 3 * cells, 4], "scores": [1, 3 * cells, 2]}
    if saliency:
        expected["saliency"] = [1, 1, size[1], size[0]]
    assert shapes == expected
    assert all(o.type.tensor_type.elem_type == onnx.TensorProto.FLOAT for o in model.graph.output)
    operators = {node.op_type for node in model.graph.node}
    assert "NonMaxSuppression" not in operators
    assert "BatchNormalization" not in operators, "folded into the convolutions"
    assert not operators & {"Shape", "If", "Loop", "NonZero", "Range"}, "static all through"
    assert np.isin(list(operators), list(KNOWN_OPERATORS)).all(), operators - KNOWN_OPERATORS


KNOWN_OPERATORS = {
    "Add", "Cast", "Concat", "Constant", "Conv", "Mul", "Reshape", "Resize", "Sigmoid", "Slice", "Split",
    "Sub", "Transpose",
}  # fmt: skip
