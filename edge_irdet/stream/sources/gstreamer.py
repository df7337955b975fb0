"""GStreamer pipelines and the CSI cameras of a Jetson, through an OpenCV that was built with GStreamer."""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.errors import CameraError, ExtraMissingError, FrameFormatError, OptionError, SourceLostError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.opencv_capture import LOG_NOTHING, quiet_opencv
from edge_irdet.stream.sources.reading_thread import ReadingThread
from edge_irdet.stream.sources.source import READ_SECONDS, ReadTimeout, Source
from edge_irdet.stream.uri import SourceURI, check_parameters, redact_text

APPSINK = "appsink drop=true max-buffers=1 sync=false"
"""What ends a pipeline that has no appsink of its own: the newest picture, as soon as it is there."""

SILENCE_S = 5.0
"""Seconds without a picture after which the pipeline counts as lost."""

START_SECONDS = 10.0
"""Time in which a pipeline must have started; the camera service of a Jetson takes several."""

FORMATS = "video/x-raw,format=GRAY8 (or GRAY16_LE, BGR)"

_APPSINK = re.compile(r"\bappsink\b")
_SECRET_PROPERTY = re.compile(
    r"(?i)((?<![\w-])[\w-]*(?:user|passw|passphrase|secret|token|-pw|proxy-id)[\w-]*\s*=\s*)"
    r"(\"[^\"]*\"?|'[^']*'?|\S+)"
)


class GStreamerSource(Source):
    """Frames of a GStreamer pipeline: GRAY8, all 16 bits of GRAY16_LE, the luma of BGR.

    OpenCV says nothing of a picture's format but its shape, so formats with planes or packed colours (I420,
    NV12, YUY2, BGRx) are refused instead of guessed: the pipeline converts.

    Args:
        uri: as the user wrote it.
        pipeline: for ``gst-launch-1.0``, with or without an appsink at its end.
    """

    usage: ClassVar[str] = (
        "'gst:PIPELINE ! video/x-raw,format=GRAY8'   GStreamer pipeline (OpenCV with GStreamer)"
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, pipeline: str) -> None:
        super().__init__(redact_pipeline(uri))
        self.pipeline = pipeline if _APPSINK.search(pipeline) else f"{pipeline.rstrip(' !')} ! {APPSINK}"
        self._thread: ReadingThread[_Started | _Picture] | None = None
        self._rate: float | None = None
        self._sequence = 0
        self._shape: tuple[int, ...] | None = None
        self._last_ns = 0
        self._has_worked = False

    @property
    def rate(self) -> float | None:
        """Frames per second that the pipeline's caps state."""
        return self._rate

    def open(self) -> None:
        """Start the pipeline.

        Raises:
            ExtraMissingError: this OpenCV has no GStreamer.
            CameraError: the pipeline cannot be started, and has not worked before.
            SourceLostError: it has worked before and cannot be started now, or hangs from the last time.
        """
        require_gstreamer()
        self.close()
        if self._thread is not None:
            raise SourceLostError(
                f"{self.uri} still hangs from the last time, which OpenCV {cv2.__version__} cannot end",
                "restart the process; OpenCV 4.7 or later gives up by itself",
            )
        reader = _Reader(self)
        thread = self._thread = ReadingThread("read gstreamer", reader.read_one, reader.release)
        try:
            started = thread.get(START_SECONDS)
        except ReadTimeout:
            raise self.not_started(f"has not started within {START_SECONDS:g} s") from None
        assert isinstance(started, _Started)
        self._rate = started.rate if 0.0 < started.rate < 1000.0 else None
        self._sequence, self._shape, self._last_ns = 0, None, time.monotonic_ns()

    def read(self) -> Frame | None:
        """The next frame.

        Raises:
            SourceLostError: the pipeline ended, failed, or gave nothing for :data:`SILENCE_S`.
            ReadTimeout: no picture within :data:`READ_SECONDS`.
            FrameFormatError: the pictures are neither GRAY8, GRAY16_LE nor BGR.
        """
        if self._thread is None:
            return None
        try:
            picture = self._thread.get(READ_SECONDS)
        except ReadTimeout:
            silent_s = (time.monotonic_ns() - self._last_ns) / 1e9
            if silent_s < SILENCE_S:
                raise
            raise SourceLostError(
                f"{self.uri} gave no picture for {silent_s:.1f} s", "check the camera's cable and power"
            ) from None
        assert isinstance(picture, _Picture)
        image = picture.image
        self._last_ns, self._has_worked = picture.captured_ns, True
        changed = self._shape is not None and image.shape != self._shape
        self._shape = image.shape
        frame = Frame(image, self._sequence, picture.captured_ns, self.uri, pixel_format_of(image), changed)
        self._sequence += 1
        return frame

    def close(self) -> None:
        """Stop the pipeline."""
        if self._thread is not None:
            self._thread.close()
            if self._thread.ended:
                self._thread = None

    def not_started(self, what: str) -> CameraError | SourceLostError:
        """The error for a pipeline that does not start; one that has worked before may come back."""
        kind = SourceLostError if self._has_worked else CameraError
        shown = _APPSINK.split(redact_pipeline(self.pipeline))[0].rstrip(" !")
        return kind(f"{self.uri} {what}", f"see what GStreamer says: gst-launch-1.0 -v {shown} ! fakesink")


@dataclass(frozen=True, slots=True)
class _Started:
    rate: float


@dataclass(frozen=True, slots=True)
class _Picture:
    image: NDArray[Any]
    captured_ns: int


