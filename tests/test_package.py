from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge_irdet.package as package
from doubles.file_hashes import file_sha256
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import (
    ManifestInvalidError,
    PackageHashError,
    PackageMissingError,
    PrecisionMissingError,
    SchemaNewerError,
)
from edge_irdet.intake import read_regular_file
from edge_irdet.package import (
    MANIFEST_NAME,
    SHIPPED_PACKAGES,
    InputSpec,
    Manifest,
    NmsRule,
    OutputSpec,
    Package,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    encode_manifest,
    open_package,
    shipped_packages,
)
from edge_irdet.provenance import Division, GateFigures, OperatingPoint

GRAPH = b"\x08\x08\x12\x04test"
"""A serialised ONNX model without a graph: IR version 8, made by ``test``."""


def manifest_values(folder: Path) -> dict[str, object]:
    (folder / "model.onnx").write_bytes(GRAPH)
    return {
        "schema": 1,
        "name": "test",
        "variant": "light-sgmtlm-reduced",
        "classes": ["target"],
        "parameters": 5,
        "input": {"name": "image", "width": 64, "height": 32, "channels": 1, "dtype": "uint8"},
        "outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 6, 1]}],
        "preprocess": {},
        "postprocess": {},
        "strides": [8, 16, 32],
        "anchors": [[[1.0, 2.0]]] * 3,
        "graphs": {"fp32": {"file": "model.onnx", "sha256": file_sha256(folder / "model.onnx")}},
    }


def written(folder: Path, **changes: object) -> Path:
    (folder / MANIFEST_NAME).write_text(json.dumps({**manifest_values(folder), **changes}))
    return folder


def test_a_package_opens_and_checks_its_graph(tmp_path: Path) -> None:
    package = Package(written(tmp_path))
    assert package.manifest.classes == ["target"]
    assert package.manifest.preprocess.pad_value == 114
    assert package.manifest.preprocess.sixteen_bit is None, "nothing maps 16 bits silently"
    assert package.read_graph() == GRAPH
    assert package.manifest_sha256 == file_sha256(tmp_path / MANIFEST_NAME)


def test_an_altered_graph_is_refused_with_both_hashes(tmp_path: Path) -> None:
    package = Package(written(tmp_path))
    stated = package.manifest.graphs[Precision.FP32].sha256
    (tmp_path / "model.onnx").write_bytes(b"altered")
    with pytest.raises(PackageHashError) as caught:
        package.read_graph()
    assert stated in caught.value.what
    assert file_sha256(tmp_path / "model.onnx") in caught.value.what


def test_an_absent_graph_is_refused(tmp_path: Path) -> None:
    package = Package(written(tmp_path))
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(PackageHashError, match="not there"):
        package.read_graph()


def test_a_precision_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PrecisionMissingError, match="fp32"):
        Package(written(tmp_path)).read_graph(Precision.INT8)


@pytest.mark.parametrize("more", [{}, {"classes": 7, "unheard_of": True}])
def test_a_newer_schema_asks_for_an_update_whatever_else_it_holds(
    tmp_path: Path, more: dict[str, object]
) -> None:
    with pytest.raises(SchemaNewerError, match="schema 2"):
        Package(written(tmp_path, schema=2, **more))


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "target"},
        {"classes": []},
        {"graphs": {}},
        {"graphs": {"fp32": {"file": "model.onnx", "sha256": "12"}}},
        {"graphs": {"fp32": {"file": "../model.onnx", "sha256": "0" * 64}}},
        {"graphs": {"fp7": {"file": "model.onnx", "sha256": "0" * 64}}},
        {"unheard_of": 1},
        {"schema": 0},
        {"schema": "one"},
        {"postprocess": {"score_threshold": 1.5}},
        {"postprocess": {"nms": "soft"}},
        {"preprocess": {"pad_value": 300}},
        {"input": None},
        {"classes": ["target", "target"]},
        {"classes": ["x" * 300]},
        {"classes": ["\x1b[2J"]},
        {"name": "n" * 1_000_000},
        {"graphs": {"fp32": {"file": "m" * 300, "sha256": "0" * 64}}},
        {"input": {"name": "image", "width": 2**40, "height": 32, "channels": 1, "dtype": "uint8"}},
        {"input": {"name": "image", "width": 32, "height": 16385, "channels": 1, "dtype": "uint8"}},
        {"outputs": []},
        {"outputs": [{"name": "scores", "shape": [1, 6, 1]}]},
        {"outputs": [{"name": "boxes", "shape": [1, 6, 4]}]},
        {"outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 7, 1]}]},
        {"outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 6, 2]}]},
        {"outputs": [{"name": "boxes", "shape": [6, 4]}, {"name": "scores", "shape": [1, 6, 1]}]},
        {"outputs": [{"name": "boxes", "shape": [1, 2**40, 4]}, {"name": "scores", "shape": [1, 2**40, 1]}]},
        {"postprocess": {"nms": "iou", "nms_limit": 1.5}},
        {"postprocess": {"nms": "nwd", "nms_limit": 3.0}},
        {"preprocess": {"sixteen_bit": {"mapping": "linear-percentile", "low": 150.0, "high": 10.0}}},
        {"preprocess": {"sixteen_bit": {"mapping": "plateau", "low": 0.5, "high": 150.0}}},
        {"preprocess": {"sixteen_bit": {"mapping": "fixed-range", "low": 900.0, "high": 900.0}}},
        {"strides": [8, 16]},
        {"anchors": [[[1.0, 2.0]], [[0.0, 2.0]], [[1.0, 2.0]]]},
        {"anchors": [[[1.0]], [[1.0, 2.0]], [[1.0, 2.0]]]},
    ],
)
def test_an_invalid_manifest_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ManifestInvalidError) as caught:
        Package(written(tmp_path, **change))
    assert str(tmp_path) in caught.value.what


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null"])
def test_a_manifest_that_is_no_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(ManifestInvalidError):
        Package(tmp_path)


