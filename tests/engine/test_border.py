"""Graphs whose inputs or outputs are not what the manifest says: refused at activation, by every runner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper

from doubles.file_hashes import file_sha256
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.detection.nms import select_detections
from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.engine.torch_runner import TorchRunner
from edge_irdet.errors import ManifestInvalidError, RunnerError
from edge_irdet.package import MANIFEST_NAME, PostprocessSpec, open_package

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
Tensors = dict[str, tuple[int, list[int]]]

RIGHT: Tensors = {"boxes": (FLOAT, [1, 6, 4]), "scores": (FLOAT, [1, 6, 2])}
IMAGE: Tensors = {"image": (UINT8, [1, 1, 8, 8])}


def graph_of(outputs: Tensors, inputs: Tensors = IMAGE, fill: float = 0.0) -> bytes:
    """A graph that gives constants of these shapes, whatever it is fed."""
    nodes, constants = [], []
    for name, (kind, shape) in outputs.items():
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        constants.append(onnx.numpy_helper.from_array(np.full(shape, fill, dtype), f"{name}_value"))
        nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
    graph = helper.make_graph(
        nodes,
        "constants",
        [helper.make_tensor_value_info(name, *tensor) for name, tensor in inputs.items()],
        [helper.make_tensor_value_info(name, *tensor) for name, tensor in outputs.items()],
        constants,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def package_of(folder: Path, content: bytes, **changes: object) -> Path:
    (folder / "model.onnx").write_bytes(content)
    manifest = {
        "schema": 1,
        "name": "test",
        "variant": "test",
        "classes": ["drone", "bird"],
        "parameters": 1,
        "input": {"name": "image", "width": 8, "height": 8, "channels": 1, "dtype": "uint8"},
        "outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 6, 2]}],
        "preprocess": {},
        "postprocess": {},
        "strides": [8],
        "anchors": [[[4.0, 4.0]]],
        "graphs": {"fp32": {"file": "model.onnx", "sha256": file_sha256(folder / "model.onnx")}},
    }
    (folder / MANIFEST_NAME).write_text(json.dumps({**manifest, **changes}))
    return folder


def test_a_graph_as_stated_detects(tmp_path: Path) -> None:
    config = DetectorConfig(runtime="cpu", threads=1, score_threshold=0.4)
    with Detector(package_of(tmp_path, graph_of(RIGHT, fill=0.5)), config) as detector:
        assert len(detector.detect(np.zeros((8, 8), np.uint8)))


OTHERS: dict[str, Tensors] = {
    "three columns": {**RIGHT, "boxes": (FLOAT, [1, 6, 3])},
    "five columns": {**RIGHT, "boxes": (FLOAT, [1, 6, 5])},
    "more boxes than scores": {**RIGHT, "boxes": (FLOAT, [1, 7, 4])},
    "another number of both": {"boxes": (FLOAT, [1, 7, 4]), "scores": (FLOAT, [1, 7, 2])},
    "rank 1": {**RIGHT, "scores": (FLOAT, [6])},
    "rank 2": {**RIGHT, "boxes": (FLOAT, [6, 4])},
    "no scores": {"boxes": RIGHT["boxes"]},
    "another name": {"boxes": RIGHT["boxes"], "score": RIGHT["scores"]},
    "more classes": {**RIGHT, "scores": (FLOAT, [1, 6, 3])},
    "fewer classes": {**RIGHT, "scores": (FLOAT, [1, 6, 1])},
    "whole numbers": {**RIGHT, "boxes": (TensorProto.INT64, [1, 6, 4])},
    "bytes": {**RIGHT, "scores": (UINT8, [1, 6, 2])},
    "halves": {**RIGHT, "scores": (TensorProto.FLOAT16, [1, 6, 2])},
    "an output too many": {**RIGHT, "saliency": (FLOAT, [1, 1, 8, 8])},
    "two frames at once": {"boxes": (FLOAT, [2, 6, 4]), "scores": (FLOAT, [2, 6, 2])},
}


@pytest.mark.parametrize("outputs", OTHERS.values(), ids=OTHERS)
def test_other_outputs_are_refused_by_the_cpu_runner(tmp_path: Path, outputs: Tensors) -> None:
    detector = Detector(package_of(tmp_path, graph_of(outputs)), DetectorConfig(runtime="cpu", threads=1))
    with pytest.raises(RunnerError, match=r"model\.onnx"):
        detector.runner.activate()
    with pytest.raises(RunnerError, match="not active"):
        detector.detect(np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize(
    "inputs",
    [
        {"picture": (UINT8, [1, 1, 8, 8])},
        {"image": (UINT8, [1, 3, 8, 8])},
        {"image": (UINT8, [1, 1, 8, 9])},
        {"image": (FLOAT, [1, 1, 8, 8])},
        {**IMAGE, "more": (UINT8, [1])},
        {},
    ],
    ids=["another name", "three channels", "another size", "another dtype", "one more", "none"],
)
def test_other_inputs_are_refused_by_the_cpu_runner(tmp_path: Path, inputs: Tensors) -> None:
    detector = Detector(
        package_of(tmp_path, graph_of(RIGHT, inputs)), DetectorConfig(runtime="cpu", threads=1)
    )
    with pytest.raises(RunnerError):
        detector.__enter__()


def test_nothing_of_the_size_that_a_graph_states_is_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = helper.make_graph(
        [helper.make_node("Cast", ["image"], ["boxes"], to=FLOAT)],
        "huge",
        [helper.make_tensor_value_info("image", UINT8, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("boxes", FLOAT, None)],
    )
    for size in (2**40,):
        huge.output[0].type.tensor_type.shape.dim.add().dim_value = size
    model = helper.make_model(huge, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    detector = Detector(
        package_of(tmp_path, model.SerializeToString()), DetectorConfig(runtime="cpu", threads=1)
    )
    monkeypatch.setattr(np, "zeros", lambda *arguments: pytest.fail("allocated"))
    with pytest.raises(RunnerError):
        detector.__enter__()


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([("boxes", [1, 2**24, 4]), ("scores", [1, 2**24, 2])], None),
        ([("boxes", [1, 2**24 + 1, 4]), ("scores", [1, 2**24 + 1, 2])], "boxes"),
        ([("boxes", [1, 6, 4]), ("scores", [1, 6, 2]), ("extra", [2**20, 2**20])], "values"),
        ([("boxes", [1, 6, 4]), ("scores", [1, 6, 2]), ("saliency", [1, 1, 16384, 16384])], "values"),
        ([("boxes", [1, 6, 4]), ("scores", [1, 6, 2]), ("x" * 300, [1])], "name"),
    ],
)
def test_a_manifest_bounds_what_is_allocated(
    tmp_path: Path, outputs: list[tuple[str, list[int]]], reason: str | None
) -> None:
    stated = [{"name": name, "shape": shape} for name, shape in outputs]
    folder = package_of(tmp_path, graph_of(RIGHT), outputs=stated)
    if reason is None:
        assert GraphBorder.of(open_package(folder).manifest).outputs["boxes"].shape == (1, 2**24, 4)
        return
    with pytest.raises(ManifestInvalidError, match=reason):
        open_package(folder)


@pytest.mark.parametrize("dtype", ["float32", "uint16", "", "x" * 100, "object"])
def test_an_input_of_another_dtype_is_no_manifest(tmp_path: Path, dtype: str) -> None:
    image = {"name": "image", "width": 8, "height": 8, "channels": 1, "dtype": dtype}
    with pytest.raises(ManifestInvalidError, match="uint8"):
        open_package(package_of(tmp_path, graph_of(RIGHT), input=image))


class HandedIn(Runner):
    """A runner of somebody's own: states one thing, and gives another where it is told to."""

    def __init__(self, stated: dict[str, TensorSpec], given: dict[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self._inputs = {"image": TensorSpec.of((1, 1, 8, 8), np.uint8)}
        self._outputs = stated
        self._given = given
        self.closed = 0

    @property
    def name(self) -> str:
        return "own"

    def _activate_impl(self) -> None: ...

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        return self._given

    def _deactivate_impl(self) -> None:
        self.closed += 1


STATED = {"boxes": TensorSpec.of((1, 6, 4), np.float32), "scores": TensorSpec.of((1, 6, 2), np.float32)}
GIVEN = {name: np.zeros(spec.shape, np.float32) for name, spec in STATED.items()}


def test_a_runner_that_is_handed_in_is_compared_too(tmp_path: Path) -> None:
    folder = package_of(tmp_path, graph_of(RIGHT))
    runner = HandedIn({**STATED, "boxes": TensorSpec.of((1, 7, 4), np.float32)}, GIVEN)
    with pytest.raises(RunnerError, match=r"float32 \[1, 7, 4\].*float32 \[1, 6, 4\]"):
        Detector(folder, runner=runner).__enter__()
    assert runner.closed == 1, "what was loaded is given back"


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": np.zeros((1, 7, 4), np.float32)},
        {"scores": np.zeros((6,), np.float32)},
        {"scores": np.zeros((1, 6, 2), np.float64)},
        {"scores": None},
    ],
)
def test_what_a_runner_gives_is_compared_with_what_it_stated(
    tmp_path: Path, change: dict[str, NDArray[np.float32] | None]
) -> None:
    given = {name: array for name, array in {**GIVEN, **change}.items() if array is not None}
    runner = HandedIn(STATED, given)
    with (
        Detector(package_of(tmp_path, graph_of(RIGHT)), runner=runner) as detector,
        pytest.raises(RunnerError, match="had stated"),
    ):
        detector.detect(np.zeros((8, 8), np.uint8))


def test_the_torch_runner_gives_what_it_stated() -> None:
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, image: object) -> tuple[object, object]:
            return torch.zeros(1, 7, 4), torch.zeros(1, 6, 2)

    image = {"image": np.zeros((1, 1, 8, 8), np.uint8)}
    with (
        TorchRunner(Module(), {"image": TensorSpec.of((1, 1, 8, 8), np.uint8)}, STATED) as runner,
        pytest.raises(RunnerError, match="'boxes'"),
    ):
        runner.infer(image)


@pytest.mark.parametrize(
    ("boxes", "scores"),
    [((7, 4), (6, 1)), ((6, 4), (7, 1)), ((6, 5), (6, 1)), ((6, 4), (6,)), ((24,), (6, 1))],
)
def test_boxes_without_their_scores_are_not_suppressed(
    boxes: tuple[int, ...], scores: tuple[int, ...]
) -> None:
    with pytest.raises(RunnerError, match="scores"):
        select_detections(np.zeros(boxes, np.float32), np.full(scores, 0.9, np.float32), PostprocessSpec())
