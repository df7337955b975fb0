from __future__ import annotations

import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import DatasetImageError
from edge_irdet.images import decode_image, read_grey_image, read_upright_grey_image, stated_size


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".pgm"])
def test_eight_bit_grey_comes_back_exactly(tmp_path, write_image, ramp, suffix):
    image = read_grey_image(write_image(tmp_path / f"a{suffix}", ramp))
    assert image.dtype == np.uint8
    assert np.array_equal(image, ramp)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".pgm"])
def test_sixteen_bit_grey_keeps_its_depth(tmp_path, write_image, ramp, suffix):
    counts = ramp.astype(np.uint16) * 17 + 2000
    image = read_grey_image(write_image(tmp_path / f"a{suffix}", counts))
    assert image.dtype == np.uint16
    assert np.array_equal(image, counts)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_stored_as_colour_is_unchanged(tmp_path, write_image, ramp, dtype):
    grey = ramp.astype(dtype) * (1 if dtype == np.uint8 else 257)
    image = read_grey_image(write_image(tmp_path / "a.png", np.repeat(grey[..., None], 3, axis=2)))
    assert image.dtype == dtype
    assert np.array_equal(image, grey)


def test_colour_is_weighted_blue_green_red(tmp_path, write_image):
    pixels = np.array([[[200, 0, 0], [0, 200, 0], [0, 0, 200]]], np.uint8)
    image = read_grey_image(write_image(tmp_path / "a.png", pixels))
    assert image.tolist() == [[23, 117, 60]]  # 200 x 0.114, 0.587, 0.299


def test_decode_image_keeps_channels(tmp_path, write_image):
    pixels = np.zeros((4, 5, 4), np.uint8)
    assert decode_image(write_image(tmp_path / "a.png", pixels)).shape == (4, 5, 4)


def test_alpha_is_refused_with_a_way_out(tmp_path, write_image):
    path = write_image(tmp_path / "a.png", np.zeros((4, 5, 4), np.uint8))
    with pytest.raises(DatasetImageError) as caught:
        read_grey_image(path)
    assert "a.png has 4 channels" in caught.value.what
    assert "-alpha off" in caught.value.next_step


def test_float_image_is_refused(tmp_path, write_image):
    path = write_image(tmp_path / "a.tiff", np.zeros((4, 5), np.float32))
    with pytest.raises(DatasetImageError, match="float32"):
        read_grey_image(path)


def test_path_outside_ascii(tmp_path, write_image, ramp):
    path = write_image(tmp_path / "Ziel-ü-目标.png", ramp)
    assert np.array_equal(read_grey_image(path), ramp)


def test_missing_file(tmp_path):
    with pytest.raises(DatasetImageError, match=r"nowhere\.png is not there"):
        decode_image(tmp_path / "nowhere.png")


def test_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(DatasetImageError, match="is a folder, not a regular file"):
        decode_image(tmp_path)


def test_pipe_in_place_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DatasetImageError, match="is a pipe"):
        decode_image(tmp_path / "a.png")


def test_header_that_states_a_huge_picture(tmp_path):
    chunk = b"IHDR" + (200_000).to_bytes(4, "big") + (200_000).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    content = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    (tmp_path / "b.pgm").write_bytes(b"P5\n# comment\n99999 99999\n255\n")
    for name, side in (("a.png", 200_000), ("b.pgm", 99_999)):
        with pytest.raises(DatasetImageError, match=f"states {side}x{side} pixels"):
            decode_image(tmp_path / name)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".pgm"])
@given(width=st.integers(1, 70), height=st.integers(1, 70))
def test_the_stated_size_is_that_of_the_picture(suffix, width, height):
    _, content = cv2.imencode(suffix, np.zeros((height, width), np.uint8))
    assert stated_size(content.tobytes()) == (width, height)


@given(st.binary(max_size=64), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"P5 ", b"\xff\xd8\xff"]))
def test_any_header_is_asked_without_failing(content, start):
    stated_size(start + content)


def test_empty_file(tmp_path):
    path = tmp_path / "a.png"
    path.touch()
    with pytest.raises(DatasetImageError, match=r"a\.png is empty \(0 bytes\)"):
        decode_image(path)


def test_text_in_place_of_an_image(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("not an image")
    with pytest.raises(DatasetImageError, match=r"a\.png \(12 bytes\) is not an image"):
        decode_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".pgm"])
@pytest.mark.parametrize("part", [0.5, 0.98])
def test_file_cut_short_is_never_a_picture(tmp_path, write_image, suffix, part):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = write_image(tmp_path / f"a{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(DatasetImageError, match="cut short"):
        decode_image(path)


def test_jpeg_with_bytes_after_its_end_is_whole(tmp_path, write_image, ramp):
    path = write_image(tmp_path / "a.jpg", ramp)
    whole = decode_image(path)
    path.write_bytes(path.read_bytes() + b"\0" * 20)
    assert np.array_equal(decode_image(path), whole)


def with_orientation(content: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF segment that states an orientation, 1 to 8."""
    entry = b"\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + b"\0\0\0"
    tag = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"
    return content[:2] + b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag + content[2:]


def test_orientation_tag_is_not_applied(tmp_path: Path, write_image, ramp):
    path = write_image(tmp_path / "a.jpg", ramp)
    path.write_bytes(with_orientation(path.read_bytes(), 6))  # a quarter turn
    assert cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).shape == (40, 30)  # the tag is understood, and
    assert decode_image(path).shape == (30, 40)  # left alone


@pytest.mark.parametrize("orientation", range(1, 9))
def test_labelled_image_that_viewers_turn_is_refused(tmp_path: Path, write_image, ramp, orientation):
    path = write_image(tmp_path / "a.jpg", ramp)
    path.write_bytes(with_orientation(path.read_bytes(), orientation))
    if orientation == 1:
        assert read_upright_grey_image(path).shape == (30, 40)
    else:
        with pytest.raises(DatasetImageError, match="has an orientation tag"):
            read_upright_grey_image(path)
    assert read_grey_image(path).shape == (30, 40)
