"""The safetensors format: what is written is read, by its own library too, and nothing else is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge_irdet.intake import ContentRefusedError
from edge_irdet.tensor_file import MAX_HEADER_BYTES, decode_tensors, encode_tensors

FLOATS = arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
INTEGERS = arrays.arrays(np.int64, arrays.array_shapes(min_dims=0, max_dims=2, max_side=3))
TENSORS = st.dictionaries(st.text(min_size=1, max_size=8).filter("__metadata__".__ne__), FLOATS | INTEGERS)
WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.steps": np.array(7)}


@given(TENSORS, st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_what_is_written_is_read(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    content = encode_tensors(tensors, metadata)
    found, text = decode_tensors(content)
    assert text == metadata
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert encode_tensors(found, text) == content


def test_the_library_of_the_format_reads_and_writes_the_same() -> None:
    library = pytest.importorskip("safetensors.numpy", reason="safetensors, an extra of the tests, is absent")
    assert {name: array.tolist() for name, array in library.load(encode_tensors(WEIGHTS, {})).items()} == {
        name: array.tolist() for name, array in WEIGHTS.items()
    }
    found, metadata = decode_tensors(library.save(WEIGHTS, {"key": "text"}))
    assert metadata == {"key": "text"}
    np.testing.assert_array_equal(found["a.weight"], WEIGHTS["a.weight"])


def file_of(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(**changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        file_of({}, length=9),
        file_of({}, length=MAX_HEADER_BYTES + 1),
        file_of({}, length=2**63),
        file_of(b"\x80"),
        file_of(b"[]"),
        file_of(b"[" * 3000),
        file_of({"__metadata__": {"key": 1}}),
        file_of({"a": entry(dtype="F64")}, b"\0" * 8),
        file_of({"a": entry(shape=[3])}, b"\0" * 8),
        file_of({"a": entry(shape=[-2])}, b"\0" * 8),
        file_of({"a": entry(shape=[-1, -2])}, b"\0" * 8),
        file_of({"a": entry(shape=[2**62, 2**62])}, b"\0" * 8),
        file_of({"a": entry(data_offsets=[4, 12])}, b"\0" * 12),
        file_of({"a": entry(), "b": entry()}, b"\0" * 8),
        file_of({"a": entry()}, b"\0" * 7),
        file_of({"a": entry()}, b"\0" * 9),
        file_of({"a": entry(pickle="code")}, b"\0" * 8),
    ],
)
def test_anything_else_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(ContentRefusedError) as refused:
        decode_tensors(content)
    assert refused.value.reason


@given(st.data())
def test_damaged_files_are_refused_or_read_within_their_bounds(data: st.DataObject) -> None:
    content = bytearray(encode_tensors(WEIGHTS, {"key": "text"}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found, _ = decode_tensors(bytes(content))
    except ContentRefusedError:
        return
    assert sum(array.nbytes for array in found.values()) <= len(content)


def test_other_element_types_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="float64"):
        encode_tensors({"a": np.zeros(2)}, {})