def test_a_manifest_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    place = written(tmp_path, training={"config": {"x": "@"}}) / MANIFEST_NAME
    place.write_text(place.read_text().replace('"@"', "[" * 100_000 + "]" * 100_000))
    with pytest.raises(ManifestInvalidError, match="levels deep"):
        Package(tmp_path)


def test_a_manifest_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MANIFEST_NAME)
    with pytest.raises(ManifestInvalidError, match="pipe"):
        Package(tmp_path)


def test_a_missing_package_names_the_shipped_ones(tmp_path: Path) -> None:
    for wrong in (tmp_path / "none", tmp_path):
        with pytest.raises(PackageMissingError):
            open_package(wrong)
    with pytest.raises(PackageMissingError):
        open_package("no-such-package")


def test_every_shipped_package_is_whole() -> None:
    assert "light-sgmtlm-reduced" in shipped_packages()
    for name in shipped_packages():
        package = open_package(name)
        for precision in package.manifest.graphs:
            assert package.graph_path(precision).parent == SHIPPED_PACKAGES / name
            content = package.read_graph(precision)
            assert hashlib.sha256(content).hexdigest() == package.graph_sha256(precision)


@pytest.mark.parametrize("name", shipped_packages())
def test_a_shipped_manifest_is_written_again_byte_for_byte(name: str) -> None:
    written_before = (SHIPPED_PACKAGES / name / MANIFEST_NAME).read_bytes()
    assert encode_manifest(open_package(name).manifest) == written_before


def test_what_tells_where_a_package_comes_from_is_typed(tmp_path: Path) -> None:
    told = {
        "training_data": [
            {"name": "n", "split": "s", "images": 3, "licence": "CC0-1.0", "masks": "boxes", "newer": 1}
        ],
        "training": {"config": {"split_seed": 4, "validation_fraction": 0.2}, "epoch": 3, "newer": {}},
        "operating_point": {"rule": "r", "found_within_5_px": 0.5, "false_alarms": 2, "newer": []},
        "metrics": {
            "fp32": {"dataset": "d", "map50": 0.5, "iou": None, "newer": None},
            "int8": {"gate": {"passed": True, "int8": {"pd": 1.0}, "newer": 1}, "recipe": {"any": [1]}},
        },
    }
    manifest = Package(written(tmp_path, **told)).manifest
    assert manifest.training.epoch == 3
    assert manifest.training.division == Division(validation_fraction=0.2, split_seed=4)
    assert (manifest.operating_point.found_within_5_px, manifest.operating_point.false_alarms) == (0.5, 2)
    assert manifest.metrics[Precision.FP32].map50 == 0.5
    assert manifest.metrics[Precision.FP32].iou is None, "null and absent mean the same"
    gate = manifest.metrics[Precision.INT8].gate
    assert gate is not None
    assert gate.passed is True
    assert gate.int8 == GateFigures(pd=1.0)
    assert manifest.metrics[Precision.INT8].recipe == {"any": [1]}
    assert msgspec.json.decode(encode_manifest(manifest), type=Manifest) == manifest


