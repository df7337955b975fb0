"""Reading files that come from outside: regular files only, bounded, and JSON and YAML within bounds.

A manifest, a list or a picture may be a pipe that never ends, a file of the size of the disk, or JSON that is
nested until the parser's stack is gone. Each of these is refused here with a reason; the caller turns the
reason into its own coded error, so that a manifest is refused as a manifest and a picture as a picture.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

MEBIBYTE = 2**20

MAX_DEPTH = 64
"""Levels of nested arrays and objects in JSON; no format of ours goes beyond eight."""

MAX_YAML_CHARACTERS = 2**18
"""Longest YAML text; its parser takes a second for 100 kB."""

T = TypeVar("T")

_STRINGS_OR_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class ContentRefusedError(ValueError):
    """A file was not read, or its content not taken; never leaves the module that called.

    Attributes:
        reason: a clause that follows the file's name, such as ``is a pipe, not a regular file``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ContentMissingError(ContentRefusedError):
    """There is no such file."""


def read_regular_file(path: Path, limit: int) -> bytes:
    """Content of a regular file.

    Args:
        path: the file; links are followed.
        limit: most bytes that are taken.

    Raises:
        ContentMissingError: there is no such file.
        ContentRefusedError: it is a folder, pipe, socket or device, is larger than ``limit``, cannot be read,
            or its name cannot be one of a file.
    """
    with open_regular_file(path, limit) as handle:
        try:
            # The size that the system states may be wrong (/proc states 0) or grow: one byte more decides.
            content = handle.read(limit + 1)
        except OSError as error:
            raise ContentRefusedError(f"cannot be read: {error.strerror or error}") from error
    if len(content) > limit:
        raise ContentRefusedError(f"has {len(content)} bytes, more than the {limit} that are read")
    return content


@contextmanager
def open_regular_file(path: Path, limit: int) -> Iterator[BinaryIO]:
    """A regular file, opened for reading; for libraries that read a file themselves.

    Args:
        path: the file; links are followed.
        limit: most bytes that it may have.

    Raises:
        ContentMissingError, ContentRefusedError: as :func:`read_regular_file`.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise ContentMissingError("is not there") from None
    except OSError as error:
        raise ContentRefusedError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL byte in the name
        raise ContentRefusedError(f"is not the name of a file: {error}") from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ContentRefusedError(f"is {_kind(state.st_mode)}, not a regular file")
        if state.st_size > limit:
            raise ContentRefusedError(f"has {state.st_size} bytes, more than the {limit} that are read")
        handle = os.fdopen(descriptor, "rb")
    except OSError as error:
        os.close(descriptor)
        raise ContentRefusedError(f"cannot be read: {error.strerror or error}") from error
    except ContentRefusedError:
        os.close(descriptor)
        raise
    with handle:
        yield handle


def read_utf8_file(path: Path, limit: int) -> str:
    """Text of a regular file in UTF-8, without a byte order mark.

    Raises:
        ContentMissingError, ContentRefusedError: as :func:`read_regular_file`, or it is not UTF-8.
    """
    try:
        return read_regular_file(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentRefusedError(f"is not UTF-8 text: byte {error.start} is not") from error


def decode_json(content: bytes | str, kind: type[T]) -> T:
    """Decode JSON into a type.

    Raises:
        ContentRefusedError: nested deeper than :data:`MAX_DEPTH`, not UTF-8, not JSON, or not of that type;
            the reason names the field.
    """
    data = content.encode() if isinstance(content, str) else content
    depth = nesting_depth(data)
    if depth > MAX_DEPTH:
        raise ContentRefusedError(f"nests {depth} levels deep, more than {MAX_DEPTH}")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:  # also the base of ValidationError, which names the field's path
        raise ContentRefusedError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ContentRefusedError(f"holds text that is not UTF-8: byte {error.start} of a string") from error
    except (RecursionError, OverflowError, ValueError) as error:
        raise ContentRefusedError(f"cannot be decoded: {error}") from error


def decode_yaml(text: str) -> Any:
    """Decode YAML of plain values.

    Raises:
        ContentRefusedError: longer than :data:`MAX_YAML_CHARACTERS`, or not YAML.
        ImportError: PyYAML is not installed.
    """
    import yaml

    if len(text) > MAX_YAML_CHARACTERS:
        raise ContentRefusedError(
            f"has {len(text)} characters, more than the {MAX_YAML_CHARACTERS} of YAML that are read"
        )
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContentRefusedError(f"is not YAML: {' '.join(str(error).split())}") from error
    except (
        RecursionError,
        OverflowError,
        ValueError,
        TypeError,
    ) as error:  # of dates, for example
        raise ContentRefusedError(f"is not YAML: {error}") from error


def nesting_depth(content: bytes) -> int:
    """Levels of arrays and objects in JSON; brackets inside of strings do not count."""
    depth = deepest = 0
    for match in _STRINGS_OR_BRACKETS.finditer(content):
        first = content[match.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def escape_controls(text: str) -> str:
    """Text of elsewhere for a terminal: control characters, but for the newline, as ``\\x1b`` and so on."""
    return "".join(
        character
        if character == "\n" or character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def one_line(text: str) -> str:
    """As :func:`escape_controls`, newlines as well, so that one name cannot look like two lines."""
    return escape_controls(text).replace("\n", "\\n")


def first_line(error: BaseException) -> str:
    """First line of what a library's exception says; its type where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
