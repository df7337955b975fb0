"""What is fuzzed: each target takes a mutator, makes one hostile input and lets the package have it.

A target ends normally, or with a coded error. Anything else is a find: another exception, a result that
breaks a promise (:class:`BrokenPromiseError`), a hang, or memory without bound.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mutation import Mutator
from numpy.typing import NDArray

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.video_labels import MOST_FRAMES, read_video_labels
from edge_irdet.dataset.video_layout import VideoLayoutReader, video_of
from edge_irdet.detection.detector import Detector
from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.engine.tensorrt.store import read_engine, read_plan
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.images import read_grey_image, read_upright_grey_image
from edge_irdet.package import SHIPPED_PACKAGES, Package, open_package
from edge_irdet.record import (
    DetectionRecord,
    LossCounts,
    Record,
    TrackRecord,
    TrackState,
    decode_record,
    encode_record,
)
from edge_irdet.stream.frame import PixelFormat
from edge_irdet.stream.frame_message import FrameHeader
from edge_irdet.stream.sinks.opening import open_sink, open_sinks
from edge_irdet.stream.sinks.sink import StreamInfo
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.uri import redact_uri

Target = Callable[[Mutator, Path], None]
"""One hostile input; the path is a folder of this input's own."""

SECRET = "hunter2-Zq9"


class BrokenPromiseError(AssertionError):
    """The package took an input and broke a promise over it."""


def promise(kept: bool, what: str) -> None:
    """Raise where a promise is broken."""
    if not kept:
        raise BrokenPromiseError(what)


# Packages and engines ------------------------------------------------------------------------------------

SHIPPED = SHIPPED_PACKAGES / "light-sgmtlm-reduced"
MANIFEST = json.loads((SHIPPED / "package.json").read_text(encoding="utf-8"))


def manifest(mutator: Mutator, folder: Path) -> None:
    """A package whose ``package.json`` is hostile: opened, and prepared as far as the input tensor."""
    (folder / "package.json").write_bytes(mutator.encoded(MANIFEST))
    package = open_package(folder)
    Preprocessor(package.manifest.preprocess, package.manifest.input)
    for precision in package.manifest.graphs:
        try:
            package.read_graph(precision)
        except EdgeIrdetError:
            continue


def engine_record(mutator: Mutator, folder: Path) -> None:
    """An engine whose ``KEY.json`` or plan is hostile."""
    (folder / "KEY.engine").write_bytes(b"plan")
    (folder / "KEY.json").write_bytes(mutator.encoded(ENGINE_RECORD))
    read_plan(read_engine(folder / "KEY.engine", "build it again"), "build it again")


ENGINE_RECORD = {
    "schema": 1,
    "identity": {
        "module": "tensorrt",
        "tensorrt": "10.3.0",
        "compute_capabilities": ["8.7"],
        "device": "Orin",
        "multiprocessors": 8,
        "memory_gib": 8,
        "precision": "fp16",
        "model_sha256": "0" * 64,
        "strongly_typed": True,
        "workspace_mb": 1024,
        "inputs": [{"name": "image", "binding": "image", "shape": [1, 1, 320, 320], "dtype": "uint8"}],
        "outputs": [{"name": "boxes", "binding": "boxes", "shape": [1, 6300, 4], "dtype": "float32"}],
    },
    "plan_bytes": 4,
    "plan_sha256": "0" * 64,
    "cuda": "12.6",
    "driver": "12.6",
    "l4t": None,
    "precisions_found": {"fp16": 3},
    "build_seconds": 1.5,
    "edge_irdet": "0.1.0",
}


