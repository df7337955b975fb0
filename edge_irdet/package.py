"""The model package: a directory that holds everything needed to run one trained model.

``package.json`` (the manifest) names the files with their hashes and says how frames become network input and
network output becomes detections. Whoever holds the directory can run the model; no shape, class or constant
of it is written in code. Values are checked when it is read
(:mod:`edge_irdet.manifest_limits`), so that whoever uses them need not.
"""

from __future__ import annotations

import hashlib
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec

from edge_irdet import manifest_limits as limits
from edge_irdet.errors import (
    GraphRefusedError,
    ManifestInvalidError,
    PackageHashError,
    PackageMissingError,
    PrecisionMissingError,
    SchemaNewerError,
)
from edge_irdet.errors.installation import UPDATE_STEP
from edge_irdet.graph_content import MAX_GRAPH_BYTES, require_self_contained
from edge_irdet.intake import ContentMissingError, ContentRefusedError, decode_json, read_regular_file
from edge_irdet.provenance import OperatingPoint, PrecisionFigures, TrainingData, TrainingRun

SCHEMA_VERSION = 1
"""Version of the manifest this package writes and the newest it reads."""

MANIFEST_NAME = "package.json"
MAX_MANIFEST_BYTES = 2**20
"""Largest manifest that is read; those of the shipped packages have 10 kB."""

EXPORT_STEP = "export the package again: edge-irdet export CHECKPOINT -o PACKAGE"
REFETCH_STEP = "fetch the package again, or export it again: edge-irdet export CHECKPOINT -o PACKAGE"
"""What to do about a package that is invalid, or not what its manifest says."""

ENGINES_FOLDER = "engines"
"""Folder of a package that holds the engines built on this device."""

PAD_VALUE = 114
"""Grey level outside frames, in training and in the preprocess spec of exported packages."""

DEFAULT_PACKAGE = "light-sgmtlm-reduced-general"
SHIPPED_PACKAGES = Path(__file__).parent / "models"

