from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edge_irdet.dataset.boxes import boxes_of_mask
from edge_irdet.dataset.reading import read_dataset
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.dataset.splits import split_validation
from edge_irdet.export.precision.frames import (
    ORIENTATIONS,
    in_orientations,
    network_inputs,
    oriented,
    select_frames,
)
from edge_irdet.package import InputSpec, Manifest, PreprocessSpec


@pytest.fixture
def manifest(make_package, detector_graph) -> Manifest:
    return make_package(detector_graph()).manifest


def test_the_gate_is_what_the_training_held_back(data_root: Path, manifest: Manifest) -> None:
    import msgspec

    trained = msgspec.structs.replace(manifest, training={"config": {"validation_fraction": 0.25, "seed": 3}})
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


def sample_of(mask: NDArray[np.uint8]) -> Sample:
    boxes = np.asarray(boxes_of_mask(mask), np.float32).reshape(-1, 4)
    return Sample("a", mask * 200, boxes, np.zeros(len(boxes), np.int64), mask, MaskSource.ANNOTATED)


@given(
    hnp.arrays(
        np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=st.integers(0, 1)
    ),
    st.sampled_from(ORIENTATIONS),
)
def test_boxes_turn_with_the_mask(mask: NDArray[np.uint8], orientation: str) -> None:
    turned = oriented(sample_of(mask), orientation)
    np.testing.assert_array_equal(turned.image, turned.mask * 200)
    expected = sample_of(turned.mask).boxes
    assert sorted(map(tuple, turned.boxes.tolist())) == sorted(map(tuple, expected.tolist()))
    assert turned.image.flags.c_contiguous


def test_the_eight_orientations_differ() -> None:
    mask = np.arange(6, dtype=np.uint8).reshape(2, 3)
    seen = {oriented(sample_of(mask * 0), name).image.shape for name in ORIENTATIONS}
    assert seen == {(2, 3), (3, 2)}
    base = Sample("a", mask, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), mask, MaskSource.ANNOTATED)
    assert (
        len(
            {
                oriented(base, name).image.tobytes() + bytes(oriented(base, name).image.shape)
                for name in ORIENTATIONS
            }
        )
        == 8
    )


def test_sets_in_orientations(data_root: Path) -> None:
    dataset = read_dataset(data_root, "test.txt")
    turned = in_orientations(dataset, 3, "these")
    assert len(turned) == 36
    assert turned.name == "these in 3 orientations"
    assert turned.classes == dataset.classes
    np.testing.assert_array_equal(turned[1].image, dataset[0].image[:, ::-1])
    assert in_orientations(dataset, 1, "these").name == "these"
