"""Class names of a YOLO set: ``classes.txt``, or ``names`` of the YAML file that its trainers read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edge_irdet.dataset.box_layouts import read_class_list
from edge_irdet.dataset.label_files import read_label_text
from edge_irdet.errors import DatasetMissingError, ExtraMissingError, LabelInvalidError
from edge_irdet.intake import ContentRefusedError, decode_yaml


def read_yolo_classes(root: Path, label_folders: Sequence[Path]) -> tuple[str, ...]:
    """Class names, in index order.

    Looked for as ``classes.txt`` in the root and in the label folders, then as ``names`` (a list, or a table
    from index to name) in ``data.yaml`` or another YAML file in the root.

    Raises:
        DatasetMissingError: none is there.
        LabelInvalidError: one is malformed, or two YAML files name different classes.
        ExtraMissingError: there is only a YAML file, and no YAML reader is installed.
    """
    for path in (root / "classes.txt", *(folder / "classes.txt" for folder in label_folders)):
        if os.path.isfile(path):
            return read_class_list(path)
    found: dict[tuple[str, ...], Path] = {}
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        if names := _names_of_yaml(path):
            found.setdefault(names, path)
    if len(found) > 1:
        raise LabelInvalidError(
            f"{' and '.join(str(path) for path in found.values())} name different classes",
            "remove the one that does not belong to the set, or write classes.txt",
        )
    if found:
        return next(iter(found))
    raise DatasetMissingError(
        f"{root} has no classes.txt, in the folder or in labels/, and no data.yaml with names: the class "
        "indices have no names",
        f"write one class name on each line, in index order: echo target > {root / 'classes.txt'}",
    )


def _names_of_yaml(path: Path) -> tuple[str, ...]:
    """``names`` of a YAML file; empty where it has none."""
    text = read_label_text(path)
    try:
        content = decode_yaml(text)
    except ImportError as error:
        raise ExtraMissingError(
            f"{path} is YAML, and no YAML reader is installed",
            "install the extra [evaluate], or write the class names into classes.txt, one on each line",
        ) from error
    except ContentRefusedError as error:
        raise LabelInvalidError(f"{path} {error.reason}", f"correct {path}") from error
    names = content.get("names") if isinstance(content, dict) else None
    if names is None:
        return ()
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise LabelInvalidError(
                f"{path}: the indices of names are {', '.join(map(str, names))}, not 0 to {len(names) - 1}",
                f"correct {path}",
            )
        names = [names[index] for index in range(len(names))]
    # YAML reads a name such as 1 or yes as a number or a truth value.
    if not isinstance(names, list) or not names or any(isinstance(name, (dict, list)) for name in names):
        raise LabelInvalidError(f"{path}: names is not a list of class names", f"correct {path}")
    texts = tuple(str(name) for name in names)
    if len(set(texts)) != len(texts):
        raise LabelInvalidError(f"{path}: names holds a class twice", f"correct {path}")
    return texts
