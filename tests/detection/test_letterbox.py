from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.detection.letterbox import fit_frame, letterbox

SIDES = st.integers(1, 2000)
NETWORK_SIDES = st.integers(1, 20).map(lambda count: 32 * count)


def test_known_placements() -> None:
    wide = fit_frame((640, 512), (320, 320))
    assert (wide.width, wide.height, wide.left, wide.top) == (320, 256, 0, 32)
    assert (wide.scale_x, wide.scale_y) == (0.5, 0.5)
    odd = fit_frame((301, 200), (320, 320))  # 200 * 320 / 301 = 212.6, rounded 213; the odd row goes below
    assert (odd.width, odd.height, odd.left, odd.top) == (320, 213, 0, 53)


@given(SIDES, SIDES, NETWORK_SIDES, NETWORK_SIDES)
def test_the_frame_lies_inside_and_touches_two_sides(w: int, h: int, width: int, height: int) -> None:
    placement = fit_frame((w, h), (width, height))
    assert placement.left >= 0
    assert placement.top >= 0
    assert placement.left + placement.width <= width
    assert placement.top + placement.height <= height
    assert placement.width == width or placement.height == height
    right, bottom = width - placement.width - placement.left, height - placement.height - placement.top
    assert 0 <= right - placement.left <= 1
    assert 0 <= bottom - placement.top <= 1


@given(SIDES, SIDES, NETWORK_SIDES, NETWORK_SIDES, st.integers(0, 2**32 - 1))
def test_boxes_return_to_where_they_were(w: int, h: int, width: int, height: int, seed: int) -> None:
    boxes = np.random.default_rng(seed).uniform(0, 1, (5, 4)).astype(np.float32) * np.float32(max(w, h))
    placement = fit_frame((w, h), (width, height))
    back = placement.to_source(placement.to_network(boxes))
    np.testing.assert_allclose(back, boxes, atol=1e-3 * max(w, h))
    corners = np.array([[0, 0, w, h]], np.float32)
    np.testing.assert_allclose(
        placement.to_network(corners)[0],
        [placement.left, placement.top, placement.left + placement.width, placement.top + placement.height],
        rtol=1e-5,
        atol=1e-3,
    )


def test_a_pixel_lands_where_its_box_lands() -> None:
    """The resize and the box mapping share their half-pixel convention."""
    image = np.zeros((40, 60), np.uint8)
    image[12:16, 30:38] = 255
    out = np.zeros((128, 128), np.uint8)
    placement = fit_frame((60, 40), (128, 128))
    letterbox(image, placement, out)
    weights = out.astype(np.float64)
    ys, xs = np.mgrid[0:128, 0:128] + 0.5
    centre = np.array([(xs * weights).sum(), (ys * weights).sum()]) / weights.sum()
    box = placement.to_network(np.array([[30, 12, 38, 16]], np.float32))[0]
    np.testing.assert_allclose(centre, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], atol=0.02)


def test_the_padding_is_left_alone_and_equal_sizes_are_copied() -> None:
    image = np.random.default_rng(0).integers(0, 255, (32, 64)).astype(np.uint8)
    out = np.full((64, 64), 114, np.uint8)
    letterbox(image, fit_frame((64, 32), (64, 64)), out)
    np.testing.assert_array_equal(out[16:48], image)
    assert (out[:16] == 114).all()
    assert (out[48:] == 114).all()
