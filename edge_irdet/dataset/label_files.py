"""Label files, lists and tables: bounded, regular, and refused with a code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_irdet.errors import DatasetMissingError, LabelInvalidError
from edge_irdet.intake import (
    MEBIBYTE,
    ContentMissingError,
    ContentRefusedError,
    read_regular_file,
    read_utf8_file,
)

MAX_LABEL_BYTES = 64 * MEBIBYTE
"""Largest label file, list or table that is read."""


def read_label_file(path: Path, limit: int = MAX_LABEL_BYTES) -> bytes:
    """Content of a label file.

    Raises:
        DatasetMissingError: it is not there.
        LabelInvalidError: it is not a regular file, larger than ``limit`` bytes, or cannot be read.
    """
    with _refused_as_label(path):
        return read_regular_file(path, limit)


def read_label_text(path: Path) -> str:
    """Text of a label file.

    Raises:
        DatasetMissingError: it is not there.
        LabelInvalidError: as :func:`read_label_file`, or it is not UTF-8.
    """
    with _refused_as_label(path):
        return read_utf8_file(path, MAX_LABEL_BYTES)


@contextmanager
def _refused_as_label(path: Path) -> Iterator[None]:
    try:
        yield
    except ContentMissingError as error:
        raise DatasetMissingError(f"{path} {error.reason}", f"check it: ls -l {path}") from error
    except ContentRefusedError as error:
        raise LabelInvalidError(f"{path} {error.reason}", f"look at it: file {path}") from error
