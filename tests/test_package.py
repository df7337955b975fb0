from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import (
    ManifestInvalidError,
    PackageHashError,
    PackageMissingError,
    PrecisionMissingError,
    SchemaNewerError,
)
from edge_irdet.package import (
    MANIFEST_NAME,
    SHIPPED_PACKAGES,
    InputSpec,
    Manifest,
    NmsRule,
    Package,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    encode_manifest,
    file_sha256,
    open_package,
    shipped_packages,
)


def manifest_values(folder: Path) -> dict[str, object]:
    (folder / "model.onnx").write_bytes(b"graph")
    return {
        "schema": 1,
        "name": "test",
        "variant": "light-sgmtlm-reduced",
        "classes": ["target"],
        "parameters": 5,
        "input": {"name": "image", "width": 64, "height": 32, "channels": 1, "dtype": "uint8"},
        "outputs": [{"name": "boxes", "shape": [1, 6, 4]}],
        "preprocess": {},
        "postprocess": {},
        "strides": [8, 16, 32],
        "anchors": [[[1.0, 2.0]]],
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
    assert package.graph_path() == tmp_path / "model.onnx"


def test_an_altered_graph_is_refused_with_both_hashes(tmp_path: Path) -> None:
    package = Package(written(tmp_path))
    stated = package.manifest.graphs[Precision.FP32].sha256
    (tmp_path / "model.onnx").write_bytes(b"altered")
    with pytest.raises(PackageHashError) as caught:
        package.graph_path()
    assert stated in caught.value.what
    assert file_sha256(tmp_path / "model.onnx") in caught.value.what


def test_an_absent_graph_is_refused(tmp_path: Path) -> None:
    package = Package(written(tmp_path))
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(PackageHashError, match="no file"):
        package.graph_path()


def test_a_precision_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(PrecisionMissingError, match="fp32"):
        Package(written(tmp_path)).graph_path(Precision.INT8)


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


@given(
    st.builds(
        PostprocessSpec,
        score_threshold=st.floats(0, 1),
        nms=st.sampled_from(list(NmsRule)),
        nms_limit=st.floats(0.01, 100),
        max_detections=st.integers(1, 10**6),
    ),
    st.lists(st.text(min_size=1), min_size=1),
)
def test_manifests_survive_a_round_trip(postprocess: PostprocessSpec, classes: list[str]) -> None:
    manifest = Manifest(
        schema=1,
        name="n",
        variant="v",
        classes=classes,
        parameters=1,
        input=InputSpec("image", 1, 1, 1, "uint8"),
        outputs=[],
        preprocess=PreprocessSpec(),
        postprocess=postprocess,
        strides=[8],
        anchors=[],
        graphs={},
    )
    assert msgspec.json.decode(encode_manifest(manifest), type=Manifest) == manifest
