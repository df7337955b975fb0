from __future__ import annotations

import json

import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.sample import MaskSource
from edge_irdet.errors import DatasetImageError, DatasetMissingError, LabelInvalidError


def test_boxes_and_classes(coco_root):
    dataset = read_dataset(coco_root)
    assert dataset.classes == ("drone", "bird")  # by category id
    assert dataset.names == ("a", "sub/b")
    sample = dataset[0]
    assert sample.boxes.tolist() == [[5, 2, 8, 4.5], [30, 20, 31, 21]]
    assert sample.classes.tolist() == [1, 0]
    assert sample.mask_source is MaskSource.BOXES
    assert dataset[1].boxes.shape == (0, 4)


def _rewrite(root, content):
    (root / "annotations" / "instances_all.json").write_text(json.dumps(content))


@pytest.mark.parametrize("folder", ["", "all", "images/all", "annotations"])
def test_places_of_the_images(coco_root, coco_content, folder):
    coco_content["images"] = coco_content["images"][:1]
    _rewrite(coco_root, coco_content)
    (coco_root / folder).mkdir(parents=True, exist_ok=True)
    (coco_root / "images" / "a.png").rename(coco_root / folder / "a.png")
    assert len(read_dataset(coco_root)[0].boxes) == 2


def test_annotation_file_in_the_root(coco_root):
    (coco_root / "annotations" / "instances_all.json").rename(coco_root / "_annotations.coco.json")
    assert len(read_dataset(coco_root)) == 2


def test_several_annotation_files_need_a_choice(coco_root, coco_content):
    coco_content["images"] = coco_content["images"][:1]
    (coco_root / "annotations" / "instances_val.json").write_text(json.dumps(coco_content))
    with pytest.raises(DatasetMissingError, match="several annotation files") as caught:
        read_dataset(coco_root)
    assert "annotations/instances_all.json" in caught.value.next_step
    for split in ("annotations/instances_val.json", "instances_val.json"):
        dataset = read_dataset(coco_root, split)
        assert dataset.names == ("a",)
        assert dataset.name == "set/instances_val"


def test_split_list(coco_root):
    (coco_root / "test.txt").write_text("sub/b.png\n")
    assert read_dataset(coco_root, "test.txt").names == ("sub/b",)


def test_missing_image_is_found_at_opening(coco_root):
    (coco_root / "images" / "a.png").unlink()
    with pytest.raises(DatasetImageError, match=r"'a\.png' of .*instances_all\.json is not there"):
        read_dataset(coco_root)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c["annotations"][1].update(image_id=5), r"annotations\[1\] points to the image id 5"),
        (lambda c: c["annotations"][1].update(category_id=5), r"annotations\[1\] has category 5"),
        (lambda c: c["annotations"][0].update(iscrowd=1), "crowd region"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), r"\$\.annotations\[0\]\.bbox"),
        (lambda c: c["annotations"][0].update(bbox=["1", 2, 3, 4]), r"\$\.annotations\[0\]\.bbox\[0\]"),
        (lambda c: c["annotations"][0].pop("bbox"), "missing required field `bbox`"),
        (lambda c: c["images"][1].update(id=7), r"images\[1\] repeats"),
        (lambda c: c["images"][1].update(file_name="a.png"), r"images\[1\] repeats"),
        (lambda c: c["images"][1].update(file_name="../b.png"), "outside the data set"),
        (lambda c: c["images"][1].update(file_name=""), "outside the data set"),
        (lambda c: c["categories"].clear(), "categories is empty"),
        (lambda c: c["categories"][1].update(name="bird"), "categories is empty or holds"),
        (lambda c: c["categories"][1].update(id=9), "categories is empty or holds"),
        (lambda c: c.pop("categories"), "missing required field `categories`"),
    ],
)
def test_contradictions_are_refused_at_opening(coco_root, coco_content, change, problem):
    change(coco_content)
    _rewrite(coco_root, coco_content)
    with pytest.raises(LabelInvalidError, match=problem):
        read_dataset(coco_root)