class HostileRunner(Runner):
    """Gives what a broken graph or GPU may give, under the manifest's names."""

    def __init__(self, package: Package, mutator: Mutator) -> None:
        super().__init__()
        self._package = package
        self._random = mutator.random

    @property
    def name(self) -> str:
        return "hostile"

    def _activate_impl(self) -> None:
        image = self._package.manifest.input
        self._inputs = {
            image.name: TensorSpec.of((1, image.channels, image.height, image.width), image.dtype)
        }
        self._outputs = {
            output.name: TensorSpec.of(tuple(output.shape), np.float32)
            for output in self._package.manifest.outputs
        }

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        generator = np.random.default_rng(self._random.randrange(2**32))
        outputs = {}
        for name, spec in self._outputs.items():
            array = generator.uniform(0, 1 if name == "scores" else 320, spec.shape).astype(np.float32)
            if name == "boxes":
                array = np.sort(array.reshape(-1, 2, 2), axis=1).reshape(spec.shape)
            else:
                array **= 40  # few pass the threshold
            for _ in range(self._random.randint(0, 6)):
                value = self._random.choice((np.nan, np.inf, -np.inf, 1e38, -1e38, -1.0, 2.0, 0.0, 1e-40))
                array.reshape(-1)[self._random.randrange(array.size)] = value
            outputs[name] = array
        return outputs

    def _deactivate_impl(self) -> None: ...


def graph_outputs(mutator: Mutator, folder: Path) -> None:
    """Outputs of a graph with numbers that are none: an error of the runner, or a record that can be read."""
    package = Package(SHIPPED)
    image = np.full((mutator.random.randint(1, 90), mutator.random.randint(1, 90)), 7, np.uint8)
    with Detector(package, runner=HostileRunner(package, mutator)) as detector:
        found = detector.detect(image)
    promise(bool(np.isfinite(found.boxes).all()), "a box is not finite")
    promise(bool(((found.scores >= 0) & (found.scores <= 1.00001)).all()), "a score is not in 0..1")
    promise(bool((np.diff(found.scores) <= 0).all()), "scores are not in order")


RECORD = Record(
    source="rtsp://camera/x",
    sequence=3,
    capture_ns=10**15,
    emit_ns=10**15 + 5,
    width=320,
    height=256,
    pixel_format="GREY",
    discontinuity=False,
    detections=[DetectionRecord((1.0, 2.0, 3.0, 4.0), 0.5, 0, "target", (2.0, 3.0), 8.5, 1)],
    tracks=[
        TrackRecord(1, TrackState.CONFIRMED, (2.0, 3.0), (0.0, 1.0), 0.5, (1.0, 2.0, 3.0, 4.0), 0, 0.5, 3, 0)
    ],
    **dict.fromkeys(LossCounts.__struct_fields__, 1),
)


def record_line(mutator: Mutator, folder: Path) -> None:
    """A line of records that came through a damaged file or from a hostile peer."""
    line = mutator.encoded(json.loads(encode_record(RECORD)))
    again = decode_record(line)
    promise(decode_record(encode_record(again)) == again or b"NaN" in line, "a record does not come back")


# Data sets -----------------------------------------------------------------------------------------------


def png(mutator: Mutator, shape: tuple[int, int] = (12, 16)) -> bytes:
    """A small grey picture."""
    image = np.random.default_rng(mutator.random.randrange(2**32)).integers(0, 256, shape).astype(np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def read_all(root: Path, split: str | None = None) -> None:
    """Open a set and read every image, or name the problem of each."""
    dataset = read_dataset(root, split)
    for index, name in enumerate(dataset.names):
        if dataset.problems(name):
            continue
        sample = dataset[index]
        height, width = sample.image.shape
        promise(len(sample.boxes) == len(sample.classes), "boxes and classes differ in number")
        promise(bool((sample.boxes >= 0).all()), "a box begins outside of its image")
        promise(bool((sample.boxes[:, 2] <= width).all()), "a box reaches out of its image")
        promise(sample.mask.shape == (height, width), "the mask has another size")
        promise(bool((sample.classes < len(dataset.classes)).all()), "a class has no name")


def yolo_labels(mutator: Mutator, folder: Path) -> None:
    """Label files, class names and ``data.yaml`` of a YOLO set."""
    for part in ("images", "labels"):
        (folder / part).mkdir()
    (folder / "images" / "a.png").write_bytes(png(mutator))
    rows = "0 0.5 0.5 0.25 0.25\n1 0.2 0.3 0.1 0.1\n"
    (folder / "labels" / "a.txt").write_bytes(mutator.bytes(mutator.text(rows).encode("utf-8", "replace")))
    if mutator.random.random() < 0.5:
        (folder / "classes.txt").write_text(mutator.text("drone\nbird\n"), encoding="utf-8", errors="replace")
    else:
        text = mutator.text("train: ../train/images\nnc: 2\nnames: {0: drone, 1: bird}\n")
        (folder / "data.yaml").write_text(text, encoding="utf-8", errors="replace")
    read_all(folder)


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 16, "height": 12}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [5.5, 2, 3, 4]},
    ],
    "categories": [{"id": 3, "name": "drone"}],
}


