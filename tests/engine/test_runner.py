from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper

from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner import TensorSpec
from edge_irdet.errors import RunnerError


@pytest.fixture
def doubling_graph() -> bytes:
    """image uint8 [1, 1, 2, 3] -> doubled float [1, 1, 2, 3]."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["float", "float"], ["doubled"]),
    ]
    graph = helper.make_graph(
        nodes,
        "doubling",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, 2, 3])],
        [helper.make_tensor_value_info("doubled", TensorProto.FLOAT, [1, 1, 2, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


IMAGE = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3)


def test_arrays_by_name_in_and_out(doubling_graph: bytes) -> None:
    with CpuRunner(doubling_graph, threads=1) as runner:
        assert runner.inputs == {"image": TensorSpec.of((1, 1, 2, 3), np.uint8)}
        assert runner.outputs == {"doubled": TensorSpec.of((1, 1, 2, 3), np.float32)}
        first = runner.infer({"image": IMAGE})["doubled"]
        np.testing.assert_array_equal(first, IMAGE * 2.0)
        second = runner.infer({"image": IMAGE + np.uint8(1)})["doubled"]
        assert second is first, "outputs are allocated once"
        np.testing.assert_array_equal(second, IMAGE * 2.0 + 2)


@pytest.mark.parametrize(
    "feeds",
    [
        {},
        {"picture": IMAGE},
        {"image": IMAGE.astype(np.float32)},
        {"image": IMAGE[0]},
        {"image": IMAGE, "more": IMAGE},
        {"image": np.zeros((1, 1, 3, 2), np.uint8).transpose(0, 1, 3, 2)},
    ],
    ids=["nothing", "other name", "other dtype", "other shape", "too many", "not contiguous"],
)
def test_wrong_feeds_are_refused(doubling_graph: bytes, feeds: dict[str, np.ndarray]) -> None:
    with CpuRunner(doubling_graph, threads=1) as runner, pytest.raises(RunnerError):
        runner.infer(feeds)


def test_order_is_checked(doubling_graph: bytes) -> None:
    runner = CpuRunner(doubling_graph, threads=1)
    with pytest.raises(RunnerError, match="activate"):
        runner.infer({"image": IMAGE})
    with runner, pytest.raises(RunnerError, match="active already"):
        runner.activate()
    runner.deactivate()
    with pytest.raises(RunnerError):
        runner.infer({"image": IMAGE})
    with runner:  # and may be used again
        runner.infer({"image": IMAGE})


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x08\x12"])
def test_bytes_that_are_no_graph_are_refused(content: bytes) -> None:
    with pytest.raises(RunnerError, match=r"model\.onnx"):
        CpuRunner(content, origin="model.onnx").activate()


def test_a_dynamic_shape_is_refused() -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["image"], ["out"])],
        "dynamic",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(RunnerError, match="static"):
        CpuRunner(model.SerializeToString()).activate()
