from __future__ import annotations

import json
import os

import pytest

from edge_irdet.dataset.opening import DatasetLayout, detect_layout, read_dataset
from edge_irdet.errors import (
    DatasetImageError,
    DatasetMissingError,
    EdgeIrdetError,
    LabelInvalidError,
    OptionError,
)


@pytest.mark.parametrize(
    ("root_fixture", "layout"),
    [
        ("nuaa_root", DatasetLayout.NUAA),
        ("yolo_root", DatasetLayout.YOLO),
        ("coco_root", DatasetLayout.COCO),
        ("voc_root", DatasetLayout.VOC),
    ],
)
def test_each_layout_is_recognised_and_can_be_named(request, root_fixture, layout):
    root = request.getfixturevalue(root_fixture)
    assert detect_layout(root) is layout
    assert read_dataset(root).names == read_dataset(root, layout=layout.value).names


def test_several_layouts_are_not_guessed_between(nuaa_root):
    (nuaa_root / "labels").mkdir()
    with pytest.raises(OptionError, match="fits several layouts: nuaa, yolo"):
        read_dataset(nuaa_root)
    assert len(read_dataset(nuaa_root, layout="nuaa")) == 3


def test_stray_json_in_the_root_does_not_confuse(nuaa_root):
    (nuaa_root / "info.json").write_text("{}")
    assert detect_layout(nuaa_root) is DatasetLayout.NUAA


def test_folder_that_fits_no_layout(tmp_path):
    with pytest.raises(DatasetMissingError, match="fits no layout"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("layout", ["auto", "nuaa", "yolo", "coco", "voc"])
def test_missing_root(tmp_path, layout):
    with pytest.raises(DatasetMissingError, match="nowhere is not there"):
        read_dataset(tmp_path / "nowhere", layout=layout)


@pytest.mark.parametrize("layout", ["nuaa", "yolo", "coco", "voc"])
def test_named_layout_that_is_not_there(tmp_path, layout):
    with pytest.raises(DatasetMissingError):
        read_dataset(tmp_path, layout=layout)


def test_unknown_layout(nuaa_root):
    with pytest.raises(OptionError, match="'kitti' is unknown") as caught:
        read_dataset(nuaa_root, layout="kitti")
    assert "auto, nuaa, yolo, coco, voc" in caught.value.next_step


def test_split_gives_order_and_name(nuaa_root):
    (nuaa_root / "splits").mkdir()
    (nuaa_root / "splits" / "train.txt").write_text("c\na.png\n")
    dataset = read_dataset(nuaa_root, "train.txt")
    assert dataset.names == ("c", "a")
    assert dataset.name == "set/train"
    assert read_dataset(nuaa_root).name == "set"


def test_split_with_an_absent_image(nuaa_root):
    (nuaa_root / "train.txt").write_text("a\nmissing_one\nmissing_two\n")
    with pytest.raises(
        DatasetImageError, match="2 of 3 images are not in the set: 'missing_one', 'missing_two'"
    ):
        read_dataset(nuaa_root, "train.txt")


def test_split_with_a_repeated_image(nuaa_root):
    (nuaa_root / "train.txt").write_text("a\na\n")
    with pytest.raises(LabelInvalidError, match="listed already"):
        read_dataset(nuaa_root, "train.txt")


@pytest.mark.parametrize("layout", list(DatasetLayout))
@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000, "\0"])
def test_a_name_that_the_system_refuses_is_not_there(tmp_path, layout, name):
    with pytest.raises(EdgeIrdetError):
        read_dataset(tmp_path / name, None, layout)


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 3000, "\0"])
def test_a_list_whose_name_the_system_refuses_is_not_there(yolo_root, name):
    with pytest.raises(DatasetMissingError):
        read_dataset(yolo_root, name)


def test_a_coco_image_with_a_name_too_long_is_not_there(coco_root, coco_content):
    coco_content["images"][1]["file_name"] = "x" * 300 + ".png"
    (coco_root / "annotations" / "instances_all.json").write_text(json.dumps(coco_content))
    with pytest.raises(DatasetImageError, match="not there"):
        read_dataset(coco_root)[1]


def test_a_folder_that_cannot_be_listed_is_no_empty_one(yolo_root, monkeypatch):
    """Tests may run as root, whom no permission stops: the system's answer is made up."""
    (yolo_root / "images" / "more").mkdir()

    def refused(place, *arguments, **options):
        if str(place).endswith("more"):
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place, *arguments, **options)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DatasetMissingError, match="cannot be listed: Permission denied"):
        read_dataset(yolo_root)
