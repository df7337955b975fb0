"""No image is handed out again while anything that shows it is alive."""

from __future__ import annotations

import ctypes
import gc
import queue
import random
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.image_pool import MAX_FREE_BLOCKS, ImagePool

SHAPE = (6, 8)


def address(image: NDArray[Any]) -> int:
    return int(image.__array_interface__["data"][0])


def drawn_on(image: NDArray[Any]) -> NDArray[Any]:
    """What OpenCV returns of an image that it has drawn on."""
    return np.asarray(cv2.rectangle(image, (0, 0), (7, 5), 9, -1))


HOLDERS: dict[str, Callable[[NDArray[Any]], object]] = {
    "the array": lambda image: image,
    "a frame": lambda image: Frame(image, 0, 0, "test:", PixelFormat.Y16),
    "a frame's copy": lambda image: replace(Frame(image, 0, 0, "test:", PixelFormat.Y16), sequence=1),
    "a slice": lambda image: image[2:4, 1:],
    "a slice of a slice": lambda image: image[1:][1:][:, ::2],
    "one row": lambda image: image[3],
    "another type": lambda image: image.view(np.int16),
    "bytes of a slice": lambda image: image[2:].view(np.uint8),
    "flat": lambda image: image.reshape(-1)[4:],
    "turned": lambda image: image.T[::-1],
    "asarray of a view": lambda image: np.asarray(image[1:], np.uint16),
    "broadcast": lambda image: np.broadcast_to(image[2], (4, 8)),
    "strides": lambda image: as_strided(image[1:], (2, 2), (16, 2)),
    "a subclass": lambda image: image.view(np.ma.MaskedArray)[1:],
    "a memoryview": lambda image: memoryview(image),
    "bytes of a memoryview": lambda image: image.reshape(-1).data.cast("B")[3:],
    "an array over a memoryview": lambda image: np.frombuffer(memoryview(image.reshape(-1)), np.uint8),
    "a pointer": lambda image: image.ctypes.data_as(ctypes.c_void_p),
    "DLPack": lambda image: np.from_dlpack(image[1:]),
    "OpenCV's result": drawn_on,
    "an iterator": lambda image: image.flat,
    "a field of a structure": lambda image: image.view([("low", "u1"), ("high", "u1")])["high"],
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_whatever_shows_an_image_holds_it(holder: str) -> None:
    pool = ImagePool()
    held = HOLDERS[holder](pool.take(SHAPE, np.uint16))
    first, second = pool.take(SHAPE, np.uint16), pool.take(SHAPE, np.uint16)
    assert not pool._free, "neither was in the pool"
    first_place = address(first)
    del first
    assert address(pool.take(SHAPE, np.uint16)) == first_place, "only what is free comes again"
    del held, second
    assert len(pool._free) == 3


def test_what_is_held_stays_as_it_was() -> None:
    pool = ImagePool()
    image = pool.take(SHAPE, np.uint16)
    image[...] = 7
    kept = image[1:][:, 2:].view(np.int16)
    del image
    for _ in range(3 * MAX_FREE_BLOCKS):
        pool.take(SHAPE, np.uint16)[...] = 9
    assert (kept == 7).all()


def test_nothing_is_allocated_where_no_frame_is_kept() -> None:
    pool = ImagePool()
    assert len({address(pool.take(SHAPE, np.uint8)) for _ in range(100)}) == 1


def test_as_many_blocks_as_frames_are_in_flight() -> None:
    pool = ImagePool()
    in_flight = [pool.take(SHAPE, np.uint8) for _ in range(5)]
    places = {address(image) for image in in_flight}
    for _ in range(100):
        in_flight.pop(0)
        in_flight.append(pool.take(SHAPE, np.uint8))
        places.add(address(in_flight[-1]))
    assert len(places) <= 6


def test_an_image_is_an_ordinary_writable_array() -> None:
    image = ImagePool().take(SHAPE, np.uint16)
    assert type(image) is np.ndarray
    assert (image.shape, image.dtype) == (SHAPE, np.uint16)
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert image.flags.aligned


def test_the_memory_that_is_kept_is_bounded() -> None:
    pool = ImagePool()
    kept = [pool.take(SHAPE, np.uint8) for _ in range(5 * MAX_FREE_BLOCKS)]
    assert len({address(image) for image in kept}) == len(kept)
    blocks = [weakref.ref(image.base._block) for image in kept]
    kept.clear()
    assert sum(block() is not None for block in blocks) == MAX_FREE_BLOCKS


@pytest.mark.parametrize(("shape", "dtype"), [((3, 8), np.uint16), ((8, 6), np.uint16), (SHAPE, np.uint8)])
def test_another_kind_starts_anew_and_the_old_memory_goes(shape: tuple[int, int], dtype: type) -> None:
    pool = ImagePool()
    old = pool.take(SHAPE, np.uint16)
    old[...] = 7
    blocks = [weakref.ref(old.base._block), weakref.ref(pool.take(SHAPE, np.uint16).base._block)]
    new = pool.take(shape, dtype)
    new[...] = 9
    assert (new.shape, new.dtype) == (shape, dtype)
    assert [block() is not None for block in blocks] == [True, False]
    assert (old == 7).all()
    del old
    assert blocks[0]() is None, "it does not come back into the pool of the new kind"
    assert not pool._free


def test_images_outlive_their_pool() -> None:
    image = ImagePool().take(SHAPE, np.uint16)
    image[...] = 7
    gc.collect()
    assert (image == 7).all()


@contextmanager
def no_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_an_image_in_a_cycle_is_held_until_the_cycle_is_collected() -> None:
    class Keeper:
        def __init__(self, image: NDArray[Any]) -> None:
            self.me = self
            self.image = image

        def __del__(self) -> None:
            found.append(int(self.image[0, 0]))

    found: list[int] = []
    pool = ImagePool()
    with no_collection():
        Keeper(pool.take(SHAPE, np.uint16)[1:]).image[...] = 7
        pool.take(SHAPE, np.uint16)[...] = 9
        assert len(pool._free) == 1, "the cycle still has the other one"
        gc.collect()
    assert found == [7], "a finalizer sees the image as it was"
    assert len(pool._free) == 2


def test_a_finalizer_that_brings_an_image_back_to_life_keeps_it() -> None:
    class Phoenix:
        def __init__(self, image: NDArray[Any]) -> None:
            self.me = self
            self.image = image

        def __del__(self) -> None:
            risen.append(self.image)

    risen: list[NDArray[Any]] = []
    pool = ImagePool()
    with no_collection():
        Phoenix(pool.take(SHAPE, np.uint16)).image[...] = 7
        gc.collect()
    for _ in range(5):
        pool.take(SHAPE, np.uint16)[...] = 9
    assert (risen[0] == 7).all()


def test_collection_in_the_middle_of_taking_does_not_deadlock() -> None:
    """Every allocation may collect a cycle that holds an image of the same pool."""
    threshold = gc.get_threshold()
    pool = ImagePool()
    try:
        gc.set_threshold(1)
        for number in range(200):
            image = pool.take(SHAPE, np.uint16)
            image[...] = number
            cycle: list[Any] = [image]
            cycle.append(cycle)
            assert (image == number).all()
    finally:
        gc.set_threshold(*threshold)


def test_images_may_go_away_in_other_threads() -> None:
    """Sinks keep frames for a while in threads of their own; what they keep never changes."""
    pool = ImagePool()
    queues: list[queue.SimpleQueue[tuple[int, NDArray[Any]] | None]] = [queue.SimpleQueue() for _ in range(4)]
    changed: list[int] = []

    def keep(given: queue.SimpleQueue[tuple[int, NDArray[Any]] | None], seed: int) -> None:
        chance = random.Random(seed)
        kept: list[tuple[int, NDArray[Any]]] = []
        while (item := given.get()) is not None:
            kept.append((item[0], item[1][chance.randrange(3) :][:, ::2]))
            del item
            while kept and chance.random() < 0.5:
                number, view = kept.pop(chance.randrange(len(kept)))
                if not (view == number).all():
                    changed.append(number)
                del view

    threads = [threading.Thread(target=keep, args=(one, seed)) for seed, one in enumerate(queues)]
    for thread in threads:
        thread.start()
    for number in range(4000):
        image = pool.take((24, 32), np.uint16)
        image[...] = number
        for given in queues:
            given.put((number, image))
    for given in queues:
        given.put(None)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert changed == []


class PoolMachine(RuleBasedStateMachine):
    """Images are taken, looked at through views of views, put into cycles and let go, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = ImagePool()
        self.number = 0
        self.held: list[tuple[int, NDArray[Any]]] = []

    @rule(
        shape=st.sampled_from([(4, 6), (4, 6), (4, 6), (8, 6)]), dtype=st.sampled_from([np.uint16, np.int16])
    )
    def take(self, shape: tuple[int, int], dtype: type) -> None:
        image = self.pool.take(shape, np.uint16)
        assert not any(np.shares_memory(image, other) for _, other in self.held)
        self.number += 1
        image[...] = self.number
        self.held.append((self.number, image.view(dtype)))

    @rule(
        which=st.integers(0, 100),
        cut=st.sampled_from(
            [np.s_[1:], np.s_[:, 1:], np.s_[::-1], np.s_[..., ::2], np.s_[None], np.s_[:1], np.s_[:]]
        ),
        replacing=st.booleans(),
    )
    def look_closer(self, which: int, cut: Any, replacing: bool) -> None:
        if self.held:
            number, view = self.held[which % len(self.held)]
            if min(view.shape) > 1:
                self.held.append((number, view[cut]))
            if replacing:
                del self.held[which % len(self.held)]

    @rule(which=st.integers(0, 100))
    def let_go(self, which: int) -> None:
        if self.held:
            del self.held[which % len(self.held)]

    @rule(which=st.integers(0, 100))
    def lose_in_a_cycle(self, which: int) -> None:
        if self.held:
            cycle: list[Any] = [self.held.pop(which % len(self.held))]
            cycle.append(cycle)

    @rule()
    def collect(self) -> None:
        gc.collect(0)

    @invariant()
    def what_is_held_is_as_it_was(self) -> None:
        assert all((view == number).all() for number, view in self.held)

    @invariant()
    def free_memory_is_bounded_and_nobody_sees_it(self) -> None:
        free = list(self.pool._free)
        assert len(free) <= MAX_FREE_BLOCKS
        assert not any(np.shares_memory(block, view) for block in free for _, view in self.held)


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
