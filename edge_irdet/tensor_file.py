"""The safetensors format: named arrays and text in one file, which runs no code when it is read.

Eight bytes with the length of a JSON header, the header, and the arrays one after the other. Reading and
writing it takes less than its library would ask of an installation, and the header passes the gate that all
other JSON passes (:mod:`edge_irdet.intake`). The format is described by github.com/huggingface/safetensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_irdet.intake import ContentRefusedError, decode_json

MAX_HEADER_BYTES = 4 * 2**20
"""Longest header that is read; that of the largest network has 60 kB."""

LENGTH_BYTES = 8
METADATA = "__metadata__"

DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
"""The element types that weights have, by the format's names."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    dtype: Literal["F32", "I64"]
    shape: list[int]
    data_offsets: tuple[int, int]


def encode_tensors(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Arrays and text as the bytes of a file; the same input gives the same bytes.

    Args:
        tensors: name -> array, float32 or int64.
        metadata: key -> text.

    Raises:
        TypeError: an array has another element type.
    """
    header: dict[str, Any] = {METADATA: dict(metadata)}
    names = {dtype: name for name, dtype in DTYPES.items()}
    data, position = [], 0
    # The widest elements first, as the reference orders them, so that every array is aligned.
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])):
        dtype = array.dtype.newbyteorder("<")
        if dtype not in names:
            raise TypeError(f"{name} is {array.dtype}; the file holds {', '.join(map(str, names))}")
        content = np.ascontiguousarray(array, dtype).tobytes()
        end = position + len(content)
        header[name] = {"dtype": names[dtype], "shape": list(array.shape), "data_offsets": [position, end]}
        data.append(content)
        position = end
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % LENGTH_BYTES)
    return b"".join((len(text).to_bytes(LENGTH_BYTES, "little"), text, *data))


def decode_tensors(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays and text of a file's bytes.

    Returns:
        Name -> array, a read-only view of ``content``; and key -> text.

    Raises:
        ContentRefusedError: the header is not valid, or the arrays do not fill the rest of the file exactly.
    """
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    start = LENGTH_BYTES + length
    if len(content) < LENGTH_BYTES or length > MAX_HEADER_BYTES or start > len(content):
        raise ContentRefusedError(f"is not in safetensors format: {len(content)} bytes, header of {length}")
    header = decode_json(content[LENGTH_BYTES:start], dict[str, msgspec.Raw])
    metadata = decode_json(bytes(header.pop(METADATA, msgspec.Raw(b"{}"))), dict[str, str])
    entries = {name: decode_json(bytes(entry), _Entry) for name, entry in header.items()}
    tensors: dict[str, NDArray[Any]] = {}
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        dtype = DTYPES[entry.dtype]
        begin, end = entry.data_offsets
        count = math.prod(entry.shape)
        if begin != position or min(entry.shape, default=0) < 0 or end - begin != count * dtype.itemsize:
            raise ContentRefusedError(
                f"says that {name[:40]!r} has the shape {entry.shape[:8]} at bytes {begin} to {end}"
            )
        if start + end > len(content):
            raise ContentRefusedError(f"ends before {name[:40]!r} does")
        tensors[name] = np.frombuffer(content, dtype, count, start + begin).reshape(entry.shape)
        position = end
    if start + position != len(content):
        raise ContentRefusedError(f"has {len(content) - start - position} bytes that belong to no array")
    return tensors, metadata
