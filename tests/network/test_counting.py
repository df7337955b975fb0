"""The numbers of docs/background/model.md, pinned, and every layer of the reference tables."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("torch")

from edge_irdet.network.counting import NetworkCount, count_network
from edge_irdet.network.light_sgmtlm import LightSGMTLM
from edge_irdet.network.variants import VARIANTS, build_network, variant_config

REFERENCE = Path(__file__).parents[1] / "reference"
PLAIN_NECK = {"feature_extraction": False, "saliency_head": False}


def counted(variant: str, side: int, classes: int, **switches: object) -> NetworkCount:
    config = replace(variant_config(variant, classes), **switches)
    return count_network(LightSGMTLM(config), (side, side))


@pytest.mark.parametrize(
    ("switches", "mebi_parameters", "gflops"),
    [
        ({}, 45.531, 36.504),
        ({"backbone": "csp"}, 85.436, 62.316),
        ({"backbone": "csp", **PLAIN_NECK}, 83.209, 45.914),
        (PLAIN_NECK, 43.304, 20.103),
    ],
    ids=["light-sgmtlm", "without SIWD", "YOLOv5x", "YOLOv5x + SIWD"],
)
def test_full_model_and_ablations_at_416(
    switches: dict[str, object], mebi_parameters: float, gflops: float
) -> None:
    count = counted("light-sgmtlm", 416, 2, **switches)
    assert round(count.parameters / 2**20, 3) == mebi_parameters
    assert round(count.torchstat_flops / 1e9, 3) == gflops


def test_reduced_model_at_416() -> None:
    count = counted("light-sgmtlm-reduced", 416, 2)
    assert round(count.parameters / 1e6, 3) == 0.488
    assert round(count.torchstat_flops / 1e9, 3) == 0.433


@pytest.mark.parametrize(
    ("side", "gflops"), [(320, 0.2557), (416, 0.4322), (512, 0.6546), (608, 0.9231), (992, 2.4575)]
)
def test_reduced_model_over_sizes(side: int, gflops: float) -> None:
    assert round(counted("light-sgmtlm-reduced", side, 1).torchstat_flops / 1e9, 4) == gflops


@pytest.mark.parametrize(
    ("side", "full", "reduced"),
    [(320, 21.48, 0.239), (416, 36.30, 0.405), (512, 54.99, 0.613), (640, 85.93, 0.958)],
)
def test_convolution_macs_over_sizes(side: int, full: float, reduced: float) -> None:
    assert round(counted("light-sgmtlm", side, 1).macs / 1e9, 2) == full
    assert round(counted("light-sgmtlm-reduced", side, 1).macs / 1e9, 3) == reduced


@pytest.mark.parametrize(
    ("variant", "file"),
    [("light-sgmtlm", "layers_full.csv"), ("light-sgmtlm-reduced", "layers_reduced.csv")],
)
def test_every_row_of_the_reference_table(variant: str, file: str) -> None:
    """As multisets: type, channels, kernel, stride, dilation, resolutions, weights, MACs at 640."""
    built: Counter[tuple[object, ...]] = Counter()
    network = build_network(variant_config(variant))
    modules = dict(network.named_modules())
    for layer in count_network(network, (640, 640)).layers:
        channels_in, height_in, _ = layer.input_shape
        channels_out, height_out, _ = layer.output_shape
        resolutions = (Fraction(height_in, 640), Fraction(height_out, 640))
        if layer.kind == "Conv2d":
            biased = modules[layer.name].bias is not None
            weights = layer.parameters - (channels_out if biased else 0)
            kernel = f"{layer.kernel[0]}x{layer.kernel[1]}"
            kind = "Conv2d+bias" if biased else "Conv2d"
            shape = (channels_in, channels_out, kernel, layer.stride, layer.dilation)
            built[(kind, *shape, *resolutions, weights, layer.macs)] += 1
        elif layer.kind in ("Nearest2x", "Bilinear2x"):
            kind = "Upsample nearest" if layer.kind == "Nearest2x" else "Upsample bilinear"
            built[(kind, channels_in, channels_out, "-", 2, "-", *resolutions, 0, 0)] += 1
    expected: Counter[tuple[object, ...]] = Counter()
    with (REFERENCE / file).open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            expected[
                row["type"],
                int(row["in"]),
                int(row["out"]),
                row["kernel"],
                int(row["stride"]),
                row["dilation"] if row["dilation"] == "-" else int(row["dilation"]),
                Fraction(row["in_res"]),
                Fraction(row["out_res"]),
                int(row["weights"]),
                int(row["macs@640"]),
            ] += 1
    assert sum(expected.values()) == 162
    assert built == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_stages_add_up_to_the_modules(variant: str) -> None:
    network = build_network(variant_config(variant))
    count = count_network(network, (64, 96))
    assert count.parameters == sum(weight.numel() for weight in network.parameters())
    assert sum(stage.parameters for stage in count.stages) == count.parameters
    assert sum(stage.macs for stage in count.stages) == count.macs
    assert network.training, "counting leaves the mode as it was"
