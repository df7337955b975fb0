"""The C++ library through its C ABI, by ctypes: the structs of jetson/include/edge_irdet.h."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMATS = {"grey8": 1, "grey16": 2, "bgr8": 3, "rgb8": 4}
RUNTIMES = {"auto": 0, "tensorrt": 1, "cpu": 2}
PRECISIONS = {None: 0, "fp32": 1, "fp16": 2, "int8": 3}
RULES = {None: 0, "iou": 1, "distance": 2, "nwd": 3}
NONE = -(2**63)


class Sized(ctypes.Structure):
    """A struct of the ABI: its first field is its size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class Error(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("code", c_int32),
        ("title", c_char_p),
        ("what", c_char_p),
        ("next_step", c_char_p),
    )


LOG = ctypes.CFUNCTYPE(None, c_void_p, ctypes.c_int, c_char_p)


class Options(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("runtime", c_int32),
        ("precision", c_int32),
        ("device", c_int32),
        ("threads", c_int32),
        ("nms", c_int32),
        ("nms_limit", c_double),
        ("score_threshold", c_double),
        ("max_detections", c_int32),
        ("measure", c_int32),
        ("map16", c_char_p),
        ("onnxruntime", c_char_p),
        ("cuda_stream", c_void_p),
        ("cuda_graph", c_int32),
        ("reserved", c_int32),
        ("log", LOG),
        ("log_context", c_void_p),
    )


class Image(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("format", c_int32),
        ("data", c_void_p),
        ("bytes", c_size_t),
        ("width", c_int32),
        ("height", c_int32),
        ("pitch", c_size_t),
        ("memory", c_int32),
        ("reserved", c_int32),
    )


class Detection(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("class_id", c_int32),
        ("box", c_float * 4),
        ("score", c_float),
        ("reserved", c_uint32),
        ("centroid", c_double * 2),
        ("scr", c_double),
    )


