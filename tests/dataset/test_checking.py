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
    (warning,) = check.census.warnings()
    assert "1 of 2 images have no target" in warning, "half of them is much"


def test_labels_without_image_are_problems(yolo_root):
    (yolo_root / "labels" / "A.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (yolo_root / "labels" / "classes.txt").write_text("drone\nbird\n")
    (yolo_root / "labels" / "deeper").mkdir()
    (yolo_root / "labels" / "deeper" / "a.txt").write_text("")
    check = check_dataset(read_dataset(yolo_root))
    assert check.by_code == {"E303 label invalid": 2}
    assert [problem.what.split(" belongs to no image")[0] for problem in check.problems] == [
        str(yolo_root / "labels" / "A.txt"),
        str(yolo_root / "labels" / "deeper" / "a.txt"),
    ]


def test_a_part_without_labels_is_a_problem(tmp_path, write_image, ramp):
    write_image(tmp_path / "train" / "images" / "a.png", ramp)
    write_image(tmp_path / "valid" / "images" / "b.png", ramp)
    (tmp_path / "train" / "labels").mkdir()
    (tmp_path / "train" / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "classes.txt").write_text("drone\n")
    check = check_dataset(read_dataset(tmp_path))
    assert [problem.code for problem in check.problems] == ["E301"]
    assert "valid/images has no folder labels/" in check.problems[0].what


def test_masks_and_annotations_without_image_are_problems(nuaa_root, tmp_path, write_image):
    write_image(nuaa_root / "masks" / "d.png", np.zeros((30, 40), np.uint8))
    write_image(nuaa_root / "masks" / "c_pixels0.png", np.zeros((30, 40), np.uint8))
    problems = check_dataset(read_dataset(nuaa_root)).problems
    assert [problem.what.startswith(str(nuaa_root / "masks" / "d.png")) for problem in problems] == [True]


def test_voc_files_and_masks_of_boxed_sets_are_looked_at_too(voc_root, voc_xml, write_image):
    (voc_root / "Annotations" / "c.xml").write_text(voc_xml(("drone", 6, 3, 8, 4)))
    for name in ("a", "b", "z"):
        write_image(voc_root / "masks" / f"{name}.png", np.zeros((30, 40), np.uint8))
    problems = check_dataset(read_dataset(voc_root)).problems
    assert [problem.what.split(" belongs")[0] for problem in problems] == [
        str(voc_root / "Annotations" / "c.xml"),
        str(voc_root / "masks" / "z.png"),
    ]


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
