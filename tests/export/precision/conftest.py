from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from doubles.file_hashes import file_sha256
from edge_irdet.package import (
    GraphFile,
    InputSpec,
    Manifest,
    OutputSpec,
    Package,
    PostprocessSpec,
    Precision,
    PreprocessSpec,
    encode_manifest,
)

SIDE = 64
CELLS = SIDE * SIDE

DetectorGraph = Callable[..., onnx.ModelProto]


def blob_detector(outlier: float = 0.0) -> onnx.ModelProto:
    """A hand-made detector of bright 3x3 squares: a box about every pixel, scored by the blur there.

    Args:
        outlier: gain of a channel that the next convolution ignores. A large one spoils a scale that all
            channels of the tensor share, as outlier channels of trained networks do.
    """
    blur = np.full((3, 3), 1 / 9, np.float32)
    first = np.stack([blur * gain for gain in (8.0, 4.0, 2.0, outlier)])[:, None]
    second = np.array([[1, 1, 1, 0], [0.5, 1, 2, 0]], np.float32)[:, :, None, None]
    final = np.array([[1.0, 1.0]], np.float32)[:, :, None, None]
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    grid = np.stack((columns - 1, rows - 1, columns + 2, rows + 2), -1).reshape(1, CELLS, 4)
    constants = {
        "scale": np.float32(1 / 255),
        "first.weight": first,
        "first.bias": np.full(4, 0.1, np.float32),
        "second.weight": second,
        "second.bias": np.zeros(2, np.float32),
        "final.weight": final,
        "final.bias": np.array([-14.0], np.float32),
        "shape": np.array([1, CELLS, 1], np.int64),
        "zero": np.float32(0),
        "grid": grid,
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["cast"], "/Cast", to=TensorProto.FLOAT),
        node("Mul", ["cast", "scale"], ["scaled"], "/Mul"),
        node(
            "Conv",
            ["scaled", "first.weight", "first.bias"],
            ["a"],
            "/network/backbone/first/Conv",
            pads=[1] * 4,
        ),
        node("Sigmoid", ["a"], ["a.sigmoid"], "/network/backbone/first/Sigmoid"),
        node("Mul", ["a", "a.sigmoid"], ["a.silu"], "/network/backbone/first/Mul"),
        node("Conv", ["a.silu", "second.weight", "second.bias"], ["b"], "/network/neck/second/Conv"),
        node("Sigmoid", ["b"], ["b.sigmoid"], "/network/neck/second/Sigmoid"),
        node("Mul", ["b", "b.sigmoid"], ["b.silu"], "/network/neck/second/Mul"),
        node("Conv", ["b.silu", "final.weight", "final.bias"], ["logits"], "/network/det/Conv"),
        node("Reshape", ["logits", "shape"], ["flat"], "/Reshape"),
        node("Sigmoid", ["flat"], ["scores"], "/Sigmoid"),
        node("Mul", ["flat", "zero"], ["zeros"], "/Mul_1"),
        node("Add", ["zeros", "grid"], ["boxes"], "/Add"),
    ]
    graph = helper.make_graph(
        nodes,
        "blob_detector",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 1, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, CELLS, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, CELLS, 1]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def scene(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A dim sky with two 3x3 targets, and their mask."""
    generator = np.random.default_rng(index)
    image = generator.integers(20, 60, (SIDE, SIDE)).astype(np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for left in (8, 40):
        row, column = generator.integers(4, 20), left + generator.integers(0, 12)
        mask[row : row + 3, column : column + 3] = 255
        image[row : row + 3, column : column + 3] = generator.integers(220, 256)
    return image, mask


@pytest.fixture
def detector_graph() -> DetectorGraph:
    return blob_detector


@pytest.fixture(scope="session")
def scenes() -> list[NDArray[np.uint8]]:
    """Network inputs [1, 1, 64, 64]."""
    return [scene(index)[0][None, None] for index in range(12)]


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 labelled scenes in the mask layout, 48 of them in train.txt and the rest in test.txt."""
    root = tmp_path_factory.mktemp("scenes")
    for folder in ("images", "masks", "splits"):
        (root / folder).mkdir()
    names = [f"scene_{index:02}" for index in range(60)]
    for index, name in enumerate(names):
        for folder, image in zip(("images", "masks"), scene(index), strict=True):
            cv2.imwrite(str(root / folder / f"{name}.png"), image)
    (root / "splits" / "train.txt").write_text("\n".join(names[:48]))
    (root / "splits" / "test.txt").write_text("\n".join(names[48:]))
    (root / "splits" / "one.txt").write_text(names[0])
    return root


@pytest.fixture
def make_package(tmp_path: Path) -> Callable[[onnx.ModelProto], Package]:
    """Writes a package around a graph."""

    def make(graph: onnx.ModelProto) -> Package:
        directory = tmp_path / "package"
        directory.mkdir()
        onnx.save(graph, str(directory / "model.onnx"))
        manifest = Manifest(
            schema=1,
            name="blobs",
            variant="blobs",
            classes=["target"],
            parameters=50,
            input=InputSpec(name="image", width=SIDE, height=SIDE, channels=1, dtype="uint8"),
            outputs=[
                OutputSpec(name="boxes", shape=[1, CELLS, 4]),
                OutputSpec(name="scores", shape=[1, CELLS, 1]),
            ],
            preprocess=PreprocessSpec(),
            postprocess=PostprocessSpec(nms_limit=0.1),
            strides=[1],
            anchors=[[[3.0, 3.0]]],
            graphs={
                Precision.FP32: GraphFile(file="model.onnx", sha256=file_sha256(directory / "model.onnx"))
            },
        )
        (directory / "package.json").write_bytes(encode_manifest(manifest))
        return Package(directory)

    return make
