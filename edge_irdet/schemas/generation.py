"""JSON Schemas made from the types that read and write: nothing is stated twice.

Types, bounds and defaults are msgspec's; the descriptions are the docstrings under the fields, which msgspec
does not see.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from edge_irdet import package, provenance, record
from edge_irdet.package import SCHEMA_VERSION, Manifest
from edge_irdet.record import RECORD_SCHEMA, Record

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[Path, str]:
    """Every schema file, and what it should hold."""
    return {
        FOLDER / "record.schema.json": _text(Record, "record", RECORD_SCHEMA),
        FOLDER / "manifest.schema.json": _text(Manifest, "manifest", SCHEMA_VERSION),
    }


def _text(kind: type[msgspec.Struct], name: str, version: int) -> str:
    generated = msgspec.json.schema(kind)
    definitions = generated["$defs"]
    for definition in definitions.values():
        _describe(definition)
    # A reader refuses newer ones.
    definitions[kind.__name__]["properties"]["schema"]["maximum"] = version
    content = {
        "$schema": DIALECT,
        "$id": f"urn:edge-irdet:{name}:{version}",
        "title": f"edge_irdet {name}, schema {version}",
        **generated,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _describe(definition: dict[str, Any]) -> None:
    """Put docstrings into the definition of one struct or enumeration."""
    kind = next(
        found
        for module in (record, package, provenance)
        if (found := getattr(module, definition["title"], None)) is not None
    )
    described = [_plain(inspect.getdoc(kind) or "")]
    documented = {name: _plain(text) for name, text in field_docstrings(kind).items()}
    if issubclass(kind, Enum):
        described += [f"{kind[name].value}: {text}" for name, text in documented.items()]
    else:
        names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
        for name, text in documented.items():
            schema = definition["properties"][names[name]]
            described_before = schema.pop("description", text)
            definition["properties"][names[name]] = {"description": described_before, **schema}
    definition["description"] = "\n".join(described)


def field_docstrings(kind: type) -> dict[str, str]:
    """The docstring under each field of a class, those of its bases among them."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not base.__module__.startswith("edge_irdet."):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, following in zip(definition.body, definition.body[1:], strict=False):
            target = _field_name(statement)
            if target and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                found[target] = inspect.cleandoc(str(following.value.value))
    return found


def _field_name(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _plain(text: str) -> str:
    """A docstring without its markup, a line for each paragraph."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", text)
    paragraphs = re.split(r"\n\s*\n", text.replace("``", ""))
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
