from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.splits import split_validation
from edge_irdet.export.precision.frames import (
    network_inputs,
    select_frames,
)
from edge_irdet.package import InputSpec, Manifest, PreprocessSpec
from edge_irdet.provenance import TrainingRun


@pytest.fixture
def manifest(make_package, detector_graph) -> Manifest:
    return make_package(detector_graph()).manifest


def test_the_gate_is_what_the_training_held_back(data_root: Path, manifest: Manifest) -> None:
    import msgspec

    trained = msgspec.structs.replace(
        manifest, training=TrainingRun(config={"validation_fraction": 0.25, "seed": 3})
    )
    dataset = read_dataset(data_root, "train.txt")
    selected = select_frames(dataset, None, trained, 20, 0)
    train, held_back = split_validation(dataset.names, 0.25, 3)
    assert selected.gate.names == held_back
    assert len(selected.calibration) == 20
    assert set(selected.calibration) < set(train)
    assert selected.gate_name == f"the validation part of {dataset.name}"
    assert select_frames(dataset, None, trained, 20, 0).calibration == selected.calibration
    assert select_frames(dataset, None, trained, 20, 1).calibration != selected.calibration


def test_no_gate_frame_calibrates(data_root: Path, manifest: Manifest) -> None:
    dataset = read_dataset(data_root, "train.txt")
    gate = dataset[:30]
    selected = select_frames(dataset, gate, manifest, 1000, 0)
    assert set(selected.calibration) == set(dataset.names[30:])
    assert selected.gate_name == gate.name


def test_inputs_come_from_the_preprocess_of_the_package(data_root: Path) -> None:
    dataset = read_dataset(data_root, "train.txt")[:2]
    spec = InputSpec(name="image", width=96, height=64, channels=1, dtype="uint8")
    first, second = network_inputs(dataset, PreprocessSpec(pad_value=7), spec)
    assert first.shape == (1, 1, 64, 96)
    assert (first[..., :16] == 7).all()
    np.testing.assert_array_equal(first[0, 0, :, 16:80], dataset[0].image)
    np.testing.assert_array_equal(second[0, 0, :, 16:80], dataset[1].image)