Positive = Annotated[int, msgspec.Meta(ge=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Precision(str, Enum):
    """Numeric precision of a graph file."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class NmsRule(str, Enum):
    """By what non-maximum suppression calls two boxes of a class the same target.

    Score threshold and limits are rounded to float32 before anything is compared with them.
    """

    IOU = "iou"
    """Intersection over union above the limit, in float32: the paper's rule (0.45)."""

    DISTANCE = "distance"
    """Centres nearer than the limit in network pixels, in float32: keeps close small targets apart."""

    NWD = "nwd"
    """Normalised Wasserstein distance exp(-d / C) above the limit (arXiv:2110.13389), compared as
    d^2 < (C ln(1 / limit))^2 in double."""


class SixteenBitMapping(str, Enum):
    """How a 16-bit frame becomes 8 bits; there is no silent default."""

    LINEAR_PERCENTILE = "linear-percentile"
    """Linear between two percentiles of the frame's own counts."""

    FIXED_RANGE = "fixed-range"
    """Linear between two fixed counts."""

    PLATEAU = "plateau"
    """Histogram equalisation whose histogram is cut off at a plateau and whose slope is limited."""


class SixteenBitSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named 16 -> 8 bit mapping with its parameters."""

    mapping: SixteenBitMapping
    """Which mapping."""

    low: float
    """Percentile (0..100) or count that becomes 0; in ``plateau`` the percentile below which all is alike."""

    high: float
    """Percentile (0..100) or count that becomes 255; in ``plateau`` the one above which all is alike."""

    min_span: Annotated[float, msgspec.Meta(gt=0.0)] = 64.0
    """Smallest range of counts that is stretched to 255: keeps the noise of a flat scene from filling it. In
    ``plateau``, whose slope has its own limit, only what counts as a jump of the scene depends on it."""

    plateau: Annotated[float, msgspec.Meta(gt=0.0, le=100.0)] = 0.03
    """``plateau`` only: no count weighs more than this share of the frame's pixels, percent, but one pixel at
    least. Small values give every count in use the same weight. Large ones equalise the histogram, which
    takes the grey levels from the targets and gives them to the background."""

    linear: Annotated[float, msgspec.Meta(ge=0.0, le=100.0)] = 50.0
    """``plateau`` only: share of the 255 grey levels that is spread evenly over the range of counts, used or
    not, percent. Without it a small target far above its background lies one or two levels above it."""

    max_gain: Annotated[float, msgspec.Meta(gt=0.0)] = 4.0
    """``plateau`` only: most grey levels a count, so that a flat scene's noise is not stretched."""

    smoothing_frames: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    """Time constant in frames of the exponential filter on the bounds, or on the curve of ``plateau``; 0 maps
    every frame by itself."""

    shutter_frames: Annotated[int, msgspec.Meta(ge=0)] = 60
    """A frame that is suddenly flat shows the shutter; after this many in a row it is the new scene. 0 takes
    it for the new scene at once."""

    def __post_init__(self) -> None:
        limits.check_mapping(self.mapping is not SixteenBitMapping.FIXED_RANGE, self.low, self.high)


class PreprocessSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From a grey source frame to network input; the same in Python and C++.

    The frame is scaled by ``min(W / w, H / h)`` (bilinear, half-pixel centres, OpenCV's bit-exact
    ``INTER_LINEAR_EXACT``), its size rounded half up, centred (the odd pixel goes right and below) and
    surrounded by ``pad_value``. Cast and scale to 0..1 are in the graph.
    """

    pad_value: Annotated[int, msgspec.Meta(ge=0, le=255)] = PAD_VALUE
    """Grey level around the scaled frame."""

    sixteen_bit: SixteenBitSpec | None = None
    """Mapping for 16-bit frames; None refuses them, so that nothing is mapped silently."""


class PostprocessSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From decoded boxes and scores to detections."""

    score_threshold: Fraction = 0.25
    """Boxes scoring below it are dropped."""

    nms: NmsRule = NmsRule.IOU
    """Suppression rule."""

    nms_limit: Annotated[float, msgspec.Meta(gt=0.0)] = 0.45
    """IoU or NWD (0..1), or centre distance in network pixels, according to the rule."""

    nwd_scale: Annotated[float, msgspec.Meta(gt=0.0)] = 8.0
    """C of the NWD in network pixels; read by the rule ``nwd`` only."""

    max_detections: Positive = 300
    """Largest number of detections per frame, best first (YOLOv5's 300)."""

    def __post_init__(self) -> None:
        limits.check_nms_limit(self.nms is not NmsRule.DISTANCE, self.nms_limit)


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The graph's input tensor [1, channels, height, width]."""

    name: str
    """Name of the tensor."""

    width: Positive
    """Pixels."""

    height: Positive
    """Pixels."""

    channels: Positive
    """1: the frame is grey."""

    dtype: str
    """``uint8``."""

    def __post_init__(self) -> None:
        limits.check_name(self.name)
        limits.check_input(self.width, self.height, self.channels, self.dtype)


class OutputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One output tensor of the graph, float32."""

    name: str
    """Name of the tensor."""

    shape: list[Positive]
    """Sizes of its axes."""

    def __post_init__(self) -> None:
        limits.check_name(self.name)


class GraphFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One graph of the package."""

    file: str
    """File in the package's directory."""

    sha256: Sha256
    """SHA-256 of the file."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``package.json``.

    Fields that this version does not know: here and in what decides detections (``input``, ``outputs``,
    ``preprocess``, ``postprocess``, ``graphs``) they are refused, because whoever ignored one would detect
    something else; adding one takes a new ``schema``. In what tells where the package comes from
    (``training_data``, ``training``, ``operating_point``, ``metrics``) they are ignored, may be added at any
    time, and are lost when the manifest is written again.
    """

    schema: Positive
    """Version of this layout."""

    name: str
    """Name of the package."""

    variant: str
    """Variant of the network."""

    classes: list[str]
    """Class names, by class index."""

    parameters: Positive
    """Parameters of the network."""

    input: InputSpec
    """The graph's input."""

    outputs: list[OutputSpec]
    """The graph's outputs."""

    preprocess: PreprocessSpec
    """From a source frame to the input."""

    postprocess: PostprocessSpec
    """From the outputs to detections."""

    strides: list[Positive]
    """Network pixels per cell of each detection level."""

    anchors: list[list[list[float]]]
    """[level][anchor] = [width, height] in network pixels."""

    graphs: dict[Precision, GraphFile]
    """Precision -> its graph."""

    training_data: list[TrainingData] = []
    """What the weights were trained on."""

    training: TrainingRun = TrainingRun()
    """How the weights were trained."""

    operating_point: OperatingPoint = OperatingPoint()
    """How ``edge-irdet threshold --write`` chose ``postprocess.score_threshold``; empty if it did not."""

    metrics: dict[Precision, PrecisionFigures] = {}
    """Per precision, what ``edge-irdet evaluate --json`` printed."""

    def __post_init__(self) -> None:
        for name in (self.name, self.variant, *self.files()):
            limits.check_name(name)
        limits.check_classes(self.classes)
        limits.check_outputs([(output.name, output.shape) for output in self.outputs], len(self.classes))
        limits.check_levels(self.strides, self.anchors)

    def files(self) -> list[str]:
        """Names of the files beside the manifest that belong to the package."""
        weights = self.training.weights
        return [*(graph.file for graph in self.graphs.values()), *([] if weights is None else [weights.file])]


class Package:
    """An opened model package.

    Args:
        directory: the package's directory.

    Raises:
        PackageMissingError: there is no directory or no manifest in it.
        SchemaNewerError: it was written by a newer edge-irdet.
        ManifestInvalidError: the manifest is not valid.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        content = _read_manifest_file(directory)
        self.manifest = _decode_manifest(content, directory)
        self.manifest_sha256 = hashlib.sha256(content).hexdigest()
        """Of the very bytes that :attr:`manifest` was read from."""
        self._checked: set[tuple[Path, int, int, int]] = set()

    def graph_path(self, precision: Precision = Precision.FP32) -> Path:
        """Where a graph lies, for messages: whoever uses the graph takes :meth:`read_graph`.

        Raises:
            PrecisionMissingError: the package does not hold that precision.
        """
        return self.directory / self._graph(precision).file

    def read_graph(self, precision: Precision = Precision.FP32) -> bytes:
        """A graph, read once: these very bytes have the manifest's SHA-256 and hold all that the graph needs.

        Raises:
            PrecisionMissingError: the package does not hold that precision.
            PackageHashError: the file is absent or is not the one the manifest describes.
            GraphRefusedError: it is the one, but not a graph that holds all its values.
        """
        graph = self._graph(precision)
        path = self.directory / graph.file
        try:
            content = read_regular_file(path, MAX_GRAPH_BYTES)
        except ContentMissingError as error:
            raise PackageHashError(f"{path} is not there, the manifest names it", REFETCH_STEP) from error
        except ContentRefusedError as error:
            raise GraphRefusedError(f"{path} {error.reason}", REFETCH_STEP) from error
        found = hashlib.sha256(content).hexdigest()
        if found != graph.sha256:
            raise PackageHashError(
                f"{path} has SHA-256 {found}, the manifest says {graph.sha256}", REFETCH_STEP
            )
        try:
            require_self_contained(content)
        except ContentRefusedError as error:
            raise GraphRefusedError(f"{path} {error.reason}", REFETCH_STEP) from error
        return content

    def graph_sha256(self, precision: Precision = Precision.FP32) -> str:
        """SHA-256 of a graph, after the file has been checked as :meth:`read_graph` does.

        For whoever needs only the identity of the graph. The file is read again when its size, its time or
        its inode has changed.

        Raises:
            PrecisionMissingError, PackageHashError, GraphRefusedError: see :meth:`read_graph`.
        """
        path = self.graph_path(precision)
        try:
            state = path.stat()
            key = (path, state.st_size, state.st_mtime_ns, state.st_ino)
        except OSError:
            key = None  # read_graph says what is wrong
        if key is None or key not in self._checked:
            self.read_graph(precision)
            if key is not None:
                self._checked.add(key)
        return self._graph(precision).sha256

    def _graph(self, precision: Precision) -> GraphFile:
        graph = self.manifest.graphs.get(precision)
        if graph is None:
            held = ", ".join(sorted(precision.value for precision in self.manifest.graphs))
            raise PrecisionMissingError(
                f"{self.directory} holds {held or 'no graph'}, not {precision.value}",
                "choose a precision that is there with --precision",
            )
        return graph


def _read_manifest_file(directory: Path) -> bytes:
    path = directory / MANIFEST_NAME
    try:
        return read_regular_file(path, MAX_MANIFEST_BYTES)
    except ContentMissingError as error:
        raise PackageMissingError(
            f"there is no model package at {directory}: {MANIFEST_NAME} {error.reason}",
            f"name a package directory, or one that is shipped: {', '.join(shipped_packages()) or 'none'}",
        ) from error
    except ContentRefusedError as error:
        raise ManifestInvalidError(f"{path} is not a valid manifest: {error.reason}", EXPORT_STEP) from error


def _decode_manifest(content: bytes, directory: Path) -> Manifest:
    path, next_step = directory / MANIFEST_NAME, EXPORT_STEP
    try:
        # The version first: a newer manifest may differ in every other field.
        schema = decode_json(content, _SchemaOnly).schema
        if schema > SCHEMA_VERSION:
            raise SchemaNewerError(
                f"{path} has schema {schema}; this edge-irdet reads up to {SCHEMA_VERSION}",
                UPDATE_STEP,
            )
        manifest = decode_json(content, Manifest)
    except ContentRefusedError as error:
        if "unknown field" in error.reason:
            next_step = f"{next_step}, or, if a newer edge-irdet wrote it, {UPDATE_STEP}"
        raise ManifestInvalidError(f"{path} is not a valid manifest: {error.reason}", next_step) from error
    for file in manifest.files():
        if Path(file).name != file or file == "..":
            raise ManifestInvalidError(
                f"{path} names {file!r}, which is not a file of the package", next_step
            )
    if not manifest.graphs:
        raise ManifestInvalidError(f"{path} names no graph", next_step)
    return manifest


class _SchemaOnly(msgspec.Struct):
    schema: Positive


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as indented JSON, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def shipped_packages() -> list[str]:
    """Names of the packages that are installed with edge_irdet."""
    return sorted(path.parent.name for path in SHIPPED_PACKAGES.glob(f"*/{MANIFEST_NAME}"))


def package_directory(name_or_path: str | Path) -> Path:
    """Where a package is; a name without a slash that is not a directory here is one of those shipped."""
    path = Path(name_or_path)
    shipped = SHIPPED_PACKAGES / path
    return shipped if not os.path.exists(path) and len(path.parts) == 1 and shipped.is_dir() else path


def open_package(name_or_path: str | Path = DEFAULT_PACKAGE) -> Package:
    """Open a package by path, or a shipped one by name (:func:`package_directory`).

    Raises:
        PackageMissingError, SchemaNewerError, ManifestInvalidError: see :class:`Package`.
    """
    return Package(package_directory(name_or_path))
