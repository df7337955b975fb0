from __future__ import annotations

import numpy as np
import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.sample import MaskSource
from edge_irdet.errors import DatasetMissingError, LabelInvalidError, MaskSizeError


def test_normalised_boxes_become_pixels(yolo_root):
    dataset = read_dataset(yolo_root)
    sample = dataset[0]
    assert dataset.classes == ("drone", "bird")
    # 40x30: centre (10, 15), size (4, 6); centre (20, 3), size (2, 3)
    np.testing.assert_allclose(sample.boxes, [[8, 12, 12, 18], [19, 1.5, 21, 4.5]], atol=1e-5)
    assert sample.classes.tolist() == [1, 0]


def test_mask_is_made_from_the_boxes(yolo_root):
    sample = read_dataset(yolo_root)[0]
    assert sample.mask_source is MaskSource.BOXES
    assert sample.mask[15, 10] == 1
    assert sample.mask[12, 8] == 0  # the corner is outside the ellipse


def test_image_without_label_file_has_no_targets(yolo_root):
    sample = read_dataset(yolo_root)[1]
    assert sample.boxes.shape == (0, 4)
    assert not sample.mask.any()


def test_set_without_any_label_file_is_refused(yolo_root):
    (yolo_root / "labels" / "a.txt").rename(yolo_root / "labels" / "A-wrong.txt")
    with pytest.raises(DatasetMissingError, match="none of the 2 images"):
        read_dataset(yolo_root)


def test_classes_may_stand_beside_the_labels(yolo_root):
    (yolo_root / "classes.txt").rename(yolo_root / "labels" / "classes.txt")
    assert read_dataset(yolo_root).classes == ("drone", "bird")


def test_missing_classes(yolo_root):
    (yolo_root / "classes.txt").unlink()
    with pytest.raises(DatasetMissingError, match=r"has no classes\.txt") as caught:
        read_dataset(yolo_root)
    assert "echo target >" in caught.value.next_step


