"""Unpacking camera buffers against a naive reading, byte by byte."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_irdet.stream.sources.v4l2.pixels import CAMERA_FORMATS, ImageLayout, Window, format_of_code, unpack

RAW = [name for name, packed in CAMERA_FORMATS.items() if packed.sample is not None]


def naive(layout: ImageLayout, buffer: bytes) -> NDArray[np.integer]:
    """[H, W], each value put together from its bytes."""
    name = layout.pixel_format.name
    rows = []
    for row in range(layout.window.top, layout.window.top + layout.window.height):
        values = []
        for column in range(layout.window.left, layout.window.left + layout.window.width):
            if name == "GREY":
                values.append(buffer[row * layout.stride + column])
                continue
            first, second = buffer[row * layout.stride + 2 * column :][:2]
            if name == "YUYV":
                values.append(first)
            elif name == "UYVY":
                values.append(second)
            elif name == "Y16_BE":
                values.append(first * 256 + second)
            else:
                values.append(second * 256 + first)
        rows.append(values)
    return np.array(rows)


@st.composite
def layouts(draw: st.DrawFn) -> ImageLayout:
    packed = CAMERA_FORMATS[draw(st.sampled_from(RAW))]
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    window = Window(left, top, draw(st.integers(1, width - left)), draw(st.integers(1, height - top)))
    return ImageLayout(packed, width, height, width * packed.pitch + draw(st.integers(0, 7)), window)


@settings(deadline=None)
@given(layouts(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_format_stride_and_crop(layout: ImageLayout, more: int, random) -> None:
    buffer = bytearray(random.randbytes(layout.needed_bytes + more))
    image = np.zeros((layout.window.height, layout.window.width), layout.pixel_format.dtype)
    assert unpack(layout, buffer, layout.view(buffer), len(buffer), image) is None
    np.testing.assert_array_equal(image, naive(layout, bytes(buffer)))
    assert image.dtype == (np.uint8 if layout.pixel_format.name in ("GREY", "YUYV", "UYVY") else np.uint16)


@settings(deadline=None)
@given(layouts(), st.data())
def test_a_short_buffer_is_never_read(layout: ImageLayout, data: st.DataObject) -> None:
    buffer = bytearray(b"\xff" * layout.needed_bytes)
    image = np.zeros((layout.window.height, layout.window.width), layout.pixel_format.dtype)
    used = data.draw(st.integers(0, layout.needed_bytes - 1))
    problem = unpack(layout, buffer, layout.view(buffer), used, image)
    assert problem == f"{used} of {layout.needed_bytes} bytes came"
    assert not image.any()


def jpeg_layout(window: Window) -> ImageLayout:
    return ImageLayout(CAMERA_FORMATS["MJPG"], 64, 48, 0, window)


WHOLE = Window(0, 0, 64, 48)


def jpeg(height: int = 48, width: int = 64) -> bytes:
    ramp = np.tile(np.linspace(0, 255, width, dtype=np.uint8), (height, 1))
    return cv2.imencode(".jpg", cv2.cvtColor(ramp, cv2.COLOR_GRAY2BGR))[1].tobytes()


def unpack_jpeg(content: bytes, window: Window = WHOLE) -> tuple[str | None, NDArray[np.uint8]]:
    layout = jpeg_layout(window)
    buffer = bytearray(content + bytes(5000))
    image = np.zeros((window.height, window.width), np.uint8)
    return unpack(layout, buffer, layout.view(buffer), len(content), image), image


def test_a_jpeg_gives_its_luma_and_can_be_cropped() -> None:
    problem, image = unpack_jpeg(jpeg())
    assert problem is None
    expected = np.tile(np.linspace(0, 255, 64), (48, 1))
    assert np.abs(image - expected).max() < 8
    problem, part = unpack_jpeg(jpeg(), Window(10, 4, 20, 30))
    assert problem is None
    np.testing.assert_array_equal(part, image[4:34, 10:30])


def test_padding_behind_a_jpeg_does_no_harm() -> None:
    problem, _ = unpack_jpeg(jpeg() + bytes(300))
    assert problem is None


@pytest.mark.parametrize("padding", [0, 4000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_jpeg_that_is_cut_off_is_not_filled_up(share: float, padding: int) -> None:
    whole = jpeg()
    problem, image = unpack_jpeg(whole[: int(share * len(whole))] + bytes(padding))
    assert problem is not None
    assert not image.any()


def test_a_jpeg_of_another_size_is_named() -> None:
    problem, _ = unpack_jpeg(jpeg(24, 32))
    assert problem == "its JPEG is 32x24, not 64x48"


@given(st.binary(max_size=200))
def test_any_bytes_as_a_jpeg_only_give_a_reason(content: bytes) -> None:
    for each in (content, b"\xff\xd8\xff\xda" + content + b"\xff\xd9"):
        problem, _ = unpack_jpeg(each)
        assert problem is not None


def test_codes_find_their_format() -> None:
    for packed in CAMERA_FORMATS.values():
        found = format_of_code(packed.fourcc)
        assert found is not None
        assert (found is packed) == packed.automatic
    assert format_of_code(0) is None