class DetectionList(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("stride", c_uint32),
        ("items", POINTER(Detection)),
        ("count", c_size_t),
        ("shutter", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("format", c_int32),
        ("preprocess_ns", c_int64),
        ("network_ns", c_int64),
        ("select_ns", c_int64),
        ("measure_ns", c_int64),
    )


class Info(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("runtime", c_int32),
        ("precision", c_int32),
        ("input_width", c_int32),
        ("input_height", c_int32),
        ("reserved", c_uint32),
        ("package", c_char_p),
        ("directory", c_char_p),
        ("manifest_sha256", c_char_p),
        ("reason", c_char_p),
        ("engine", c_char_p),
        ("launch", c_char_p),
        ("classes", POINTER(c_char_p)),
        ("class_count", c_size_t),
        ("score_threshold", c_double),
    )


class Inspection(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("left", c_int32),
        ("top", c_int32),
        ("width", c_int32),
        ("height", c_int32),
        ("reserved", c_uint32),
        ("scale_x", c_double),
        ("scale_y", c_double),
        ("tensor", POINTER(ctypes.c_uint8)),
        ("tensor_bytes", c_size_t),
        ("boxes", POINTER(c_float)),
        ("scores", POINTER(c_float)),
        ("box_count", c_size_t),
        ("class_count", c_size_t),
    )


class TrackerOptions(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("confirm_hits", c_int32),
        ("confirm_frames", c_int32),
        ("max_coast_frames", c_int32),
        ("max_tracks", c_int32),
        ("reserved", c_uint32),
        ("acceleration", c_double),
        ("centroid_sigma", c_double),
        ("initial_speed", c_double),
        ("gate_probability", c_double),
        ("birth_score", c_double),
        ("birth_distance", c_double),
        ("max_coast_seconds", c_double),
        ("max_gap_seconds", c_double),
        ("max_shutter_seconds", c_double),
    )


class Frame(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("discontinuity", c_int32),
        ("capture_ns", c_int64),
        ("sequence", c_uint64),
    )


class Track(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("coasting", c_int32),
        ("track_id", c_int64),
        ("centre", c_double * 2),
        ("velocity", c_double * 2),
        ("sigma", c_double),
        ("box", c_double * 4),
        ("score", c_double),
        ("class_id", c_int32),
        ("reserved", c_uint32),
        ("hits", c_int64),
        ("missed", c_int64),
    )


class TrackList(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("stride", c_uint32),
        ("items", POINTER(Track)),
        ("count", c_size_t),
        ("track_ids", POINTER(c_int64)),
        ("detection_count", c_size_t),
    )


class RecorderOptions(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("source_index", c_uint32),
        ("source", c_char_p),
        ("run_id", c_char_p),
        ("classes", POINTER(c_char_p)),
        ("class_count", c_size_t),
    )


class RecordFrame(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("discontinuity", c_int32),
        ("sequence", c_int64),
        ("capture_ns", c_int64),
        ("emit_ns", c_int64),
        ("realtime_offset_ns", c_int64),
        ("media_ns", c_int64),
        ("dropped", c_uint64),
        ("skipped", c_uint64),
        ("missed", c_uint64),
        ("interruptions", c_uint64),
        ("queued", c_uint64),
    )


STRUCTS: dict[str, type[Sized]] = {
    "eird_error": Error,
    "eird_options": Options,
    "eird_image": Image,
    "eird_detection": Detection,
    "eird_detections": DetectionList,
    "eird_info": Info,
    "eird_inspection": Inspection,
    "eird_tracker_options": TrackerOptions,
    "eird_frame": Frame,
    "eird_track": Track,
    "eird_track_list": TrackList,
    "eird_recorder_options": RecorderOptions,
    "eird_record_frame": RecordFrame,
}

_SIGNATURES: dict[str, tuple[Any, ...]] = {
    # name: (result, arguments...)
    "eird_version": (c_char_p,),
    "eird_backends": (c_char_p,),
    "eird_package_path": (c_char_p, c_char_p),
    "eird_last_error": (ctypes.c_int, c_void_p, POINTER(Error)),
    "eird_options_init": (None, POINTER(Options), c_uint32),
    "eird_open": (ctypes.c_int, c_char_p, POINTER(Options), POINTER(c_void_p)),
    "eird_clone": (ctypes.c_int, c_void_p, POINTER(c_void_p)),
    "eird_close": (None, c_void_p),
    "eird_detect": (ctypes.c_int, c_void_p, POINTER(Image), POINTER(DetectionList)),
    "eird_reset": (ctypes.c_int, c_void_p),
    "eird_get_info": (ctypes.c_int, c_void_p, POINTER(Info)),
    "eird_inspect": (ctypes.c_int, c_void_p, POINTER(Inspection)),
    "eird_tracker_options_init": (None, POINTER(TrackerOptions), c_uint32),
    "eird_tracker_open": (ctypes.c_int, POINTER(TrackerOptions), POINTER(c_void_p)),
    "eird_tracker_close": (None, c_void_p),
    "eird_tracks": (ctypes.c_int, c_void_p, POINTER(Frame), POINTER(DetectionList), POINTER(TrackList)),
    "eird_tracker_reset": (ctypes.c_int, c_void_p),
    "eird_record_frame_init": (None, POINTER(RecordFrame), c_uint32),
    "eird_recorder_open": (ctypes.c_int, POINTER(RecorderOptions), POINTER(c_void_p)),
    "eird_recorder_close": (None, c_void_p),
    "eird_record": (
        ctypes.c_int,
        c_void_p,
        POINTER(RecordFrame),
        POINTER(DetectionList),
        POINTER(TrackList),
        POINTER(c_char_p),
        POINTER(c_size_t),
    ),
}


class CppError(Exception):
    """A call gave an error."""

    def __init__(self, code: int, title: str, what: str, next_step: str) -> None:
        super().__init__(f"E{code} {title}: {what}; next: {next_step}")
        self.code = f"E{code}"
        self.title = title
        self.what = what
        self.next_step = next_step


class CppLibrary:
    """A build of the library.

    Args:
        path: ``libedge_irdet.so``.
        onnxruntime: the library of ONNX Runtime that its detectors load.
    """

    def __init__(self, path: Path, onnxruntime: Path | None = None) -> None:
        self.path = path
        self.onnxruntime = onnxruntime
        self.api = ctypes.CDLL(str(path))
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(self.api, name)
            function.restype, function.argtypes = result, arguments

    def error_of(self, handle: Any) -> CppError:
        """The last error of a handle, or of the thread."""
        error = Error()
        code = self.api.eird_last_error(handle, error)
        assert code == error.code
        return CppError(
            code, error.title.decode(), error.what.decode(errors="replace"), error.next_step.decode()
        )

    def require(self, code: int, handle: Any = None) -> None:
        """Raise what a call gave."""
        if code:
            error = self.error_of(handle)
            assert error.code == f"E{code}"
            raise error

    def detector(self, package: Path | str, **settings: Any) -> CppDetector:
        """Open a detector."""
        options = Options()
        self.api.eird_options_init(options, ctypes.sizeof(options))
        options.runtime = RUNTIMES[settings.pop("runtime", "cpu")]
        options.precision = PRECISIONS[settings.pop("precision", None)]
        options.nms = RULES[settings.pop("nms", None)]
        if self.onnxruntime is not None:
            options.onnxruntime = str(self.onnxruntime).encode()
        for name, value in settings.items():
            setattr(options, name, value.encode() if isinstance(value, str) else value)
        handle = c_void_p()
        self.require(self.api.eird_open(str(package).encode(), options, ctypes.byref(handle)))
        return CppDetector(self, handle)

    def tracker(self, **settings: Any) -> CppTracker:
        """Open a tracker."""
        options = TrackerOptions()
        self.api.eird_tracker_options_init(options, ctypes.sizeof(options))
        for name, value in settings.items():
            setattr(options, name, value)
        handle = c_void_p()
        self.require(self.api.eird_tracker_open(options, ctypes.byref(handle)))
        return CppTracker(self, handle)

    def recorder(
        self, source: str, run_id: str, classes: tuple[str, ...], source_index: int = 0
    ) -> CppRecorder:
        """Open a record writer."""
        names = (c_char_p * len(classes))(*(name.encode() for name in classes))
        options = RecorderOptions(
            source_index=source_index,
            source=source.encode(),
            run_id=run_id.encode(),
            classes=names,
            class_count=len(classes),
        )
        handle = c_void_p()
        self.require(self.api.eird_recorder_open(options, ctypes.byref(handle)))
        return CppRecorder(self, handle)


@dataclass(frozen=True)
class CppDetections:
    """Copies of what the C++ detector gave."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    centroids: NDArray[np.float64]
    scr: NDArray[np.float64]
    shutter: bool
    raw: DetectionList


class _Closing:
    _close: str

    def __init__(self, library: CppLibrary, handle: c_void_p) -> None:
        self.library = library
        self.handle = handle

    def close(self) -> None:
        getattr(self.library.api, self._close)(self.handle)
        self.handle = c_void_p()

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CppDetector(_Closing):
    """A detector of the C++ library."""

    _close = "eird_close"

    def detect(self, image: NDArray[Any], pixel_format: str | None = None, **changes: Any) -> CppDetections:
        """Detect in a frame; ``changes`` are fields of the image to state otherwise."""
        view = image_view(image, pixel_format, **changes)
        found = DetectionList()
        self.library.require(
            self.library.api.eird_detect(self.handle, view, ctypes.byref(found)), self.handle
        )
        assert found.stride == ctypes.sizeof(Detection)
        items = [found.items[index] for index in range(found.count)]
        return CppDetections(
            np.array([list(item.box) for item in items], np.float32).reshape(-1, 4),
            np.array([item.score for item in items], np.float32),
            np.array([item.class_id for item in items], np.int64),
            np.array([list(item.centroid) for item in items], np.float64).reshape(-1, 2),
            np.array([item.scr for item in items], np.float64),
            bool(found.shutter),
            found,
        )

    def clone(self) -> CppDetector:
        """Another one on the same weights."""
        handle = c_void_p()
        self.library.require(self.library.api.eird_clone(self.handle, ctypes.byref(handle)), self.handle)
        return CppDetector(self.library, handle)

    def reset(self) -> None:
        """Forget the frames."""
        self.library.require(self.library.api.eird_reset(self.handle), self.handle)

    @property
    def info(self) -> Info:
        """What runs."""
        info = Info()
        self.library.require(self.library.api.eird_get_info(self.handle, ctypes.byref(info)), self.handle)
        return info

    @property
    def inspection(self) -> Inspection:
        """What the last frame was inside."""
        found = Inspection()
        self.library.require(self.library.api.eird_inspect(self.handle, ctypes.byref(found)), self.handle)
        return found

    @property
    def tensor(self) -> NDArray[np.uint8]:
        """[H, W] of the last frame."""
        info, found = self.info, self.inspection
        return np.ctypeslib.as_array(found.tensor, (info.input_height, info.input_width)).copy()

    @property
    def outputs(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes [N, 4] and scores [N, classes] of the last frame."""
        found = self.inspection
        return (
            np.ctypeslib.as_array(found.boxes, (found.box_count, 4)).copy(),
            np.ctypeslib.as_array(found.scores, (found.box_count, found.class_count)).copy(),
        )


class CppTracker(_Closing):
    """A tracker of the C++ library."""

    _close = "eird_tracker_close"

    def update(self, capture_ns: int, detections: DetectionList, discontinuity: bool = False) -> TrackList:
        """Take a frame."""
        tracks = TrackList()
        code = self.library.api.eird_tracks(
            self.handle,
            Frame(discontinuity=int(discontinuity), capture_ns=capture_ns),
            detections,
            ctypes.byref(tracks),
        )
        self.library.require(code, self.handle)
        return tracks

    def reset(self) -> None:
        """End all tracks."""
        self.library.require(self.library.api.eird_tracker_reset(self.handle), self.handle)


class CppRecorder(_Closing):
    """A record writer of the C++ library."""

    _close = "eird_recorder_close"

    def line(self, detections: DetectionList, tracks: TrackList | None = None, **fields: Any) -> bytes:
        """One record."""
        frame = RecordFrame()
        self.library.api.eird_record_frame_init(frame, ctypes.sizeof(frame))
        for name, value in fields.items():
            setattr(frame, name, value)
        text, size = c_char_p(), c_size_t()
        code = self.library.api.eird_record(
            self.handle, frame, detections, tracks, ctypes.byref(text), ctypes.byref(size)
        )
        self.library.require(code, self.handle)
        assert text.value is not None
        assert len(text.value) == size.value
        return text.value


def image_view(image: NDArray[Any], pixel_format: str | None = None, **changes: Any) -> Image:
    """The view of an array; it must outlive the call."""
    named = pixel_format or ("grey16" if image.dtype == np.uint16 else "bgr8" if image.ndim == 3 else "grey8")
    view = Image(
        format=FORMATS[named],
        data=image.ctypes.data,
        bytes=(image.shape[0] - 1) * image.strides[0] + image.shape[1] * image.strides[1]
        if image.size
        else 0,
        width=image.shape[1],
        height=image.shape[0],
        pitch=image.strides[0],
    )
    for name, value in changes.items():
        setattr(view, name, value)
    return view


def detection_list(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    classes: NDArray[np.int64],
    centroids: NDArray[np.float64],
    scr: NDArray[np.float64],
    **fields: Any,
) -> DetectionList:
    """Detections that a host made itself; the arrays are copied."""
    items = (Detection * max(1, len(scores)))()
    for item, box, score, class_id, centroid, ratio in zip(
        items,
        boxes.tolist(),
        scores.tolist(),
        classes.tolist(),
        centroids.tolist(),
        scr.tolist(),
        strict=False,
    ):
        item.size = ctypes.sizeof(Detection)
        item.box, item.centroid = (c_float * 4)(*box), (c_double * 2)(*centroid)
        item.score, item.class_id, item.scr = score, class_id, ratio
    found = DetectionList(stride=ctypes.sizeof(Detection), items=items, count=len(scores), **fields)
    found.keep = items
    return found
