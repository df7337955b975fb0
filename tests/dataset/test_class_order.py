"""Classes of a set and of a package: the same names in another order, one for all, or none."""

from __future__ import annotations

import pytest

from edge_irdet.dataset.class_order import in_class_order
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.errors import OptionError


def test_the_same_names_in_another_order(yolo_root):
    dataset = read_dataset(yolo_root)
    assert dataset.classes == ("drone", "bird")
    assert dataset[0].classes.tolist() == [1, 0]
    turned = in_class_order(dataset, ("bird", "drone"), "package")
    assert turned.classes == ("bird", "drone")
    assert turned[0].classes.tolist() == [0, 1]
    assert turned.names == dataset.names
    assert turned[1].classes.shape == (0,)
    assert turned.subset(["b"]).names == ("b",)


def test_a_set_in_the_right_order_is_itself(yolo_root):
    dataset = read_dataset(yolo_root)
    assert in_class_order(dataset, ("drone", "bird"), "package") is dataset


def test_a_package_may_know_more_classes(yolo_root):
    wider = in_class_order(read_dataset(yolo_root), ("plane", "bird", "drone"), "package")
    assert wider[0].classes.tolist() == [1, 2]


def test_a_package_of_one_class_takes_all(yolo_root):
    single = in_class_order(read_dataset(yolo_root), ("target",), "package")
    assert single.classes == ("target",)
    assert single[0].classes.tolist() == [0, 0]


def test_unknown_classes_are_refused_with_both_lists(yolo_root):
    with pytest.raises(OptionError, match="classes drone, bird; my-package has drone, ship, without bird"):
        in_class_order(read_dataset(yolo_root), ("drone", "ship"), "my-package")
