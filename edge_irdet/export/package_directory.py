"""The directory of a new package: it appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_irdet.errors import EdgeIrdetError, OptionError, OutputFailedError
from edge_irdet.package import ENGINES_FOLDER, MANIFEST_NAME, Package, Precision


def require_package_place(directory: Path) -> None:
    """Check that a package may be written to ``directory``, before any work is done for it.

    Raises:
        OptionError: something stands there that is neither a package nor an empty folder.
    """
    is_package = os.path.isfile(directory / MANIFEST_NAME)
    if os.path.lexists(directory) and not is_package and not _is_empty(directory):
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
    try:
        return not any(path.iterdir())
    except OSError:  # no folder, or one that cannot be listed
        return False


def lost_by_replacing(directory: Path) -> list[str]:
    """What a new export does not make again of the package that stands there; empty where there is none."""
    if not os.path.isfile(directory / MANIFEST_NAME):
        return []
    try:
        package = Package(directory)
    except EdgeIrdetError:
        return []  # nothing that could be used
    reduced = [one.value for one in Precision if one is not Precision.FP32 and one in package.manifest.graphs]
    lost = [f"its {' and '.join(one.upper() for one in reduced)}"] if reduced else []
    if package.manifest.operating_point.score_threshold is not None:
        lost.append(f"the score threshold {package.manifest.postprocess.score_threshold:g} that was chosen")
    if any((directory / ENGINES_FOLDER).glob("*.engine")):
        lost.append("its engines")
    return lost


def _replace_directory(new: Path, place: Path) -> None:
    old = None
    if os.path.lexists(place):
        old = new.parent / "replaced"
        place.rename(old)
    new.rename(place)
    if old is not None:
        shutil.rmtree(old)
