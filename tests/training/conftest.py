from __future__ import annotations

import pytest

pytest.importorskip("torch")

from doubles.samples import blob_sample
from edge_irdet.provenance import TrainingData
from edge_irdet.training.data import TrainingSet


@pytest.fixture
def training_set() -> TrainingSet:
    samples = [blob_sample(f"image{index}", index) for index in range(10)]
    about = TrainingData("blobs", "all", 10, "none", "annotated")
    return TrainingSet(samples[:8], samples[8:], ("target",), about)
