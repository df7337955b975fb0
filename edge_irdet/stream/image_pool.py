"""Memory for images that is used again as soon as nobody can see it any more."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.stream.frame import MAX_FRAMES_IN_FLIGHT

MAX_FREE_BLOCKS = MAX_FRAMES_IN_FLIGHT
"""Blocks that are kept while nobody uses them; no stream has more frames in flight."""


class ImagePool:
    """Images of equal shape for a source to fill, so that no pixel memory is allocated per frame.

    A block of memory is handed out again only after the last array over it is gone, however long a detector
    or an output takes: a live source does not wait for them, and must not write into a frame that they are
    still at. There are as many blocks as frames were ever in flight at once.

    One thread takes images; they may go away in any thread, at any moment.
    """

    def __init__(self) -> None:
        self._kind: tuple[tuple[int, int], type[np.uint8] | type[np.uint16]] | None = None
        self._free: deque[NDArray[Any]] = deque(maxlen=MAX_FREE_BLOCKS)

    def take(self, shape: tuple[int, int], dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
        """An image to fill, [H, W] of the dtype; what it holds until then is of no meaning.

        Another shape or dtype than the last one's starts with new memory; the memory of the old kind goes
        with its last image.
        """
        if self._kind != (shape, dtype):
            self._kind = (shape, dtype)
            self._free.clear()
            self._free = deque(maxlen=MAX_FREE_BLOCKS)
        try:
            block = self._free.pop()
        except IndexError:
            block = np.zeros(shape, dtype)
        return np.asarray(_Lease(block, self._free))


class _Lease:
    """Owner of a block's memory in the eyes of NumPy, from its handing out to the end of the last array.

    A view of an array refers to the array at the end of the chain of arrays it was made from; that array
    refers to whatever exported its memory (NumPy, arrayobject.c, ``PyArray_SetBaseObject``). So every view of
    an image, and every memoryview or OpenCV matrix over one, keeps this object alive, and its end means that
    none is left. It is never part of a reference cycle: arrays are invisible to the cycle collector.
    """

    __slots__ = ("__array_interface__", "_block", "_free")

    def __init__(self, block: NDArray[Any], free: deque[NDArray[Any]]) -> None:
        self._block = block
        self._free = free
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        # Of a full deque the oldest block goes. No lock: this may run inside of take(), in the same thread.
        self._free.append(self._block)
