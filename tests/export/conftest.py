from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pytest.importorskip("onnxsim")

from edge_irdet.network.light_sgmtlm import DEFAULT_ANCHORS, LightSGMTLM
from edge_irdet.network.variants import variant_config
from edge_irdet.provenance import TrainingData
from edge_irdet.training.checkpoint import Checkpoint
from edge_irdet.training.presets import preset_config


def lively_network(variant: str, classes: int) -> LightSGMTLM:
    """Random weights whose objectness is high enough for boxes to be compared."""
    torch.manual_seed(1)
    network = LightSGMTLM(variant_config(variant, classes))
    for conv in network.det.convs:
        conv.bias.data.view(3, -1)[:, 4] = 0.0
        torch.nn.init.normal_(conv.weight, std=0.5)
    return network.eval()


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    """An untrained reduced model of two classes."""
    network = lively_network("light-sgmtlm-reduced", 2)
    return Checkpoint(
        config=preset_config("paper", "light-sgmtlm-reduced", size=(96, 64)),
        classes=("drone", "bird"),
        anchors=DEFAULT_ANCHORS,
        data=TrainingData("set", "split", 3, "none", "annotated"),
        epoch=3,
        seconds=1.5,
        machine="test",
        best_map50=0.5,
        best_epoch=2,
        weights=network.state_dict(),
        resume={},
    )


@pytest.fixture(scope="session")
def frames() -> list[NDArray[np.uint8]]:
    generator = np.random.default_rng(0)
    return [generator.integers(0, 255, (70, 100)).astype(np.uint8) for _ in range(3)]


@pytest.fixture
def package_path(tmp_path: Path) -> Path:
    return tmp_path / "package"
