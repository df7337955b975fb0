"""Graphs that load values from outside of themselves are refused wherever a package is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from google.protobuf.descriptor import Descriptor
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

import edge_irdet.graph_content as graph_content
from doubles.file_hashes import file_sha256
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import GraphRefusedError
from edge_irdet.graph_content import require_self_contained
from edge_irdet.intake import ContentRefusedError
from edge_irdet.package import (
    MANIFEST_NAME,
    SHIPPED_PACKAGES,
    Package,
    Precision,
    open_package,
    shipped_packages,
)
from edge_irdet.package_verification import verify_package


def tensor(outside: bool) -> TensorProto:
    made = numpy_helper.from_array(np.ones(4, np.float32), "weights")
    if outside:
        set_external_data(made, "w.bin", offset=0, length=16)
        made.ClearField("raw_data")
    return made


def model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def in_initializer(value: TensorProto) -> onnx.ModelProto:
    return model(helper.make_graph([], "g", [], [], [value]))


def in_constant(value: TensorProto) -> onnx.ModelProto:
    return model(helper.make_graph([helper.make_node("Constant", [], ["c"], value=value)], "g", [], []))


def in_branch(value: TensorProto) -> onnx.ModelProto:
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=value)], "inner", [], [])
    node = helper.make_node("If", ["condition"], ["x"], then_branch=inner, else_branch=inner)
    return model(helper.make_graph([node], "g", [], []))


def in_sparse(value: TensorProto) -> onnx.ModelProto:
    made = model(helper.make_graph([], "g", [], []))
    made.graph.sparse_initializer.add().values.CopyFrom(value)
    return made


def in_function(value: TensorProto) -> onnx.ModelProto:
    made = model(helper.make_graph([], "g", [], []))
    node = helper.make_node("Constant", [], ["c"], value=value)
    made.functions.append(helper.make_function("d", "f", [], ["c"], [node], [helper.make_opsetid("", 17)]))
    return made


def in_tensor_list(value: TensorProto) -> onnx.ModelProto:
    node = helper.make_node("Any", [], ["c"])
    attribute = node.attribute.add()
    attribute.name, attribute.type = "list", onnx.AttributeProto.TENSORS
    attribute.tensors.append(value)
    return model(helper.make_graph([node], "g", [], []))


PLACES = [in_initializer, in_constant, in_branch, in_sparse, in_function, in_tensor_list]


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_found_wherever_a_tensor_may_stand(
    place: Callable[[TensorProto], onnx.ModelProto],
) -> None:
    require_self_contained(place(tensor(outside=False)).SerializeToString())
    with pytest.raises(ContentRefusedError, match="external data"):
        require_self_contained(place(tensor(outside=True)).SerializeToString())


def test_a_location_without_its_mark_is_external_all_the_same() -> None:
    made = tensor(outside=True)
    made.data_location = TensorProto.DEFAULT
    with pytest.raises(ContentRefusedError, match="external data"):
        require_self_contained(in_initializer(made).SerializeToString())


def test_every_way_from_a_model_to_a_tensor_is_walked() -> None:
    """The table of fields against the schema of the onnx that is installed."""
    ways: dict[str, dict[int, str]] = {}
    names = {
        "ModelProto": "model",
        "TrainingInfoProto": "training",
        "GraphProto": "graph",
        "FunctionProto": "function",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "SparseTensorProto": "sparse",
        "TensorProto": "tensor",
    }

    def leads_to_tensor(kind: Descriptor, seen: frozenset[str]) -> bool:
        if kind.name == "TensorProto":
            return True
        return kind.name not in seen and any(
            leads_to_tensor(field.message_type, seen | {kind.name})
            for field in kind.fields
            if field.message_type is not None
        )

    def walk(kind: Descriptor) -> None:
        if names[kind.name] in ways:
            return
        children = [
            field
            for field in kind.fields
            if field.message_type is not None and leads_to_tensor(field.message_type, frozenset())
        ]
        ways[names[kind.name]] = {field.number: names[field.message_type.name] for field in children}
        for field in children:
            walk(field.message_type)

    walk(onnx.ModelProto.DESCRIPTOR)
    assert ways == graph_content._CHILDREN
    fields = TensorProto.DESCRIPTOR.fields_by_name
    assert fields["external_data"].number == graph_content._EXTERNAL_DATA
    assert fields["data_location"].number == graph_content._DATA_LOCATION


@pytest.mark.parametrize(
    "content",
    [b"no graph", b"\xff" * 20, b"\x3a\xff\x7f", b"\x3b\x3b", b"\x08"],
    ids=["text", "endless number", "longer than the file", "group", "tag alone"],
)
def test_bytes_that_are_not_fields_are_refused(content: bytes) -> None:
    with pytest.raises(ContentRefusedError, match="not an ONNX graph"):
        require_self_contained(content)


def test_nesting_and_number_of_fields_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = b""
    for _ in range(100):  # a graph in an attribute of a node of a graph
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            inner = tag + _varint(len(inner)) + inner
    with pytest.raises(ContentRefusedError, match="deep"):
        require_self_contained(b"\x3a" + _varint(len(inner)) + inner)
    monkeypatch.setattr(graph_content, "MAX_FIELDS", 100)
    with pytest.raises(ContentRefusedError, match="fields"):
        require_self_contained(b"\x08\x08" * 101)


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def test_shipped_graphs_hold_all_their_values() -> None:
    for name in shipped_packages():
        package = open_package(name)
        for precision in package.manifest.graphs:
            package.read_graph(precision)


@pytest.fixture
def outside(tmp_path: Path) -> Package:
    """A shipped package whose FP32 graph has its weights in ``w.bin``, and the right hash."""
    folder = tmp_path / "outside"
    shutil.copytree(SHIPPED_PACKAGES / "light-sgmtlm-reduced", folder)
    graph = onnx.load(str(folder / "model.onnx"))
    (folder / "model.onnx").unlink()
    onnx.save(
        graph, str(folder / "model.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0
    )
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["graphs"]["fp32"]["sha256"] = file_sha256(folder / "model.onnx")
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest))
    return Package(folder)


def test_a_detector_refuses_a_graph_whose_weights_lie_outside(outside: Package) -> None:
    detector = Detector(outside, DetectorConfig(runtime="cpu", threads=1))
    with pytest.raises(GraphRefusedError, match="external data"):
        detector.__enter__()


def test_verification_refuses_it(outside: Package) -> None:
    with pytest.raises(GraphRefusedError, match="external data"):
        verify_package(outside)


def test_calibration_refuses_it(outside: Package) -> None:
    pytest.importorskip("torch")
    from edge_irdet.export.precision.calibration import _fp32_graph

    with pytest.raises(GraphRefusedError, match="external data"):
        _fp32_graph(outside)


def test_the_identity_of_an_engine_is_refused(outside: Package) -> None:
    for _ in range(2):
        with pytest.raises(GraphRefusedError, match="external data"):
            outside.graph_sha256(Precision.FP32)


def test_a_graph_that_is_no_file_is_refused(outside: Package) -> None:
    (outside.directory / "model.onnx").unlink()
    (outside.directory / "model.onnx").mkdir()
    with pytest.raises(GraphRefusedError, match="folder"):
        outside.read_graph()


def test_a_graph_is_not_larger_than_is_read(outside: Package) -> None:
    with (outside.directory / "model.onnx").open("r+b") as handle:
        handle.truncate(graph_content.MAX_GRAPH_BYTES + 1)  # takes no space
    with pytest.raises(GraphRefusedError, match="more than"):
        outside.read_graph()
