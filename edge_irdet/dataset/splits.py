"""Lists of image names: finding, reading and dividing them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from edge_irdet.dataset.label_files import read_label_text
from edge_irdet.errors import DatasetMissingError, LabelInvalidError, OptionError, SplitEmptyError
from edge_irdet.images import IMAGE_SUFFIXES
from edge_irdet.provenance import Division

VALIDATION_FRACTION, SPLIT_SEED = 0.15, 0
"""The trainer's defaults."""


def find_split(root: Path, split: Path | str, folders: Sequence[str] = ("splits",)) -> Path:
    """The file that ``split`` names: as given, else under ``root``, else under ``folders`` in ``root``.

    In each place the name is tried as it is and with ``.txt`` added.

    Raises:
        DatasetMissingError: none of these is a file.
    """
    if not Path(split).name:
        raise DatasetMissingError(
            f"{str(split)!r} names no split list", f"choose one: find {root} -name '*.txt'"
        )
    places = [Path(split), root / split, *(root / folder / split for folder in folders)]
    for place in places:
        for candidate in (place, place.with_name(place.name + ".txt")):
            if os.path.isfile(candidate):
                return candidate
    tried = ", ".join(str(place) for place in dict.fromkeys(places))
    raise DatasetMissingError(
        f"the split list {split} is not there (tried {tried})", f"look for it: find {root}"
    )


PART_NAMES = (
    frozenset({"val", "valid", "validation"}),
    frozenset({"train", "training"}),
    frozenset({"test"}),
)
"""Names that mean the same part of a set."""


def names_of_part(names: Sequence[str], part: str) -> tuple[str, ...]:
    """Images that lie in the folder of a part, such as ``train/``; empty where there is no such folder.

    ``val`` finds ``valid/`` as well where there is no ``val/``, and so on: see :data:`PART_NAMES`.
    """
    others = next((alike - {part} for alike in PART_NAMES if part in alike), frozenset[str]())
    for candidate in (part, *sorted(others)):
        found = tuple(name for name in names if candidate and name.startswith(f"{candidate}/"))
        if found:
            return found
    return ()


def read_split(path: Path, known: Sequence[str]) -> tuple[str, ...]:
    """Read a split list.

    One image on each line, with or without its suffix; a path whose folders lead up to ``images/`` or
    ``JPEGImages/`` is taken from there. Blank lines and lines that start with ``#`` are ignored.

    Args:
        path: the list, UTF-8.
        known: names of the images of the set; an entry that is one of these is never shortened, so names
            with dots are safe.

    Returns:
        names in the order of the list; an entry that matches no known name is returned without its suffix.

    Raises:
        SplitEmptyError: the list names no image.
        LabelInvalidError: an image is listed twice, or the file is not text.
        DatasetMissingError: the file cannot be read.
    """
    lines = read_label_text(path).splitlines()
    known_names = frozenset(known)
    line_of: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        name = _name_of_entry(entry, known_names)
        if name in line_of:
            raise LabelInvalidError(
                f"{path}:{number}: the image {name!r} is listed already on line {line_of[name]}",
                "remove one of the two lines; an image counted twice distorts every figure",
            )
        line_of[name] = number
    if not line_of:
        raise SplitEmptyError(f"{path} names no image", "add image names, one on each line")
    return tuple(line_of)


def _name_of_entry(entry: str, known: frozenset[str]) -> str:
    if entry in known:
        return entry
    parts = entry.replace("\\", "/").removeprefix("./").split("/")
    for folder in ("images", "JPEGImages"):
        if folder in parts[:-1]:
            last = len(parts) - 1 - parts[::-1].index(folder)
            parts = parts[last + 1 :]
    name = "/".join(parts)
    if name in known:
        return name
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES else name


def split_validation(
    names: Sequence[str], fraction: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide a train list into a training and a validation part, for choosing epochs and thresholds.

    Images are ranked by a hash of seed and name and the first ``round(fraction * n)`` (at least one) are for
    validation. The division therefore depends on neither the order of the list nor the platform, and adding
    one image moves at most one other across. Near duplicates are not looked for.

    Args:
        names: the train list, without repetition.
        fraction: part for validation, 0 < fraction < 1.
        seed: any integer; another one gives another division.

    Returns:
        (training names, validation names), each in the order of ``names``.

    Raises:
        OptionError: ``fraction`` is not inside 0..1, a name is repeated, or a part would be empty.
    """
    if not 0.0 < fraction < 1.0:
        raise OptionError(
            f"the validation fraction is {fraction}", "choose one between 0 and 1, such as 0.15"
        )
    if len(set(names)) != len(names):
        raise OptionError("the list to divide holds an image twice", "remove the repeated line")
    count = max(1, round(fraction * len(names)))
    if count >= len(names):
        raise OptionError(
            f"a list of {len(names)} images leaves none to train on after {count} for validation",
            "choose a smaller fraction or a longer list",
        )

    def rank(name: str) -> tuple[bytes, str]:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest(), name

    chosen = frozenset(sorted(names, key=rank)[:count])
    training = tuple(name for name in names if name not in chosen)
    return training, tuple(name for name in names if name in chosen)


def split_as_trained(names: Sequence[str], division: Division) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide a train list as the trainer of a package did.

    Args:
        names: the train list.
        division: ``manifest.training.division`` of the package; what it does not say is taken from the
            trainer's defaults.

    Returns:
        (training names, validation names), see :func:`split_validation`.
    """
    fraction = VALIDATION_FRACTION if division.validation_fraction is None else division.validation_fraction
    # Before there was a seed of its own, the training's decided which images were held back.
    seeds = (division.split_seed, division.seed, SPLIT_SEED)
    return split_validation(names, fraction, next(seed for seed in seeds if seed is not None))