class _Reader:
    """Starts a pipeline and reads it, all in the reading thread: OpenCV can hang in either."""

    def __init__(self, source: GStreamerSource) -> None:
        self._source = source
        self._capture: cv2.VideoCapture | None = None
        self._pool = ImagePool()
        self._raw: Any = None
        self._count = 0

    def _start(self) -> cv2.VideoCapture:
        parameters = []
        if _has_time_outs():
            silence_ms = round(1000 * SILENCE_S)
            parameters = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                silence_ms,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                silence_ms,
            ]
        with quiet_opencv():
            capture = cv2.VideoCapture(self._source.pipeline, cv2.CAP_GSTREAMER, parameters)
        if not capture.isOpened():
            raise self._source.not_started("cannot be started")
        return capture

    def read_one(self) -> _Started | _Picture:
        if self._capture is None:
            self._capture = self._start()
            return _Started(float(self._capture.get(cv2.CAP_PROP_FPS)))
        good, raw = self._capture.read(self._raw)
        captured_ns = time.monotonic_ns()
        if not good:
            raise SourceLostError(
                f"{self._source.uri} ended or failed after {self._count} pictures",
                "check the camera's cable and power; a recording is not a live source: name the file",
            )
        self._raw = raw
        self._count += 1
        size = (
            int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        )
        image: NDArray[Any]
        if raw.shape == size and raw.dtype in (np.uint8, np.uint16):
            image = self._pool.take(size, np.uint16 if raw.dtype == np.uint16 else np.uint8)
            image[...] = raw
        elif raw.shape == (*size, 3) and raw.dtype == np.uint8:
            image = self._pool.take(size, np.uint8)
            cv2.cvtColor(raw, cv2.COLOR_BGR2GRAY, dst=image)
        else:
            raise FrameFormatError(
                f"{self._source.uri} gives {raw.dtype} {raw.shape} for pictures of {size[1]}x{size[0]}",
                f"end the pipeline with: videoconvert ! {FORMATS}",
            )
        return _Picture(image, captured_ns)

    def release(self) -> None:
        if self._capture is not None:
            self._capture.release()


def require_gstreamer() -> None:
    """Refuse an OpenCV without GStreamer.

    Raises:
        ExtraMissingError: says which OpenCV this is and which have it.
    """
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise ExtraMissingError(
            f"OpenCV {cv2.__version__} in {cv2.__file__} was built without GStreamer, as all pip wheels are",
            "use the system's: apt-get install python3-opencv, then a venv with --system-site-packages "
            "in which: pip uninstall opencv-python-headless",
        )


@functools.cache
def _has_time_outs() -> bool:
    """Whether this OpenCV can end a read of a pipeline that hangs; older ones fail at that property."""
    pipeline = "videotestsrc num-buffers=1 ! video/x-raw,format=GRAY8,width=16,height=16 ! appsink"
    with quiet_opencv(LOG_NOTHING):
        capture = cv2.VideoCapture(
            pipeline, cv2.CAP_GSTREAMER, [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * SILENCE_S)]
        )
        opened = capture.isOpened()
        capture.release()
    return opened


def redact_pipeline(text: str) -> str:
    """A pipeline with the credentials of its URLs and properties (``user-pw=...``) replaced by ``***``."""
    return _SECRET_PROPERTY.sub(r"\1***", redact_text(text))


def pipeline_source(uri: str) -> GStreamerSource:
    """The source of a ``gst:`` URI; everything behind the colon is the pipeline.

    Raises:
        OptionError: there is no pipeline.
    """
    pipeline = uri.partition(":")[2].strip()
    if not pipeline.strip("! "):
        raise OptionError("gst: names no pipeline", f"write {GStreamerSource.usage}")
    return GStreamerSource(uri, pipeline)


CSI_USAGE = "csi://N[?size=1280x720&rate=30&mode=2]   CSI camera N of a Jetson (OpenCV with GStreamer)"

_CSI_PARAMETERS = {
    "size": r"([1-9]\d{1,4})x([1-9]\d{1,4})",
    "rate": r"([1-9]\d{0,3})(?:/([1-9]\d{0,3}))?",
    "mode": r"(\d{1,2})",
}


def csi_source(uri: str, parsed: SourceURI) -> GStreamerSource:
    """The source of a ``csi:`` URI: NVIDIA's nvarguscamerasrc, whose pictures nvvidconv turns to grey.

    Raises:
        OptionError: the camera is not a number, or an unknown parameter or value.
    """
    if not re.fullmatch(r"\d{1,2}", parsed.path):
        raise OptionError(f"{parsed.path!r} is not the number of a CSI camera", f"write {CSI_USAGE}")
    check_parameters(uri, parsed.parameters, tuple(_CSI_PARAMETERS))
    groups: dict[str, tuple[str | Any, ...]] = {}
    for name, value in parsed.parameters.items():
        match = re.fullmatch(_CSI_PARAMETERS[name], value)
        if match is None:
            raise OptionError(f"{name}={value} cannot be read", f"write {CSI_USAGE}")
        groups[name] = match.groups()
    source = f"nvarguscamerasrc sensor-id={parsed.path}"
    caps = "video/x-raw(memory:NVMM)"
    if "mode" in groups:
        source += f" sensor-mode={groups['mode'][0]}"
    if "size" in groups:
        caps += f",width={groups['size'][0]},height={groups['size'][1]}"
    if "rate" in groups:
        caps += f",framerate={groups['rate'][0]}/{groups['rate'][1] or 1}"
    return GStreamerSource(uri, f"{source} ! {caps} ! nvvidconv ! video/x-raw,format=GRAY8")