def coco_file(mutator: Mutator, folder: Path) -> None:
    """The annotation file of a COCO set."""
    (folder / "annotations").mkdir()
    (folder / "a.png").write_bytes(png(mutator))
    (folder / "annotations" / "all.json").write_bytes(mutator.encoded(COCO))
    read_all(folder)


VOC = (
    "<annotation><size><width>16</width><height>12</height></size><object><name>drone</name>"
    "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object></annotation>"
)


def voc_file(mutator: Mutator, folder: Path) -> None:
    """An annotation file of a VOC set."""
    for part in ("JPEGImages", "Annotations"):
        (folder / part).mkdir()
    (folder / "JPEGImages" / "a.png").write_bytes(png(mutator))
    content = mutator.text(VOC).encode("utf-8", "replace") if mutator.random.random() < 0.6 else VOC.encode()
    (folder / "Annotations" / "a.xml").write_bytes(mutator.bytes(content))
    read_all(folder)


def masks_and_lists(mutator: Mutator, folder: Path) -> None:
    """Masks of a mask set, and the list that names its images."""
    for part in ("images", "masks"):
        (folder / part).mkdir()
    for name in ("a", "b"):
        (folder / "images" / f"{name}.png").write_bytes(png(mutator))
        mask = np.zeros((12, 16), np.uint8)
        for _ in range(mutator.random.randint(0, 12)):
            mask[mutator.random.randrange(12), mutator.random.randrange(16)] = mutator.random.randrange(256)
        if mutator.random.random() < 0.1:
            mask = 255 - mask
        content = cv2.imencode(".png", mask)[1].tobytes()
        (folder / "masks" / f"{name}.png").write_bytes(content)
    (folder / "list.txt").write_bytes(mutator.bytes(b"a\nimages/b.png\n# note\n"))
    read_all(folder, "list.txt")


def picture(mutator: Mutator, folder: Path) -> None:
    """An image file in any of the formats, damaged."""
    suffix = mutator.random.choice((".png", ".jpg", ".bmp", ".pgm", ".tiff", ".webp"))
    depth: Any = (
        np.uint16 if suffix in (".png", ".pgm", ".tiff") and mutator.random.random() < 0.4 else np.uint8
    )
    image = np.random.default_rng(mutator.random.randrange(2**32)).integers(0, 255, (12, 16)).astype(depth)
    path = folder / f"a{suffix}"
    path.write_bytes(mutator.bytes(cv2.imencode(suffix, image)[1].tobytes()))
    found = mutator.random.choice((read_grey_image, read_upright_grey_image))(path)
    promise(found.ndim == 2 and found.size > 0, "a picture without pixels")
    promise(found.dtype in (np.uint8, np.uint16), "a picture of another depth")


def videos_table(mutator: Mutator, folder: Path) -> None:
    """The table and the labels of a set of videos; the videos themselves are FFmpeg's."""
    for part in ("mp4", "gt"):
        (folder / part).mkdir()
    table = "name,frames,split\nA_1,30,train\nB_2,31,val\n"
    labels = "frame_idx0,class,x,y,w,h\n0,DRONE,3,4,5,6\n15,BIRD,3.5,4,5,6\n"
    (folder / "videos.csv").write_bytes(mutator.lightly(table))
    (folder / "gt" / "A_1.csv").write_bytes(mutator.lightly(labels))
    reader = VideoLayoutReader(folder)
    promise(len(reader.names) <= MOST_FRAMES, "images without bound")
    promise(all("/" not in video_of(name) for name in reader.names[:9]), "a video outside of the set")
    reader.unused()
    read_video_labels(folder / "gt" / "A_1.csv")


