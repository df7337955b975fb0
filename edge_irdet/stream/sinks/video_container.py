"""How much of a video that still grows is whole: frames, and the byte behind the last of them.

MP4 in fragments (ISO/IEC 14496-12, 8.8), Matroska (RFC 9559) and AVI, as FFmpeg writes them to a pipe. What
a full disk cuts off in the middle of a group of frames can so be cut back to what a player shows.
"""

from __future__ import annotations

import os
import struct
from abc import ABC, abstractmethod

MAX_HEAD = 1 << 20
"""Bytes; no description of a group of frames is longer."""

_SEGMENT, _CLUSTER, _SIMPLE_BLOCK, _BLOCK_GROUP = 0x18538067, 0x1F43B675, 0xA3, 0xA0

STATED_EVERY = 25
"""Frames after which an AVI's header is brought up to date."""

_AVI_FRAMES, _AVI_LENGTH, _AVI_RIFF_SIZE = 48, 140, 4
"""Places of the number of frames in the headers of file and stream, and of the file's size."""


class GrowingVideo(ABC):
    """Follows a file while it grows.

    Args:
        descriptor: the file, open for reading.
    """

    def __init__(self, descriptor: int) -> None:
        self.frames = 0
        """Whole frames in the file."""
        self.end = 0
        """Where the last whole part of the file ends."""
        self._descriptor = descriptor
        self._size = 0

    def advance(self) -> None:
        """Take in what has been written since the last time."""
        self._size = os.fstat(self._descriptor).st_size
        while self._next():
            pass

    def finish(self) -> None:
        """Complete the headers of a file that has come to its end; by default they are."""
        return

    @abstractmethod
    def _next(self) -> bool:
        """Take in one more part, if there is a whole one."""

    def _read(self, count: int, place: int) -> bytes:
        return os.pread(self._descriptor, count, place)


class FragmentedMp4(GrowingVideo):
    """Boxes: a header, then for each group of frames a description (``moof``) and their data (``mdat``)."""

    _described = 0

    def _next(self) -> bool:
        head = self._read(16, self.end)
        if len(head) < 8:
            return False
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) == 16:
            size = struct.unpack_from(">Q", head, 8)[0]
        if size < 8 or self.end + size > self._size:
            return False
        if kind == b"moof":
            # Not whole without the data behind it.
            return self._group(size)
        self.end += size
        return True

    def _group(self, size: int) -> bool:
        head = self._read(8, self.end + size)
        if len(head) < 8 or head[4:] != b"mdat":
            return False
        data = struct.unpack_from(">I", head)[0]
        if data < 8 or self.end + size + data > self._size:
            return False
        self.frames += _samples(self._read(min(size, MAX_HEAD), self.end)[8:])
        self.end += size + data
        return True


def _samples(boxes: bytes) -> int:
    place, count = 0, 0
    while place + 8 <= len(boxes):
        size, kind = struct.unpack_from(">I4s", boxes, place)
        if size < 8:
            break
        if kind == b"traf":
            count += _samples(boxes[place + 8 : place + size])
        elif kind == b"trun":
            count += struct.unpack_from(">I", boxes, place + 12)[0]
        place += size
    return count


class Matroska(GrowingVideo):
    """Elements: a header, a segment without a size, and in it clusters of blocks, one per frame."""

    def _next(self) -> bool:
        head = self._read(12, self.end)
        element = _element(head)
        if element is None:
            return False
        kind, start, size = element
        if kind == _SEGMENT:
            self.end += start
            return True
        if size is None or self.end + start + size > self._size:
            return False
        if kind == _CLUSTER:
            self.frames += self._blocks(self.end + start, size)
        self.end += start + size
        return True

    def _blocks(self, place: int, size: int) -> int:
        end, count = place + size, 0
        while place < end and (element := _element(self._read(12, place))) is not None:
            kind, start, length = element
            if length is None:
                break
            count += kind in (_SIMPLE_BLOCK, _BLOCK_GROUP)
            place += start + length
        return count


def _element(head: bytes) -> tuple[int, int, int | None] | None:
    """Identifier, bytes of the head and size of an EBML element; no size where it is open."""
    if not head or not head[0]:
        return None
    width = 9 - head[0].bit_length()
    if len(head) <= width or not head[width]:
        return None
    length = 9 - head[width].bit_length()
    if len(head) < width + length:
        return None
    size = int.from_bytes(head[width : width + length], "big") & ((1 << 7 * length) - 1)
    unknown = size == (1 << 7 * length) - 1
    return int.from_bytes(head[:width], "big"), width + length, None if unknown else size


class Avi(GrowingVideo):
    """Chunks: headers, then one per frame. To a pipe FFmpeg writes no number of frames and no index."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._movie = 0
        self._stated = 0

    def advance(self) -> None:
        """Take in what has been written, and state the number of frames now and then: a kill may come."""
        super().advance()
        if self.frames - self._stated >= STATED_EVERY:
            self._state_frames()

    def _next(self) -> bool:
        head = self._read(12, self.end)
        if len(head) < 12:
            return False
        kind, size = struct.unpack_from("<4sI", head)
        if kind == b"RIFF" or (kind == b"LIST" and head[8:] == b"movi"):
            self._movie = self.end + 8 if kind == b"LIST" else 0
            self.end += 12
            return True
        size += size % 2
        if self.end + 8 + size > self._size:
            return False
        self.frames += kind == b"00dc"
        self.end += 8 + size
        return True

    def finish(self) -> None:
        """Write number of frames, sizes and index, without which players show no length and do not seek.

        A file beyond the 4 GiB of the format gets its number of frames only.
        """
        if not self._movie:
            return
        self._state_frames()
        index = self._index()
        if self.end + len(index) > 0xFFFFFFFF:
            return
        self._set(self._movie - 4, self.end - self._movie)
        self._set(_AVI_RIFF_SIZE, self.end + len(index) - 8)
        _write_all(self._descriptor, index)

    def _state_frames(self) -> None:
        for place in (_AVI_FRAMES, _AVI_LENGTH):
            self._set(place, self.frames)
        self._stated = self.frames

    def _index(self) -> bytes:
        entries, place = [], self._movie + 4
        while place < self.end <= 0xFFFFFFFF:
            kind, size = struct.unpack("<4sI", self._read(8, place))
            # Every picture of this codec stands for itself.
            entries.append(struct.pack("<4sIII", kind, 0x10, place - self._movie, size))
            place += 8 + size + size % 2
        content = b"".join(entries)
        return struct.pack("<4sI", b"idx1", len(content)) + content

    def _set(self, place: int, number: int) -> None:
        # Not pwrite: Linux appends with it to a file that is open for appending.
        with open(f"/proc/self/fd/{self._descriptor}", "r+b", buffering=0) as file:
            file.seek(place)
            file.write(struct.pack("<I", number))


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
