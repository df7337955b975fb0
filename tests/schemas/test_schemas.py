"""The shipped JSON Schemas: current, described, and met by what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

jsonschema = pytest.importorskip("jsonschema")

from edge_irdet.errors import RecordInvalidError
from edge_irdet.package import MANIFEST_NAME, SHIPPED_PACKAGES, Manifest, shipped_packages
from edge_irdet.record import DetectionRecord, Record, TrackRecord, TrackState, decode_record, encode_record
from edge_irdet.schemas.generation import FOLDER, schema_files

RECORD = Record(
    source="synthetic:",
    sequence=3,
    capture_ns=1,
    emit_ns=2,
    width=64,
    height=48,
    pixel_format="GREY",
    dropped=0,
    skipped=0,
    discontinuity=False,
    detections=[DetectionRecord((1.0, 2.0, 3.0, 4.0), 0.5, 0, "target", (2.0, 3.0), None, 1)],
    tracks=[
        TrackRecord(1, TrackState.CONFIRMED, (2.0, 3.0), (0.0, 0.0), 0.3, (1.0, 2.0, 3.0, 4.0), 0, 0.5, 3, 0)
    ],
)


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def refused(content: dict[str, Any], name: str) -> bool:
    return not jsonschema.Draft202012Validator(schema(name)).is_valid(content)


def record_values(**changes: object) -> dict[str, Any]:
    return {**json.loads(encode_record(RECORD)), **changes}


@pytest.mark.parametrize("path", sorted(schema_files()), ids=lambda path: path.name)
def test_the_shipped_files_are_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == schema_files()[path], "run python -m edge_irdet.schemas"


def test_the_command_leaves_current_files_alone() -> None:
    before = {path: path.stat().st_mtime_ns for path in schema_files()}
    command = [sys.executable, "-m", "edge_irdet.schemas"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr
    assert {path: path.stat().st_mtime_ns for path in schema_files()} == before


@pytest.mark.parametrize("name", ["record", "manifest"])
def test_a_schema_is_one_and_describes_every_field(name: str) -> None:
    content = schema(name)
    jsonschema.Draft202012Validator.check_schema(content)
    for definition in content["$defs"].values():
        assert definition["description"]
        for field, values in definition.get("properties", {}).items():
            assert values.get("description"), f"{definition['title']}.{field}"
            assert "`" not in values["description"]


def test_records_meet_their_schema() -> None:
    jsonschema.validate(record_values(), schema("record"))
    bare = msgspec.structs.replace(RECORD, detections=[], tracks=None)
    jsonschema.validate(json.loads(encode_record(bare)), schema("record"))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 3},
        {"detections": None},
        {"detections": [{"box": [1, 2, 3]}]},
        {"sequence": "3"},
        {"dropped": -1},
        {"unheard_of": 1},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(change: dict[str, Any]) -> None:
    assert refused(record_values(**change), "record")
    with pytest.raises(RecordInvalidError):
        decode_record(json.dumps(record_values(**change)))


@pytest.mark.parametrize("name", shipped_packages())
def test_shipped_manifests_meet_their_schema(name: str) -> None:
    content = json.loads((SHIPPED_PACKAGES / name / MANIFEST_NAME).read_bytes())
    jsonschema.validate(content, schema("manifest"))


@pytest.mark.parametrize(
    ("part", "accepted"),
    [
        ("", False),
        ("preprocess", False),
        ("postprocess", False),
        ("training", True),
        ("operating_point", True),
    ],
)
def test_the_schema_treats_unknown_fields_as_the_reader_does(part: str, accepted: bool) -> None:
    content = json.loads((SHIPPED_PACKAGES / shipped_packages()[0] / MANIFEST_NAME).read_bytes())
    (content[part] if part else content)["newer"] = 1
    assert refused(content, "manifest") is not accepted
    if accepted:
        msgspec.json.decode(json.dumps(content), type=Manifest)
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(content), type=Manifest)
