from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.stream.frame import MAX_RING_IMAGES, Frame, ImageRing, PixelFormat


def test_an_image_that_is_held_is_never_given_out_again() -> None:
    ring = ImageRing()
    held = Frame(ring.take((4, 6), np.uint8), 0, 0, "test", PixelFormat.GREY)
    held.image[...] = 7
    for _ in range(5 * MAX_RING_IMAGES):
        ring.take((4, 6), np.uint8)[...] = 9
    assert (held.image == 7).all()


def test_a_view_holds_its_image() -> None:
    ring = ImageRing()
    part = ring.take((4, 6), np.uint16)[1:3, 2:].view(np.int16)
    part[...] = -5
    for _ in range(20):
        ring.take((4, 6), np.uint16)[...] = 9
    assert (part == -5).all()


def test_images_come_round_when_they_are_free() -> None:
    ring = ImageRing()
    addresses = set()
    for _ in range(100):
        addresses.add(ring.take((4, 6), np.uint8).__array_interface__["data"][0])
    assert len(addresses) == 1, "nothing is allocated where no frame is kept"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([(4, 6), (8, 6)])), max_size=60))
def test_whatever_is_kept_stays_as_it_was(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    ring = ImageRing()
    kept = []
    for number, (keep, shape) in enumerate(steps):
        image = ring.take(shape, np.uint16)
        image[...] = number
        if keep:
            kept.append((number, image))
    assert all((image == number).all() for number, image in kept)


def test_whoever_keeps_every_frame_does_not_make_the_ring_grow() -> None:
    ring = ImageRing()
    kept = [ring.take((2, 2), np.uint8) for _ in range(3 * MAX_RING_IMAGES)]
    assert len({id(image) for image in kept}) == len(kept)
    assert len(ring._images) == MAX_RING_IMAGES