def recipe_file(mutator: Mutator, folder: Path) -> None:
    """A calibration recipe."""
    recipes = pytest.importorskip("edge_irdet.export.precision.recipe")
    text = (
        "name: mine\nint8: {method: minmax, percentile: 99.9, images: 64, seed: 3, remainder: fp16,"
        " keep_float: [/a/*, b]}\nfp16:\n  keep_float:\n    - c\n"
    )
    (folder / "a.yaml").write_bytes(mutator.lightly(text))
    recipe = recipes.read_recipe(folder / "a.yaml")
    promise(recipe.int8.images >= 8 and 0 < recipe.int8.percentile <= 100, "a recipe out of bounds")
    json.dumps(recipe.to_dict())


# Graphs and checkpoints, as bytes ------------------------------------------------------------------------

GRAPH = (SHIPPED / "model.fp16.onnx").read_bytes()
OUTSIDE = b"\x08\x01\x10\x01\x6a\x0d\x0a\x08location\x12\x01w"
"""A tensor whose field 13, external_data, has the location w."""


def graph_bytes(mutator: Mutator, folder: Path) -> None:
    """A graph that is damaged, or whose one tensor lies outside, in a package that has its hash."""
    outside = mutator.random.random() < 0.3
    if outside:
        initializer = b"\x2a" + bytes([len(OUTSIDE)]) + OUTSIDE
        content = b"\x08\x08\x3a" + bytes([len(initializer)]) + initializer
    else:
        damaged = bytearray(GRAPH)
        for _ in range(mutator.random.randint(1, 3)):
            damaged[mutator.random.randrange(len(damaged))] = mutator.random.randrange(256)
        content = bytes(damaged) if mutator.random.random() < 0.5 else mutator.bytes(GRAPH[:4000])
    (folder / "model.onnx").write_bytes(content)
    stated = {"fp32": {"file": "model.onnx", "sha256": hashlib.sha256(content).hexdigest()}}
    (folder / "package.json").write_text(json.dumps({**MANIFEST, "graphs": stated}), encoding="utf-8")
    read = open_package(folder).read_graph()
    promise(read == content and not outside, "a graph with external data was taken")


def checkpoint_file(mutator: Mutator, folder: Path) -> None:
    """A checkpoint whose description or archive is hostile."""
    pytest.importorskip("torch")
    from hostile_checkpoints import write_checkpoint

    from edge_irdet.training.checkpoint import load_checkpoint

    write_checkpoint(mutator, folder / "best.pt")
    found = load_checkpoint(folder / "best.pt")
    promise(all(hasattr(value, "shape") for value in found.weights.values()), "weights that are no tensors")


# What users and peers write --------------------------------------------------------------------------------


def frame_message(mutator: Mutator, folder: Path) -> None:
    """The header of a frame that a host process sends."""
    header = FrameHeader(
        width=mutator.random.choice((1, 320, 8192, 65535)),
        height=mutator.random.choice((1, 256, 8192, 65535)),
        pixel_format=mutator.random.choice(tuple(PixelFormat)),
        sequence=mutator.random.choice((0, 7, 2**32)),
        capture_ns=mutator.random.choice((0, -5, 2**62)),
    )
    content = bytearray(header.pack())
    for _ in range(mutator.random.randint(0, 4)):
        content[mutator.random.randrange(len(content))] = mutator.random.randrange(256)
    again = FrameHeader.unpack(bytes(content))
    promise(0 < again.payload_bytes <= 2**25, "a frame without bound")


