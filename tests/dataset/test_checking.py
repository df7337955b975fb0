"""The census of a set, and all of its problems at once."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge_irdet.dataset.checking import DatasetCensus, check_dataset, size_names
from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.errors import LabelInvalidError


def test_a_sound_set(yolo_root):
    check = check_dataset(read_dataset(yolo_root))
    assert check.problems == ()
    assert check.census.images == 2
    assert check.census.without_targets == 1
    assert check.census.targets == {"drone": 1, "bird": 1}
    assert check.census.sizes == {(40, 30): 2}
    assert sum(check.census.by_size.values()) == check.census.total == 2
    assert check.census.warnings() == []


def test_every_problem_of_every_image_is_listed(yolo_root):
    rows = ["0 0.5 0.5 0.1 0.1", "7 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 0.5 0.5 0.1 nan"]
    (yolo_root / "labels" / "a.txt").write_text("\n".join(rows))
    (yolo_root / "images" / "b.png").write_bytes(b"cut")
    check = check_dataset(read_dataset(yolo_root))
    assert check.by_code == {"E303 label invalid": 3, "E305 data set image": 1}
    assert [":2" in check.problems[0].what, ":3" in check.problems[1].what] == [True, True]
    assert check.census.images == 0


def test_a_reader_names_the_first_problems_and_counts_the_rest(yolo_root):
    (yolo_root / "labels" / "a.txt").write_text("9 0.5 0.5 0.1 0.1\n" * 8)
    with pytest.raises(
        LabelInvalidError, match=r"8 labels are wrong: .*a\.txt:1.*a\.txt:5.*; and 3 more"
    ) as caught:
        read_dataset(yolo_root)[0]
    assert "edge-irdet data check" in caught.value.next_step


def test_voc_problems_are_listed_too(voc_root, voc_xml):
    bad = (("drone", 0, 1, 3, 3), ("drone", 5, 5, 4, 4), ("drone", 6, 3, 8, 4))
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(*bad))
    assert len(check_dataset(read_dataset(voc_root)).problems) == 2


def test_a_coco_file_that_contradicts_itself_names_all_of_it(coco_root, coco_content):
    for annotation in coco_content["annotations"]:
        annotation["image_id"] = 77
    (coco_root / "annotations" / "instances_all.json").write_text(json.dumps(coco_content))
    with pytest.raises(LabelInvalidError, match=r"2 labels are wrong: .*annotations\[0\].*annotations\[1\]"):
        read_dataset(coco_root)


def sample_of(*sides: float, shape: tuple[int, int] = (64, 64), dtype: type = np.uint8) -> Sample:
    boxes = np.array([[0, 0, side, side / 2] for side in sides], np.float32).reshape(-1, 4)
    image = np.zeros(shape, dtype)
    classes = np.zeros(len(sides), np.int64)
    return Sample("a", image, boxes, classes, np.zeros(shape, np.uint8), MaskSource.BOXES)


def test_targets_are_divided_by_their_longer_side():
    census = DatasetCensus(("target",))
    census.add(sample_of(1, 2, 3.9, 31.9, 32, 60))
    assert dict(census.by_size) == {"below 2 px": 1, "2-4 px": 2, "16-32 px": 1, "32 px and more": 2}
    assert set(census.by_size) <= set(size_names())


def test_warnings_of_a_set_that_can_be_read():
    census = DatasetCensus(("drone", "bird"))
    for _ in range(3):
        census.add(sample_of())
    assert census.warnings() == ["no image has a target"]
    census.add(sample_of(3, dtype=np.uint16))
    first, second, third = census.warnings()
    assert "3 of 4 images have no target" in first
    assert second == "no target has the class bird"
    assert "8 and of 16 bits" in third