@pytest.mark.parametrize(
    ("bbox", "problem"),
    [
        ([5, 2, 0, 3], "has no area"),
        ([5, 2, -3, 3], "has no area"),
        ([38, 2, 5, 3], "3 px outside the 40x30 image"),
    ],
)
def test_bad_boxes_are_named(coco_root, coco_content, bbox, problem):
    coco_content["annotations"][1]["bbox"] = bbox
    _rewrite(coco_root, coco_content)
    with pytest.raises(LabelInvalidError, match=problem) as caught:
        read_dataset(coco_root)[0]
    assert "instances_all.json $.annotations[1]" in caught.value.what


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": [NaN]}'])
def test_file_that_is_not_coco_json(coco_root, text):
    (coco_root / "annotations" / "instances_all.json").write_text(text)
    with pytest.raises(LabelInvalidError, match="not COCO JSON"):
        read_dataset(coco_root)


def test_image_of_another_size_than_annotated(coco_root, coco_content):
    coco_content["images"][0]["width"] = 80
    _rewrite(coco_root, coco_content)
    with pytest.raises(LabelInvalidError, match=r"says 80x30 for 'a\.png'.* is 40x30"):
        read_dataset(coco_root)[0]


@pytest.mark.parametrize(
    "file_name", ["sub\\b.png", "/home/someone/set/images/sub/b.png", "D:\\work\\images\\sub\\b.png"]
)
def test_file_names_of_another_machine_are_found_in_the_set(coco_root, coco_content, file_name):
    coco_content["images"][1]["file_name"] = file_name
    _rewrite(coco_root, coco_content)
    assert read_dataset(coco_root).names == ("a", "sub/b")


def test_an_absolute_file_name_is_never_followed(coco_root, coco_content, write_image, ramp, tmp_path):
    outside = write_image(tmp_path / "outside" / "secret.png", ramp)
    coco_content["images"][1]["file_name"] = str(outside)
    _rewrite(coco_root, coco_content)
    with pytest.raises(DatasetImageError, match=r"secret\.png' of .* is not there"):
        read_dataset(coco_root)


def test_numbers_and_flags_as_other_tools_write_them(coco_root, coco_content):
    for image in coco_content["images"]:
        image.update(id=float(image["id"]), width=40.0, height=30.0)
    for annotation in coco_content["annotations"]:
        annotation.update(iscrowd=False, category_id=float(annotation["category_id"]))
    _rewrite(coco_root, coco_content)
    assert len(read_dataset(coco_root)[0].boxes) == 2


def test_a_crowd_region_written_as_true(coco_root, coco_content):
    coco_content["annotations"][0]["iscrowd"] = True
    _rewrite(coco_root, coco_content)
    with pytest.raises(LabelInvalidError, match="crowd region"):
        read_dataset(coco_root)


def test_an_annotation_given_twice_counts_once(coco_root, coco_content, caplog):
    coco_content["annotations"].append(dict(coco_content["annotations"][0]))
    _rewrite(coco_root, coco_content)
    dataset = read_dataset(coco_root)
    assert len(dataset[0].boxes) == 2
    assert len(dataset[0].boxes) == 2
    assert [record.message for record in caplog.records if "labelled twice" in record.message] == [
        caplog.records[0].message
    ]


def test_a_part_in_a_folder_of_its_own(coco_root, coco_content, write_image, ramp):
    for part in ("train", "valid"):
        folder = coco_root.parent / "tree" / part
        for name in ("a.png", "sub/b.png"):
            write_image(folder / name, ramp)
        (folder / "_annotations.coco.json").write_text(json.dumps(coco_content))
    dataset = read_dataset(coco_root.parent / "tree", "train")
    assert dataset.names == ("a", "sub/b")
    assert len(dataset[0].boxes) == 2
    with pytest.raises(DatasetMissingError, match="several annotation files"):
        read_dataset(coco_root.parent / "tree")


def test_deeply_nested_json_is_refused(coco_root):
    (coco_root / "annotations" / "instances_all.json").write_text('{"images": ' + "[" * 5000)
    with pytest.raises(LabelInvalidError, match="nests 5001 levels deep"):
        read_dataset(coco_root)
