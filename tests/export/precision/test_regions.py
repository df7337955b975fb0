from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest
from onnx import helper

from edge_irdet.errors import PrecisionConversionError
from edge_irdet.export.precision.regions import find_regions, with_named_nodes

DetectorGraph = Callable[..., onnx.ModelProto]


def test_every_node_is_in_one_region(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    regions = find_regions(model)
    assert regions.head == ("/Cast", "/Mul")
    assert regions.tail == ("/Reshape", "/Sigmoid", "/Mul_1", "/Add")
    assert regions.convolutions == ("/network/backbone/first/Conv", "/network/neck/second/Conv")
    assert regions.final_convolutions == ("/network/det/Conv",)
    assert sorted((*regions.head, *regions.network, *regions.tail)) == sorted(
        node.name for node in model.graph.node
    )


def test_nodes_get_unique_names_and_constants_become_initializers(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    for node in model.graph.node:
        node.name = ""
    tensor = next(item for item in model.graph.initializer if item.name == "zero")
    model.graph.initializer.remove(tensor)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["zero"], value=tensor))
    named = with_named_nodes(model)
    names = [node.name for node in named.graph.node]
    assert len(set(names)) == len(names) == 13
    assert all(names)
    assert "zero" in {item.name for item in named.graph.initializer}
    assert any(node.op_type == "Constant" for node in model.graph.node)  # the given graph is as it was


def test_a_constant_of_text(detector_graph: DetectorGraph) -> None:
    model = detector_graph()
    model.graph.node.insert(0, helper.make_node("Constant", [], ["text"], "/text", value_string="a"))
    with pytest.raises(PrecisionConversionError, match="value_string"):
        with_named_nodes(model)
