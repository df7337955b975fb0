"""What an ONNX file points to outside of itself, found without the onnx library.

The SHA-256 of a graph says nothing about weights that the graph loads from another file, and a location may
be any path, or an address in memory. So a graph of a package holds all its values itself. ONNX is Protocol
Buffers (https://protobuf.dev/programming-guides/encoding): fields of a number, a wire type and a value, of
which only those on the way to a tensor are looked into.
"""

from __future__ import annotations

from edge_irdet.intake import MAX_DEPTH, ContentRefusedError

MAX_GRAPH_BYTES = 512 * 2**20
"""Largest graph that is read; the FP32 graph of the largest variant has 190 MB."""

MAX_FIELDS = 4_000_000
"""Most fields that are looked at; a graph of 200 convolutions has some ten thousand."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Message -> its fields that lead to a tensor."""

_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
"""Fields of a tensor: where its values lie outside, and that they do."""


def require_self_contained(content: bytes) -> None:
    """Check that an ONNX graph holds the values of all its tensors itself.

    Args:
        content: the serialised model.

    Raises:
        ContentRefusedError: a tensor names external data, or the bytes are not a graph.
    """
    _Walk(content).message(0, len(content), "model", 0)


class _Walk:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._fields = 0

    def message(self, start: int, end: int, kind: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ContentRefusedError(f"nests more than {MAX_DEPTH} levels deep")
        children = _CHILDREN[kind]
        place = start
        while place < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise ContentRefusedError(f"has more than {MAX_FIELDS} fields")
            tag, place = self._number(place, end)
            field, wire = tag >> 3, tag & 7
            value, size = 0, 0
            if wire == _VARINT:
                value, place = self._number(place, end)
            elif wire == _BYTES:
                size, place = self._number(place, end)
            elif wire in (_FIXED64, _FIXED32):
                size = 8 if wire == _FIXED64 else 4
            else:
                raise ContentRefusedError(f"is not an ONNX graph: byte {place} is no field")
            if size > end - place:
                raise ContentRefusedError(
                    f"is not an ONNX graph: it ends inside of the field at byte {place}"
                )
            if kind == "tensor" and (field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value)):
                raise ContentRefusedError(
                    "loads values from outside of itself (external data), which no hash covers"
                )
            if wire == _BYTES and field in children:
                self.message(place, place + size, children[field], depth + 1)
            place += size

    def _number(self, place: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while place < end and shift < 70:
            byte = self._content[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
            shift += 7
        raise ContentRefusedError(f"is not an ONNX graph: byte {place} ends no number")
