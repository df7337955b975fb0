from __future__ import annotations

import pickle

import numpy as np
import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.errors import DatasetImageError, SplitEmptyError


def test_sequence_of_samples(nuaa_root):
    dataset = read_dataset(nuaa_root)
    assert len(dataset) == 3
    assert dataset.names == ("a", "b", "c")
    assert [sample.name for sample in dataset] == ["a", "b", "c"]
    assert dataset[-1].name == dataset[np.int64(2)].name == "c"
    with pytest.raises(IndexError):
        dataset[3]


def test_slice_and_subset_are_smaller_sets(nuaa_root):
    dataset = read_dataset(nuaa_root)
    assert dataset[1:].names == ("b", "c")
    assert dataset[1:].classes == dataset.classes
    assert dataset.subset(["c", "a"]).names == ("c", "a")
    with pytest.raises(DatasetImageError, match="1 of 1 images are not in the set: 'x'"):
        dataset.subset(["x"])
    with pytest.raises(SplitEmptyError):
        dataset.subset([])
    with pytest.raises(SplitEmptyError):
        dataset[3:]


def test_images_are_decoded_only_when_asked_for(nuaa_root):
    (nuaa_root / "images" / "b.png").write_bytes(b"")
    dataset = read_dataset(nuaa_root)
    assert dataset[0].name == "a"
    with pytest.raises(DatasetImageError, match=r"b\.png is empty"):
        dataset[1]


def test_survives_pickling_for_worker_processes(nuaa_root):
    dataset = read_dataset(nuaa_root)
    again = pickle.loads(pickle.dumps(dataset))
    assert again.names == dataset.names
    assert np.array_equal(again[0].boxes, dataset[0].boxes)