@pytest.mark.parametrize("text", ["", "\n", "a\n\nb\n", "a\na\n"])
def test_malformed_classes(yolo_root, text):
    (yolo_root / "classes.txt").write_text(text)
    with pytest.raises(LabelInvalidError, match=r"classes\.txt"):
        read_dataset(yolo_root)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 0.5 0.5 0.1", "has 4 values"),
        ("0 0.5 0.5 0.1 0.1 0.9", "has 6 values"),
        ("0 0.5 zero 0.1 0.1", "not five numbers"),
        ("drone 0.5 0.5 0.1 0.1", "not five numbers"),
        ("2 0.5 0.5 0.1 0.1", "class 2 is not an index"),
        ("-1 0.5 0.5 0.1 0.1", "class -1 is not an index"),
        ("0.5 0.5 0.5 0.1 0.1", "class 0.5 is not an index"),
        ("nan 0.5 0.5 0.1 0.1", "class nan is not an index"),
        ("inf 0.5 0.5 0.1 0.1", "class inf is not an index"),
        ("0 nan 0.5 0.1 0.1", "nan is not a fraction"),
        ("0 0.5 0.5 inf 0.1", "inf is not a fraction"),
        ("0 20 15 3 3", "20 is not a fraction"),
        ("0 0.5 -0.5 0.1 0.1", "-0.5 is not a fraction"),
        ("0 0.5 0.5 0 0.1", "has no area"),
        ("0 0.02 0.5 0.2 0.1", "3.2 px outside the 40x30 image"),
    ],
)
def test_bad_line_is_named(yolo_root, line, problem):
    (yolo_root / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n\n{line}\n")
    dataset = read_dataset(yolo_root)
    with pytest.raises(LabelInvalidError, match=problem) as caught:
        dataset[0]
    assert "a.txt:3" in caught.value.what


def test_label_file_that_is_not_text(yolo_root):
    (yolo_root / "labels" / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelInvalidError, match="not UTF-8"):
        read_dataset(yolo_root)[0]


def test_nested_folders(yolo_root, write_image, ramp):
    write_image(yolo_root / "images" / "val" / "c.png", ramp)
    (yolo_root / "labels" / "val").mkdir()
    (yolo_root / "labels" / "val" / "c.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    dataset = read_dataset(yolo_root)
    assert dataset.names == ("a", "b", "val/c")
    assert len(dataset[2].boxes) == 1


def test_annotated_masks_are_preferred(yolo_root, write_image):
    mask = np.zeros((30, 40), np.uint8)
    mask[15, 10] = 255
    for name in ("a", "b"):
        write_image(yolo_root / "masks" / f"{name}.png", mask)
    sample = read_dataset(yolo_root, layout="yolo")[0]
    assert sample.mask_source is MaskSource.ANNOTATED
    assert sample.mask.sum() == 1
    assert len(sample.boxes) == 2
    write_image(yolo_root / "masks" / "a.png", np.zeros((40, 30), np.uint8))
    with pytest.raises(MaskSizeError):
        read_dataset(yolo_root, layout="yolo")[0]
    (yolo_root / "masks" / "b.png").unlink()
    with pytest.raises(DatasetMissingError, match="'b' has no mask"):
        read_dataset(yolo_root, layout="yolo")


@pytest.mark.parametrize("line", ["0 0.5 0.5 1.0000001 1.0", "0 -1e-9 0.5 0.02 0.1", "0 0.9 0.5 0.2 1.0009"])
def test_fractions_that_rounding_carried_over_the_rim_are_clipped(yolo_root, line):
    (yolo_root / "labels" / "a.txt").write_text(line)
    (left, top, right, bottom) = read_dataset(yolo_root)[0].boxes[0]
    assert 0 <= left < right <= 40
    assert 0 <= top < bottom <= 30


def test_a_row_given_twice_counts_once(yolo_root, caplog):
    (yolo_root / "labels" / "a.txt").write_text(
        "0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n0 0.50000 0.5 0.1 0.1\n"
    )
    sample = read_dataset(yolo_root)[0]
    assert sample.classes.tolist() == [0, 1]
    assert "1 targets that are labelled twice" in caplog.text


@pytest.fixture
def roboflow_root(tmp_path, write_image, ramp):
    """A tree with a folder for each part and ``data.yaml``."""
    root = tmp_path / "tree"
    for part, names in (("train", "ab"), ("valid", "c"), ("test", "d")):
        for name in names:
            write_image(root / part / "images" / f"{name}.png", ramp)
            (root / part / "labels").mkdir(exist_ok=True)
            (root / part / "labels" / f"{name}.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    (root / "data.yaml").write_text("train: ../train/images\nnc: 2\nnames: ['drone', 'bird']\n")
    return root


def test_a_folder_for_each_part(roboflow_root):
    dataset = read_dataset(roboflow_root)
    assert dataset.names == ("test/d", "train/a", "train/b", "valid/c")
    assert dataset.classes == ("drone", "bird")
    assert dataset[0].classes.tolist() == [1]
    assert read_dataset(roboflow_root, "train").names == ("train/a", "train/b")
    assert read_dataset(roboflow_root, "train").name == "tree/train"
    for name in ("val", "valid", "validation"):
        assert read_dataset(roboflow_root, name).names == ("valid/c",)
    with pytest.raises(DatasetMissingError, match="split list other is not there"):
        read_dataset(roboflow_root, "other")


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("names:\n  0: drone\n  1: bird\n", ("drone", "bird")),
        ("names: [1, true]\n", ("1", "True")),
        ("names:\n- drone\n- 'yes'\n", ("drone", "yes")),
    ],
)
def test_names_of_yaml(roboflow_root, text, classes):
    (roboflow_root / "data.yaml").write_text(text)
    assert read_dataset(roboflow_root).classes == classes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("names: drone\n", "not a list of class names"),
        ("names: []\n", "not a list of class names"),
        ("names: [[a], b]\n", "not a list of class names"),
        ("names: [a, a]\n", "holds a class twice"),
        ("names: {1: a, 2: b}\n", "the indices of names are 1, 2, not 0 to 1"),
        ("names: [a\n", "is not YAML"),
        ("!!python/object/apply:os.system ['true']\n", "is not YAML"),
    ],
)
def test_yaml_that_names_no_classes(roboflow_root, text, problem):
    (roboflow_root / "data.yaml").write_text(text)
    with pytest.raises(LabelInvalidError, match=problem):
        read_dataset(roboflow_root)


def test_two_yaml_files_that_disagree(roboflow_root):
    (roboflow_root / "other.yml").write_text("names: [plane]\n")
    with pytest.raises(LabelInvalidError, match="name different classes"):
        read_dataset(roboflow_root)
    (roboflow_root / "classes.txt").write_text("a\nb\n")
    assert read_dataset(roboflow_root).classes == ("a", "b")


def test_yaml_without_names_is_as_none(roboflow_root):
    (roboflow_root / "data.yaml").write_text("nc: 2\n")
    with pytest.raises(DatasetMissingError, match=r"no data\.yaml with names"):
        read_dataset(roboflow_root)
