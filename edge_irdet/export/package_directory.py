"""The directory of a new package: it appears under its name only when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.package import MANIFEST_NAME


def require_package_place(directory: Path) -> None:
    """Check that a package may be written to ``directory``, before any work is done for it.

    Raises:
        OptionError: something stands there that is neither a package nor an empty folder.
    """
    if directory.exists() and not (directory / MANIFEST_NAME).is_file() and not _is_empty(directory):
        raise OptionError(f"{directory} is there and is not a model package", "name a new directory with -o")


@contextmanager
def new_package(directory: Path) -> Iterator[Path]:
    """Yield a folder to write a package into; on success it takes the place of ``directory``.

    On any error the folder is removed and whatever stood at ``directory`` is untouched.

    Raises:
        OutputFailedError: the package could not be written.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as temporary:
            building = Path(temporary) / directory.name
            building.mkdir()
            yield building
            _replace_directory(building, directory)
    except OSError as error:
        raise OutputFailedError(
            f"{directory} could not be written: {error.strerror or error}",
            "free space or choose another folder, then run the command again",
        ) from error


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _replace_directory(new: Path, place: Path) -> None:
    old = None
    if place.exists():
        old = new.parent / "replaced"
        place.rename(old)
    new.rename(place)
    if old is not None:
        shutil.rmtree(old)
