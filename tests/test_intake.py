"""What comes from outside: refused with a reason, never waited for, never swallowed whole."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.intake import (
    MAX_DEPTH,
    ContentMissingError,
    ContentRefusedError,
    decode_json,
    decode_yaml,
    escape_controls,
    first_line,
    nesting_depth,
    one_line,
    open_regular_file,
    read_regular_file,
    read_utf8_file,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"x" * 10)
    assert read_regular_file(path, 10) == b"x" * 10
    with pytest.raises(ContentRefusedError, match="has 10 bytes, more than the 9"):
        read_regular_file(path, 9)


def test_a_file_is_opened_for_a_library_within_the_same_bounds(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with open_regular_file(tmp_path / "a", 3) as handle:
        assert handle.read() == b"abc"
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for name, reason in (("a", "more than the 2"), ("pipe", "pipe"), (".", "folder")):
        with pytest.raises(ContentRefusedError, match=reason), open_regular_file(tmp_path / name, 2):
            pytest.fail("opened")
    assert len(os.listdir("/proc/self/fd")) == before, "nothing stays open"


@pytest.mark.parametrize("text", ["2001-99-99", "[" * 3000, "a: b: c", "!!python/name:os.system x", "&a *a"])
def test_yaml_that_is_none_is_refused(text: str) -> None:
    pytest.importorskip("yaml")
    with pytest.raises(ContentRefusedError, match="YAML"):
        decode_yaml(text)
    with pytest.raises(ContentRefusedError, match="characters"):
        decode_yaml("# " * 2**18)


def test_a_library_that_says_nothing_is_named_by_its_exception() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(MemoryError()) == "MemoryError"


def test_a_link_to_a_regular_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "link").symlink_to("a")
    assert read_regular_file(tmp_path / "link", 1) == b"a"


def test_a_file_whose_stated_size_is_wrong_is_bounded_too() -> None:
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(ContentRefusedError, match="more than the 16"):
        read_regular_file(Path("/proc/self/maps"), 16)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    for name, kind in (("pipe", "a pipe"), (".", "a folder")):
        with pytest.raises(ContentRefusedError, match=f"is {kind}, not a regular file"):
            read_regular_file(tmp_path / name, 100)
    with pytest.raises(ContentRefusedError, match="cannot be read"):
        read_regular_file(tmp_path / "socket", 100)
    with pytest.raises(ContentRefusedError, match="is a device"):
        read_regular_file(Path("/dev/zero"), 100)
    listener.close()


@pytest.mark.parametrize("name", ["none", "file/below", "x" * 300, "nul\0"])
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ContentRefusedError) as caught:
        read_regular_file(tmp_path / name, 10)
    assert isinstance(caught.value, ContentMissingError) == (name in ("none", "file/below"))


def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffZiel\n".encode())
    assert read_utf8_file(path, 100) == "Ziel\n"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(ContentRefusedError, match="byte 3"):
        read_utf8_file(path, 100)


class Nested(msgspec.Struct):
    value: int


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[" * 3000, "nests 3000 levels"),
        (b'{"value":' * 5000, "nests 5000 levels"),
        (b'{"value": "\xff"}', "."),
        (b'{"value": 1.5}', "value"),
        (b'{"value": 1', "truncated"),
        (b'{"value": ' + b"9" * 5000 + b"}", "."),
        (b"", "."),
    ],
)
def test_json_that_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ContentRefusedError, match=reason):
        decode_json(content, Nested)


@given(VALUES)
def test_json_that_is_not_deep_is_decoded(value: object) -> None:
    assert decode_json(json.dumps(value), object) == value


@given(VALUES, st.integers(0, MAX_DEPTH))
def test_the_depth_is_that_of_the_arrays_around(value: object, levels: int) -> None:
    inner = json.dumps(value).encode()
    assert nesting_depth(b"[" * levels + inner + b"]" * levels) == nesting_depth(inner) + levels


def test_brackets_in_strings_are_text() -> None:
    assert nesting_depth(rb'{"a": "[[[{{\"[["}') == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(content: bytes) -> None:
    try:
        decode_json(content, dict)
    except ContentRefusedError:
        return


@given(st.text())
def test_text_of_elsewhere_cannot_steer_a_terminal(text: str) -> None:
    assert all(character.isprintable() or character == "\n" for character in escape_controls(text))
    assert one_line(text).isprintable()


def test_printable_text_stays_as_it_is() -> None:
    assert escape_controls("Grüße\n目标") == "Grüße\n目标"
    assert one_line("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
