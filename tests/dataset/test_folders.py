from __future__ import annotations

import numpy as np
import pytest

from edge_irdet.dataset.folders import MaskFolder, list_images
from edge_irdet.errors import DatasetImageError, DatasetMissingError, MaskSizeError


def test_names_have_no_suffix_and_keep_dots_and_folders(tmp_path, write_image, ramp):
    for name in ("b.2.png", "a.BMP", "train/c.jpg"):
        write_image(tmp_path / name, ramp)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert list(list_images(tmp_path)) == ["a", "b.2", "train/c"]


def test_linked_sub_folders_are_read_once(tmp_path, write_image, ramp):
    write_image(tmp_path / "elsewhere" / "c.png", ramp)
    (tmp_path / "set").mkdir()
    write_image(tmp_path / "set" / "a.png", ramp)
    (tmp_path / "set" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    assert list(list_images(tmp_path / "set")) == ["a", "more/c"]


def test_two_files_of_one_name_are_refused(tmp_path, write_image, ramp):
    write_image(tmp_path / "a.png", ramp)
    write_image(tmp_path / "a.bmp", ramp)
    with pytest.raises(DatasetImageError, match="same name 'a'"):
        list_images(tmp_path)


def test_missing_and_empty_folder(tmp_path):
    with pytest.raises(DatasetMissingError, match="nowhere is not there"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(DatasetMissingError, match="holds no image"):
        list_images(tmp_path)


@pytest.mark.parametrize("value", [1, 128, 255])
def test_masks_of_any_scale_read_alike(tmp_path, write_image, value):
    mask = np.zeros((6, 8), np.uint8)
    mask[2, 3:5] = value
    write_image(tmp_path / "a_pixels0.png", mask)
    assert np.array_equal(MaskFolder(tmp_path).read("a", 8, 6), mask // value)


def test_soft_edges_are_cut_at_half(tmp_path, write_image):
    mask = np.array([[0, 60, 127, 128, 255, 200, 90, 0]], np.uint8)
    write_image(tmp_path / "a.png", mask)
    assert MaskFolder(tmp_path).read("a", 8, 1).tolist() == [[0, 0, 0, 1, 1, 1, 0, 0]]


def test_black_mask_has_no_target(tmp_path, write_image):
    write_image(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    assert not MaskFolder(tmp_path).read("a", 8, 6).any()


def test_mask_of_another_size(tmp_path, write_image):
    write_image(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    with pytest.raises(MaskSizeError, match="is 8x6 but the image 'a' is 6x8"):
        MaskFolder(tmp_path).read("a", 6, 8)


def test_missing_mask(tmp_path, write_image):
    write_image(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    with pytest.raises(DatasetMissingError, match=r"'b' has no mask b\.png or b_pixels0\.png"):
        MaskFolder(tmp_path).path_of("b")
