from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from edge_irdet.errors import OptionError
from edge_irdet.network.blocks import SIWD, Bottleneck
from edge_irdet.network.counting import count_network
from edge_irdet.network.decode import decode_levels
from edge_irdet.network.edge import EdgeConfig, EdgeLightSGMTLM
from edge_irdet.network.variants import VARIANTS, build_network, variant_config


def edge(**changes: object) -> EdgeLightSGMTLM:
    torch.manual_seed(0)
    return EdgeLightSGMTLM(replace(EdgeConfig(), **changes)).eval()


@pytest.mark.parametrize("saliency_head", [True, False])
def test_output_shapes(saliency_head: bool) -> None:
    output = edge(classes=3, saliency_head=saliency_head)(torch.zeros(2, 3, 64, 96))
    assert [tuple(level.shape) for level in output.levels] == [
        (2, 3, 16, 24, 8),
        (2, 3, 8, 12, 8),
        (2, 3, 4, 6, 8),
    ]
    if saliency_head:
        assert output.saliency.shape == (2, 1, 64, 96)
    else:
        assert output.saliency is None


def test_its_counts_at_320() -> None:
    count = count_network(edge(), (320, 320))
    assert count.parameters == 152_741
    assert round(count.macs / 1e6, 1) == 148.5
    assert [stage.name for stage in count.stages] == [
        *(f"backbone X{index}" for index in range(1, 5)),
        "FPN",
        "saliency head",
        "PAN",
        "detection head",
    ]
    up = next(layer for layer in count.layers if layer.name == "salhead.up")
    assert (up.stride, up.output_shape) == (4, (1, 320, 320))


def test_every_bottleneck_is_residual_and_every_stage_a_siwd() -> None:
    network = edge()
    bottlenecks = [module for module in network.modules() if isinstance(module, Bottleneck)]
    assert len(bottlenecks) == 5
    assert all(bottleneck.residual for bottleneck in bottlenecks)
    assert [stage.pw.conv.out_channels for stage in network.backbone.stages] == [8, 24, 48, 96]
    assert all(isinstance(stage, SIWD) for stage in network.backbone.stages)


def test_the_saliency_head_reads_what_the_finest_detection_head_reads() -> None:
    """A cell of the finest level and the saliency there depend on the same features, P2."""
    network = edge()
    image = torch.rand(1, 3, 64, 64)
    features = []
    network.det.register_forward_pre_hook(lambda module, inputs: features.append(inputs[0][0]))
    network.salhead.register_forward_pre_hook(lambda module, inputs: features.append(inputs[0]))
    network(image)
    assert features[0] is features[1]


def test_a_target_of_one_cell_decodes_to_its_place() -> None:
    network = edge()
    levels = network(torch.zeros(1, 3, 64, 64)).levels
    boxes, _ = decode_levels([torch.zeros_like(level) for level in levels], network.det.anchors, (4, 8, 16))
    centres = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2
    assert centres[0].tolist() == [2.0, 2.0]
    assert centres[3 * 16 * 16].tolist() == [4.0, 4.0]
    assert centres[3 * (16 * 16 + 8 * 8)].tolist() == [8.0, 8.0]


def test_halving_the_saliency_resolution_means_nothing_here() -> None:
    network = edge()
    image = torch.rand(1, 3, 32, 32)
    before = network(image).saliency
    network.halve_saliency_resolution(True)
    assert torch.equal(network(image).saliency, before)


@pytest.mark.parametrize(
    "wrong", [{"widths": (8, 22, 48, 96)}, {"widths": (0, 24, 48, 96)}, {"depth": 0}, {"classes": 0}]
)
def test_impossible_shapes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="next: "):
        replace(EdgeConfig(), **wrong)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_says_what_its_levels_are(variant: str) -> None:
    config = variant_config(variant, 2)
    if variant == "light-sgmtlm":
        pytest.skip("190 MB of weights to learn what the reduced model says too")
    network = build_network(config)
    assert network.det.strides == config.strides
    assert len(config.small_target_sides) == len(config.strides) == len(network.det.anchors)
    shapes = [level.shape for level in network(torch.zeros(1, 3, 64, 64)).levels]
    assert [64 // shape[2] for shape in shapes] == list(config.strides)
