"""Variants with random weights, exported for this: what is made must be clean, and must run.

The full model differs from ``light-sgmtlm-s`` in width and depth only, and takes a minute to export.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pytest.importorskip("onnxsim")
pytest.importorskip("yaml")

from edge_irdet.engine.comparison import compare
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.export.graph import DeployedGraph, export_onnx
from edge_irdet.export.precision.fp16 import to_fp16
from edge_irdet.export.precision.int8 import apply_recipe, chosen_convolutions, quantize_all
from edge_irdet.export.precision.lint import lint
from edge_irdet.export.precision.recipe import Remainder, read_recipe
from edge_irdet.export.precision.regions import find_regions, with_named_nodes
from edge_irdet.network.light_sgmtlm import LightSGMTLM
from edge_irdet.network.variants import variant_config

RECIPES = Path(__file__).parents[3] / "calibration"


def network(variant: str) -> LightSGMTLM:
    torch.manual_seed(1)
    return LightSGMTLM(variant_config(variant, 1)).eval()


def frames(width: int, height: int) -> list[NDArray[np.uint8]]:
    """Smooth skies with bright points."""
    generator = np.random.default_rng(0)
    made = []
    for _ in range(8):
        sky = np.add.outer(np.linspace(30, 90, height), np.linspace(0, 40, width))
        rows, columns = generator.integers(0, height, 5), generator.integers(0, width, 5)
        sky[rows, columns] = 250
        made.append((sky + generator.normal(0, 2, sky.shape)).clip(0, 255).astype(np.uint8)[None, None])
    return made


def outputs(model: onnx.ModelProto, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    with CpuRunner(model.SerializeToString(), 1) as runner:
        return {name: array.copy() for name, array in runner.infer({"image": image}).items()}


@pytest.mark.parametrize(
    ("variant", "recipe_name", "size", "saliency", "quantised", "final"),
    [
        ("light-sgmtlm-reduced", "light-sgmtlm-reduced", (320, 320), False, 71, 3),
        ("light-sgmtlm-reduced", "light-sgmtlm-reduced", (160, 96), True, 83, 4),
        ("light-sgmtlm-s", "light-sgmtlm", (96, 64), False, 48, 3),
    ],
)
def test_graphs_of_the_variants(
    variant: str,
    recipe_name: str,
    size: tuple[int, int],
    saliency: bool,
    quantised: int,
    final: int,
    tmp_path: Path,
) -> None:
    source = export_onnx(DeployedGraph(network(variant), saliency), size)
    recipe = read_recipe(RECIPES / f"{recipe_name}.yaml")
    assert lint(source) == []
    assert len(find_regions(with_named_nodes(source)).final_convolutions) == final
    half = to_fp16(source, recipe.fp16.keep_float)
    images = frames(*size)
    everything = quantize_all(source, images, recipe.int8)
    int8 = apply_recipe(everything, recipe.int8)
    reference = outputs(source, images[0])
    # Random weights: what is asked is that nothing broke, not accuracy.
    for model, score in ((half, 0.01), (int8, 0.2)):
        assert lint(model) == []
        found = outputs(model, images[0])
        assert {name: array.shape for name, array in found.items()} == {
            name: array.shape for name, array in reference.items()
        }
        assert all(np.isfinite(array).all() for array in found.values())
        assert compare(reference, found).score <= score
    assert len(chosen_convolutions(source, recipe.int8)) == quantised
    assert sum(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in half.graph.initializer) > 80


def test_an_fp16_remainder_of_the_reduced_variant(tmp_path: Path) -> None:
    from dataclasses import replace

    source = export_onnx(DeployedGraph(network("light-sgmtlm-reduced"), False), (96, 64))
    recipe = read_recipe(RECIPES / "light-sgmtlm-reduced.yaml")
    images = frames(96, 64)
    everything = quantize_all(source, images, recipe.int8)
    mixed = apply_recipe(everything, replace(recipe.int8, remainder=Remainder.FP16))
    onnx.checker.check_model(mixed, full_check=True)
    assert lint(mixed) == []
    reference = outputs(source, images[0])
    assert compare(reference, outputs(mixed, images[0])).score < 0.2
