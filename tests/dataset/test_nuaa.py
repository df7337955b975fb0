from __future__ import annotations

import csv

import numpy as np
import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.sample import MaskSource
from edge_irdet.errors import DatasetMissingError, MaskSizeError


def test_boxes_are_the_mask_components(nuaa_root, ramp):
    sample = read_dataset(nuaa_root)[0]
    assert sample.boxes.tolist() == [[5, 2, 9, 5], [30, 20, 31, 21]]
    assert sample.boxes.dtype == np.float32
    assert sample.classes.tolist() == [0, 0]
    assert sample.mask.sum() == 8
    assert sample.mask.dtype == np.uint8
    assert sample.mask_source is MaskSource.ANNOTATED
    assert np.array_equal(sample.image, ramp)


def test_image_without_targets(nuaa_root):
    sample = read_dataset(nuaa_root)[2]
    assert sample.boxes.shape == (0, 4)
    assert sample.classes.shape == (0,)


def test_single_class(nuaa_root):
    assert read_dataset(nuaa_root).classes == ("target",)


def test_masks_named_as_upstream(nuaa_root):
    (nuaa_root / "masks" / "b.png").rename(nuaa_root / "masks" / "b_pixels0.png")
    assert len(read_dataset(nuaa_root)[1].boxes) == 1


def test_missing_mask_is_found_at_opening(nuaa_root):
    (nuaa_root / "masks" / "b.png").unlink()
    with pytest.raises(DatasetMissingError, match="'b' has no mask"):
        read_dataset(nuaa_root)
    (nuaa_root / "list.txt").write_text("a\nc\n")
    assert len(read_dataset(nuaa_root, "list.txt")) == 2


def test_mask_of_another_size(nuaa_root, write_image):
    write_image(nuaa_root / "masks" / "a.png", np.zeros((30, 41), np.uint8))
    with pytest.raises(MaskSizeError, match="is 41x30 but the image 'a' is 40x30"):
        read_dataset(nuaa_root)[0]


def test_every_image_of_nuaa_sirst_has_the_boxes_of_its_manifest(nuaa_sirst):
    with (nuaa_sirst / "manifest.csv").open() as handle:
        rows = {row["name"]: row for row in csv.DictReader(handle)}
    dataset = read_dataset(nuaa_sirst)
    assert set(dataset.names) == set(rows)
    assert len(dataset) == 427
    targets = 0
    for sample in dataset:
        row = rows[sample.name]
        assert sample.image.shape == (int(row["height"]), int(row["width"])), sample.name
        corners = [tuple(map(int, box.split())) for box in row["bboxes_xywh"].split(";")]
        expected = sorted((x, y, x + width, y + height) for x, y, width, height in corners)
        assert sorted(map(tuple, sample.boxes.tolist())) == expected, sample.name
        assert int(sample.mask.sum()) == sum(map(int, row["areas_px"].split(";"))), sample.name
        targets += len(sample.boxes)
    assert targets == 533


@pytest.mark.parametrize(
    ("split", "count"), [("split73_grouped_train", 298), ("splits/split73_grouped_test.txt", 129)]
)
def test_splits_of_nuaa_sirst(nuaa_sirst, split, count):
    assert len(read_dataset(nuaa_sirst, split)) == count


@pytest.mark.parametrize(
    ("images", "masks"), [("IRSTD1k_Img", "IRSTD1k_Label"), ("Images", "Mask"), ("img", "masks")]
)
def test_folders_as_published_sets_name_them(nuaa_root, images, masks):
    (nuaa_root / "images").rename(nuaa_root / images)
    (nuaa_root / "masks").rename(nuaa_root / masks)
    (nuaa_root / "img_idx").mkdir()
    (nuaa_root / "img_idx" / "train_NUDT-SIRST.txt").write_text("b\n")
    assert len(read_dataset(nuaa_root)) == 3
    assert read_dataset(nuaa_root, "train_NUDT-SIRST").names == ("b",)


def test_linked_folders_are_read(nuaa_root, tmp_path):
    (nuaa_root / "images").rename(tmp_path / "elsewhere")
    (nuaa_root / "images").symlink_to(tmp_path / "elsewhere")
    assert len(read_dataset(nuaa_root)) == 3