URIS = (
    f"rtsp://admin:{SECRET}@10.0.0.5/stream1?channel=1",
    f"http://cam/video?access_token={SECRET}",
    f"http://cam/v?api_key={SECRET}&size=1",
    f"https://user:{SECRET}@cam/v?X-Amz-Signature={SECRET}",
    f"rtsp:/admin:{SECRET}@host/x",
    f"mqtt://user:{SECRET}@broker/topic",
    f"gst:rtspsrc location=rtsp://u:{SECRET}@h ! decodebin ! appsink",
    f"udp://239.0.0.1:5000?pw={SECRET}",
)
OUTPUTS = (
    "udp://127.0.0.1:9",
    "unix:///run/x.sock",
    "zmq://127.0.0.1:5555",
    "out.jsonl",
    "mot:a.txt",
    "a.mp4",
    "-",
)
SOURCES = (
    "synthetic:sea?seed=1&frames=3&size=320x256&targets=2&bits=16",
    "v4l2:///dev/video0?format=Y16&size=640x512",
    "/dev/video0?format=Y16",
    "csi://0?size=1280x720&fps=30",
    "unix:///run/frames.sock",
    "file:///a.mp4",
    "frames/*.png",
    "a.mp4",
)


def uri_with_secret(mutator: Mutator, folder: Path) -> None:
    """A misspelt URI of a source or output that holds a password: it is never shown."""
    uri = mutator.random.choice(URIS)
    if mutator.random.random() < 0.7:
        place = mutator.random.randrange(len(uri))
        if SECRET not in uri[max(0, place - len(SECRET)) : place + len(SECRET)]:
            uri = (
                uri[:place]
                + mutator.random.choice(("", ":", "/", "?", "&", "@", " ", "%20"))
                + uri[place + 1 :]
            )
    promise(
        SECRET not in redact_uri(uri) or ("@" not in uri and "=" not in uri), f"shown: {redact_uri(uri)!r}"
    )
    for opener in (open_source, open_sink, lambda one: open_sinks([one], [one])):
        try:
            opened = opener(uri)
        except EdgeIrdetError as error:
            promise(SECRET not in str(error), f"an error shows the secret of {uri!r}: {error}")
            continue
        shown = [getattr(opened, name, "") for name in ("uri", "name")] + [repr(opened)]
        promise(not any(SECRET in str(text) for text in shown), f"{uri!r} is shown: {shown}")


def appended_output(mutator: Mutator, folder: Path) -> None:
    """An output file that holds what an earlier start, a power loss or somebody else left in it."""
    kind = mutator.random.choice((".jsonl", ".csv"))
    path = folder / f"out{kind}"
    info = StreamInfo(("s",), ("target",), None, None)
    with contextlib.ExitStack() as stack:
        sink = open_sink(str(path))
        sink.open(info)
        stack.callback(sink.close)
    lines = path.read_bytes() + (encode_record(RECORD) + b"\n") * 3 * (kind == ".jsonl")
    before = mutator.bytes(lines) if mutator.random.random() < 0.8 else lines[: mutator.random.randrange(600)]
    path.write_bytes(before)
    sink = open_sink(str(path))
    try:
        sink.open(info)
    except EdgeIrdetError:
        promise(path.read_bytes() == before, "a file that was refused was changed")
        raise
    sink.close()
    whole = before[: before.rfind(b"\n") + 1]
    promise(kind == ".csv" or path.read_bytes().startswith(whole), "whole lines were lost")


def uri_of_any_form(mutator: Mutator, folder: Path) -> None:
    """A misspelt source or output, or text of a mapping: taken, or refused with a code."""
    text = mutator.text(mutator.random.choice((*SOURCES, *OUTPUTS)))
    for opener in (open_source, open_sink):
        try:
            opener(text)
        except EdgeIrdetError:
            continue
    forms = ("linear-percentile:0.5,99.9@15", "fixed-range:100,900", "plateau:0.03,4,50@3")
    parse_mapping(mutator.text(mutator.random.choice(forms)))


TARGETS: dict[str, Target] = {
    "manifest": manifest,
    "engine-record": engine_record,
    "graph-outputs": graph_outputs,
    "record": record_line,
    "yolo": yolo_labels,
    "coco": coco_file,
    "voc": voc_file,
    "masks": masks_and_lists,
    "picture": picture,
    "videos": videos_table,
    "recipe": recipe_file,
    "graph": graph_bytes,
    "checkpoint": checkpoint_file,
    "appended": appended_output,
    "frame-message": frame_message,
    "secret": uri_with_secret,
    "uri": uri_of_any_form,
}
"""Name -> target."""
