"""Which files a stream reads and writes, so that nothing is written over what is read.

Two names are of one file if the system says so: device and inode. Links, ``..``, mounts, a disk that ignores
case and the form of a URI make no difference then. A file that is not there yet is known by its folder.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import unquote

from edge_irdet.errors import OptionError
from edge_irdet.images import IMAGE_SUFFIXES
from edge_irdet.stream.uri import parse_uri, path_of_file_uri

STANDARD_OUTPUT = Path("/dev/fd/1")
"""What the caller made of standard output: a file of his, perhaps."""

_FILE_OF_PIPELINE = re.compile(r"\blocation\s*=\s*(\"[^\"]+\"|[^\s!]+)")


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths are of one file, which need not be there yet."""
    return _identity(one) == _identity(other)


def is_within(path: Path, folder: Path) -> bool:
    """Whether a path is another one itself, or below it."""
    identity = _identity(folder)
    real = Path(os.path.realpath(path))
    return _identity(path) == identity or any(_identity(parent) == identity for parent in real.parents)


def is_read_by(source: str, path: Path) -> bool:
    """Whether writing to a path would change what a source reads, now or when it is read again.

    Args:
        source: as the user wrote it.
        path: the file that would be written.
    """
    text = _path_of_source(source)
    if text is None:
        return False
    place = Path(text)
    if same_place(place, path):
        return True
    if os.path.isdir(place):
        return _is_image_of(place, path)
    return bool(glob.has_magic(text)) and _is_matched(text, path)


def _identity(path: Path) -> Hashable:
    try:
        state = os.stat(path)
    except OSError:
        folder, name = os.path.split(os.path.realpath(path))
    else:
        return state.st_dev, state.st_ino
    try:
        state = os.stat(folder)
    except OSError:
        return folder, name
    return state.st_dev, state.st_ino, name


def _path_of_source(source: str) -> str | None:
    scheme = source.partition(":")[0].lower()
    try:
        parsed = parse_uri(source)
        if scheme == "file":
            return path_of_file_uri(source)
    except OptionError:
        return None  # which opening it tells in its own words
    if scheme == "gst":
        found = _FILE_OF_PIPELINE.search(source)
        return found[1].strip('"') if found else None
    if parsed.scheme in ("unix", "v4l2"):
        return unquote(parsed.path)
    # A path may look as if it had a scheme.
    return source if not parsed.scheme or os.path.exists(source) else None


def _is_image_of(folder: Path, path: Path) -> bool:
    if path.suffix.lower() in IMAGE_SUFFIXES and same_place(path.parent, folder):
        return True
    images = (entry for entry in _entries(folder) if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES)
    return _is_one_of(images, path)


def _is_matched(pattern: str, path: Path) -> bool:
    folder, name = os.path.split(pattern)
    folders = [Path(one) for one in glob.glob(folder)] if glob.has_magic(folder) else [Path(folder)]
    for one in folders:
        if fnmatch(path.name, name) and same_place(path.parent, one):
            return True
        if _is_one_of((entry for entry in _entries(one) if fnmatch(entry.name, name)), path):
            return True
    return False


def _is_one_of(entries: Iterable[os.DirEntry[str]], path: Path) -> bool:
    """Whether an entry is the file at a path; only links and equal inodes are looked at closely."""
    try:
        state = os.stat(path)
    except OSError:
        return False
    candidates = (one for one in entries if one.is_symlink() or one.inode() == state.st_ino)
    return any(_identity(Path(one.path)) == (state.st_dev, state.st_ino) for one in candidates)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return  # which the source tells in its own words
