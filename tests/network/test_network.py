from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from edge_irdet.errors import OptionError
from edge_irdet.network.blocks import C3, CBS, SIWD
from edge_irdet.network.light_sgmtlm import DEFAULT_ANCHORS, LightSGMTLM, NetworkConfig
from edge_irdet.network.variants import PAPER_VARIANTS, VARIANTS, variant_config

SMALL = NetworkConfig(8, 1)


@pytest.mark.parametrize("backbone", ["siwd", "csp"])
@pytest.mark.parametrize(
    ("feature_extraction", "saliency_head"), [(True, True), (True, False), (False, False)]
)
@pytest.mark.parametrize("saliency_resolution", ["half", "full"])
def test_output_shapes_of_all_ablations(
    backbone: str, feature_extraction: bool, saliency_head: bool, saliency_resolution: str
) -> None:
    config = replace(
        SMALL,
        classes=3,
        backbone=backbone,
        feature_extraction=feature_extraction,
        saliency_head=saliency_head,
        saliency_resolution=saliency_resolution,
    )
    output = LightSGMTLM(config)(torch.zeros(2, 3, 64, 96))
    assert [tuple(level.shape) for level in output.levels] == [
        (2, 3, 8, 12, 8),
        (2, 3, 4, 6, 8),
        (2, 3, 2, 3, 8),
    ]
    if saliency_head:
        assert output.saliency.shape == (2, 1, 64, 96)
    else:
        assert output.saliency is None


@pytest.mark.parametrize("fusion", ["add", "concat"])
def test_siwd_halves_the_resolution_in_both_fusions(fusion: str) -> None:
    block = SIWD(8, 16, fusion)
    assert block(torch.zeros(1, 8, 32, 48)).shape == (1, 16, 16, 24)


def test_siwd_concat_has_the_parameters_of_equation_6() -> None:
    channels_in, channels_out = 80, 160
    weights = sum(
        module.weight.numel()
        for module in SIWD(channels_in, channels_out, "concat").modules()
        if isinstance(module, nn.Conv2d)
    )
    assert weights == (21 / 4 * channels_in + channels_out / 2) * channels_out


def test_siwd_branches_see_the_stated_extent() -> None:
    """The largest dilation reaches 5 px along each axis and nothing diagonal (1x3 and 3x1 kernels)."""
    torch.manual_seed(0)
    block = SIWD(1, 4).eval()
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    block(image)[0, :, 8, 8].sum().backward()
    rows, columns = image.grad[0, 0].nonzero(as_tuple=True)
    offsets = {(int(row) - 16, int(column) - 16) for row, column in zip(rows, columns, strict=True)}
    reach = {0, -1, 1, -3, 3, -5, 5}
    assert offsets == {(step, 0) for step in reach} | {(0, step) for step in reach}


def test_c3_of_the_paper_has_no_residual() -> None:
    block = C3(4, 4, 1).eval()
    for module in block.m.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
    features = torch.randn(1, 4, 5, 5)
    bypass = block.cv2(features)
    without_main = block.cv3(torch.cat((torch.zeros_like(bypass), bypass), 1))
    torch.testing.assert_close(block(features), without_main)


def test_batch_norm_and_activation_are_yolov5s() -> None:
    norm = CBS(2, 2).bn
    assert (norm.eps, norm.momentum) == (1e-3, 0.03)


def test_detection_biases_start_at_yolov5s_prior() -> None:
    torch.manual_seed(3)
    network = LightSGMTLM(replace(SMALL, classes=2))
    for conv, stride in zip(network.det.convs, (8, 16, 32), strict=True):
        bias = conv.bias.detach().view(3, 7)
        bound = 1 / math.sqrt(conv.in_channels)  # of PyTorch's default initialisation, which YOLOv5 keeps
        assert (bias[:, 4] - math.log(8 / (640 / stride) ** 2)).abs().max() <= bound
        assert (bias[:, 5:] - math.log(0.6 / 1.01)).abs().max() <= bound


def test_the_saliency_resolution_does_not_change_weights_or_boxes() -> None:
    reduced = variant_config("light-sgmtlm-reduced")
    full = LightSGMTLM(reduced).eval()
    half = LightSGMTLM(replace(reduced, saliency_resolution="half")).eval()
    half.load_state_dict(full.state_dict())
    image = torch.rand(1, 3, 64, 64)
    for first, second in zip(full(image).levels, half(image).levels, strict=True):
        torch.testing.assert_close(first, second)


def test_anchors_travel_with_the_weights() -> None:
    anchors = tuple(tuple((w + 1, h + 2) for w, h in level) for level in DEFAULT_ANCHORS)
    other = LightSGMTLM(SMALL)
    other.load_state_dict(LightSGMTLM(SMALL, anchors).state_dict())
    torch.testing.assert_close(other.det.anchors, torch.tensor(anchors))


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_channels": 6},
        {"base_channels": 0},
        {"depth": 0},
        {"classes": 0},
        {"feature_extraction": False, "saliency_head": True},
    ],
)
def test_impossible_configurations_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="next: "):
        replace(SMALL, **wrong)


def test_unknown_variant_names_the_known_ones() -> None:
    with pytest.raises(OptionError, match="light-sgmtlm-reduced"):
        variant_config("light-sgmtlm-xl")


def test_the_variants_are_the_documented_ones() -> None:
    table = {name: (config.base_channels, config.depth) for name, config in PAPER_VARIANTS.items()}
    assert table == {
        "light-sgmtlm": (80, 4),
        "light-sgmtlm-reduced": (8, 4),
        "light-sgmtlm-s": (32, 1),
        "light-sgmtlm-m": (48, 2),
        "light-sgmtlm-l": (64, 3),
    }
    assert set(VARIANTS) - set(PAPER_VARIANTS) == {"light-sgmtlm-edge"}