def test_a_manifest_that_tells_nothing_opens(tmp_path: Path) -> None:
    manifest = Package(written(tmp_path, operating_point={}, training={}, metrics={})).manifest
    assert manifest.operating_point == OperatingPoint()
    assert manifest.training.division == Division()
    assert manifest == Package(written(tmp_path)).manifest


def test_a_division_in_a_form_of_its_own_is_not_taken(tmp_path: Path) -> None:
    config = {"validation_fraction": "a fifth", "split_seed": 4}
    assert Package(written(tmp_path, training={"config": config})).manifest.training.division == Division()


@pytest.mark.parametrize("part", ["preprocess", "postprocess", "input"])
def test_an_unknown_field_that_could_change_detections_is_refused(tmp_path: Path, part: str) -> None:
    values = manifest_values(tmp_path)[part]
    assert isinstance(values, dict)
    with pytest.raises(ManifestInvalidError, match="newer") as caught:
        Package(written(tmp_path, **{part: {**values, "newer": 1}}))
    assert "install" in caught.value.next_step


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that packages read, in turn."""
    names: list[str] = []

    def counted(path: Path, limit: int) -> bytes:
        names.append(path.name)
        return read_regular_file(path, limit)

    monkeypatch.setattr(package, "read_regular_file", counted)
    return names


def test_a_graph_is_checked_once_and_again_when_it_has_changed(tmp_path: Path, read: list[str]) -> None:
    opened = Package(written(tmp_path))
    graph, stated = tmp_path / "model.onnx", opened.manifest.graphs[Precision.FP32].sha256
    assert opened.graph_sha256() == opened.graph_sha256() == stated
    assert read == [MANIFEST_NAME, "model.onnx"]
    stat = graph.stat()
    graph.write_bytes(b"x" * len(GRAPH))  # as long as before
    os.utime(graph, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    with pytest.raises(PackageHashError):
        opened.graph_sha256()
    replacement = tmp_path / "replacement"
    replacement.write_bytes(GRAPH)
    os.utime(replacement, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    replacement.replace(graph)
    read.clear()
    assert opened.graph_sha256() == stated
    assert read == ["model.onnx"], "another file with the same size and time"
    graph.unlink()
    with pytest.raises(PackageHashError, match="not there"):
        opened.graph_sha256()


def test_a_start_reads_its_graph_once_and_runs_those_bytes(read: list[str]) -> None:
    with Detector("light-sgmtlm-reduced", DetectorConfig(threads=1, runtime="cpu")) as detector:
        assert read == [MANIFEST_NAME, "model.onnx"]
        detector.detect(np.full((8, 8), 7, np.uint8))
    assert read == [MANIFEST_NAME, "model.onnx"]


def test_a_graph_that_changes_between_the_check_and_the_use_is_not_run(tmp_path: Path) -> None:
    held = tmp_path / "held"
    shutil.copytree(SHIPPED_PACKAGES / "light-sgmtlm-reduced", held)
    detector = Detector(held, DetectorConfig(threads=1, runtime="cpu"))
    shutil.copy(SHIPPED_PACKAGES / "light-sgmtlm-reduced-general" / "model.onnx", held / "model.onnx")
    with pytest.raises(PackageHashError):
        detector.__enter__()


@given(
    st.builds(
        PostprocessSpec,
        score_threshold=st.floats(0, 1),
        nms=st.sampled_from(list(NmsRule)),
        nms_limit=st.floats(0.01, 1),
        max_detections=st.integers(1, 10**6),
    ),
    st.lists(st.text(min_size=1, max_size=20).filter(str.isprintable), min_size=1, unique=True),
)
def test_manifests_survive_a_round_trip(postprocess: PostprocessSpec, classes: list[str]) -> None:
    manifest = Manifest(
        schema=1,
        name="n",
        variant="v",
        classes=classes,
        parameters=1,
        input=InputSpec("image", 1, 1, 1, "uint8"),
        outputs=[OutputSpec("boxes", [1, 5, 4]), OutputSpec("scores", [1, 5, len(classes)])],
        preprocess=PreprocessSpec(),
        postprocess=postprocess,
        strides=[8],
        anchors=[[[1.0, 2.0]]],
        graphs={},
    )
    assert msgspec.json.decode(encode_manifest(manifest), type=Manifest) == manifest
