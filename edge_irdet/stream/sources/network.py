"""Network streams, through OpenCV's FFmpeg."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

import cv2
from numpy.typing import NDArray

from edge_irdet.errors import ExtraMissingError, FrameFormatError, OptionError, SourceLostError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.opencv_capture import cut_depth, grey_of_decoded, is_grey16, open_ffmpeg
from edge_irdet.stream.sources.reachability import explain_refusal, require_reachable
from edge_irdet.stream.sources.reading_thread import ReadingThread
from edge_irdet.stream.sources.source import READ_SECONDS, Source
from edge_irdet.stream.sources.timestamps import TimestampGaps
from edge_irdet.stream.uri import check_parameters, redact_uri

TRANSPORTS = {"tcp": "tcp", "udp": "udp", "multicast": "udp_multicast"}
"""Our names of RTSP transports -> FFmpeg's."""

OPTIONS = "fpsprobesize;2|fflags;discardcorrupt"
"""FFmpeg format options. Two pictures tell the rate, instead of up to a second of them; packets that the
demuxer knows to be damaged are thrown away: they leave a gap in time instead of an invented picture."""

FRAME_TYPE: int | None = getattr(cv2, "CAP_PROP_FRAME_TYPE", None)
"""The property that tells key pictures; OpenCV before 4.7 does not have it, and cannot tell."""

KEY_PICTURE = ord("I")


@dataclass(frozen=True)
class NetworkAddress:
    """What a network URI says."""

    url: str
    """For FFmpeg, with credentials, without our parameters."""

    transport: str
    """Key of :data:`TRANSPORTS`; RTSP only."""

    silence_s: float
    """Seconds for which the server may be silent, at opening and later, before it counts as lost."""

    threads: int
    """Decoder threads."""


@dataclass(frozen=True, slots=True)
class _Picture:
    image: NDArray[Any]
    captured_ns: int
    seconds: float
    key: bool


class _Decoder:
    """One opened capture; its :meth:`read_one` runs in the reading thread."""

    def __init__(self, capture: cv2.VideoCapture, source: NetworkSource) -> None:
        self._capture = capture
        self._source = source
        self._pool = ImagePool()
        self._decoded: Any = None
        self._count = 0

    def read_one(self) -> _Picture:
        started = time.monotonic()
        good, raw = self._capture.read(self._decoded)
        captured_ns = time.monotonic_ns()
        if not good:
            raise self._source.lost(self._count, time.monotonic() - started)
        self._decoded = raw
        self._count += 1
        image = grey_of_decoded(raw, self._pool)
        if image is None:
            raise FrameFormatError(
                f"{self._source.uri} decodes to {raw.dtype} {raw.shape}, neither 16-bit grey nor BGR",
                "have it sent as 8-bit YUV, as MJPEG or as 16-bit grey",
            )
        return _Picture(
            image,
            captured_ns,
            self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0,
            FRAME_TYPE is None or int(self._capture.get(FRAME_TYPE)) == KEY_PICTURE,
        )

    def release(self) -> None:
        self._capture.release()


class NetworkSource(Source):
    """Frames of a network stream: RTSP, HTTP (MJPEG, HLS, files), MPEG-TS over TCP or UDP.

    A network stream has no end: whatever ends it is :class:`SourceLostError`. Pictures before the first key
    picture are passed over, because the decoder makes up what is missing in them; so are, over transports
    that lose packets (UDP, and plain TCP, which may relay them), those between a loss and the next key
    picture. Over the others an encoder that sends no key pictures at all (intra refresh) is believed after
    the time of silence.

    Args:
        uri: as the user wrote it.
        address: what it says.
    """

    usage: ClassVar[str] = (
        "rtsp|rtsps|http|https|tcp|udp://HOST:PORT/PATH[#transport=udp&silence=5&threads=1]   network stream"
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, address: NetworkAddress) -> None:
        super().__init__(uri)
        self.address = address
        self._split: SplitResult = urlsplit(address.url)
        self._lossy = self._split.scheme in ("udp", "tcp") or (
            self._split.scheme.startswith("rtsp") and address.transport != "tcp"
        )
        self._thread: ReadingThread[_Picture] | None = None
        self._rate: float | None = None
        self._gaps = TimestampGaps()
        self._sequence = 0
        self._shape: tuple[int, ...] | None = None
        self._damaged_since: float | None = None
        self._lost_before = False

    @property
    def rate(self) -> float | None:
        """Frames per second that the stream declares."""
        return self._rate

    def open(self) -> None:
        """Connect, and find the video.

        Raises:
            ExtraMissingError: this OpenCV has no FFmpeg.
            SourceLostError: not reachable, refused, silent, or no video; with what the server said.
            FrameFormatError: more than 8 bits per pixel that are not 16-bit grey.
        """
        self.close()
        if not cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
            raise ExtraMissingError(
                f"OpenCV {cv2.__version__} in {cv2.__file__} was built without FFmpeg",
                "pip install opencv-python-headless, or read the stream with gst: (docs/guides/sources.md)",
            )
        if self._split.scheme in ("rtsp", "rtsps", "http", "https"):
            require_reachable(self._split, self.uri)
        silence_ms = round(1000 * self.address.silence_s)
        parameters = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, silence_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, silence_ms]
        if hasattr(cv2, "CAP_PROP_N_THREADS"):  # before OpenCV 4.7: as many as there are cores
            parameters += [cv2.CAP_PROP_N_THREADS, self.address.threads]
        started = time.monotonic()
        capture = open_ffmpeg(self.address.url, self._options(), parameters)
        if not capture.isOpened():
            waited = time.monotonic() - started
            silent = waited >= 0.9 * self.address.silence_s
            reason = f"nothing usable within {waited:.1f} s" if silent else explain_refusal(self._split)
            raise SourceLostError(f"{self.uri} cannot be opened: {reason}", self._what_to_check())
        self._require_depth(capture)
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self._rate = rate if 0.0 < rate < 1000.0 else None
        self._gaps, self._sequence, self._shape = TimestampGaps(), 0, None
        self._damaged_since, self._lost_before, self.missed = time.monotonic(), False, 0
        decoder = _Decoder(capture, self)
        self._thread = ReadingThread(f"read {self._split.hostname}", decoder.read_one, decoder.release)

    def read(self) -> Frame | None:
        """The next frame.

        Raises:
            SourceLostError: the connection ended, or the server was silent for too long.
            ReadTimeout: no picture within :data:`READ_SECONDS`.
            FrameFormatError: the pixel format is not one of grey, YUV or BGR.
        """
        if self._thread is None:
            return None
        deadline = time.monotonic() + READ_SECONDS
        while True:
            picture = self._thread.get(deadline - time.monotonic())
            if (frame := self._frame_of(picture)) is not None:
                return frame

    def close(self) -> None:
        """Leave the server."""
        if self._thread is not None:
            self._thread.close()
            self._thread = None

    def lost(self, count: int, waited_s: float) -> SourceLostError:
        """The error for a stream that gave ``count`` pictures and then failed after ``waited_s``."""
        if waited_s >= 0.9 * self.address.silence_s:
            happened = f"was silent for {waited_s:.1f} s"
        else:
            happened = "ended or was broken off"
        return SourceLostError(
            f"{self.uri} {happened} after {count} pictures",
            "is the camera still on and the network up? a recording is not a live source: "
            "download it and name the file",
        )

    def _frame_of(self, picture: _Picture) -> Frame | None:
        """The frame, or None for a picture that may be damaged."""
        missing = self._gaps.missing_before(picture.seconds)
        if missing != 0:
            self.missed += missing or 0
            self._sequence += missing or 0
            self._lost_before = True
            if self._lossy and self._damaged_since is None:
                self._damaged_since = time.monotonic()
        sequence = self._sequence
        self._sequence += 1
        if picture.key:
            self._damaged_since = None
        if self._damaged_since is not None and self._is_damaged(self._damaged_since):
            self.skips.add(f"picture {sequence}: before the next key picture")
            return None
        self._damaged_since = None
        changed = self._shape is not None and picture.image.shape != self._shape
        self._shape = picture.image.shape
        discontinuity, self._lost_before = changed or self._lost_before, False
        return Frame(
            image=picture.image,
            sequence=sequence,
            capture_ns=picture.captured_ns,
            source=self.uri,
            pixel_format=pixel_format_of(picture.image),
            discontinuity=discontinuity,
        )

    def _is_damaged(self, since: float) -> bool:
        if time.monotonic() - since <= self.address.silence_s:
            return True
        if self._lossy:
            raise SourceLostError(
                f"{self.uri} sent no key picture for {self.address.silence_s:g} s after opening or a loss",
                "set the encoder to a key picture every one or two seconds",
            )
        return False

    def _options(self) -> str:
        if not self._split.scheme.startswith("rtsp"):
            return OPTIONS
        return f"{OPTIONS}|rtsp_transport;{TRANSPORTS[self.address.transport]}"

    def _what_to_check(self) -> str:
        if self._split.scheme == "rtsp":
            other = "udp" if self.address.transport == "tcp" else "tcp"
            return (
                f"check user, password, port and path; or try {self.uri.partition('#')[0]}#transport={other}"
            )
        if self._split.scheme == "udp":
            return "is the sender's target this machine and port? for multicast name the group: udp://@GROUP:PORT"
        return "check user, password, port and path with another player"

    def _require_depth(self, capture: cv2.VideoCapture) -> None:
        depth = cut_depth(capture)
        if is_grey16(capture):
            # OpenCV's own conversion would silently cut the counts down to 8-bit BGR.
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        elif depth is not None:
            capture.release()
            raise FrameFormatError(
                f"{self.uri} has {depth} bits per pixel, which OpenCV would cut down to 8",
                "have it sent with 8 bits, or as 16-bit grey (gray16le)",
            )


def network_address(uri: str) -> NetworkAddress:
    """What a network URI says.

    Everything before ``#`` is the server's and goes to FFmpeg as it is; our own parameters stand behind it,
    where a URL has its fragment, which is never sent to a server (RFC 3986, section 3.5).

    Raises:
        OptionError: no host, characters that a URL cannot have, an unknown parameter or a value out of range.
    """
    shown = redact_uri(uri).partition("#")[0]
    if re.search(r"[\s\x00-\x1f\x7f]", uri):
        raise OptionError("a network URL has a space or control character in it", "write a space as %20")
    if "#" in uri.rpartition("@")[0]:
        raise OptionError(
            "a network URL has a # before its @, where user and password stand", "write a # there as %23"
        )
    url, _, fragment = uri.partition("#")
    scheme, _, rest = url.partition(":")
    url = f"{scheme.lower()}:{rest}"
    try:
        split = urlsplit(url)
        good = rest.startswith("//") and (split.hostname or split.scheme == "udp") and (split.port != 0)
    except ValueError:
        good = False
    if not good or (split.scheme in ("tcp", "udp") and split.port is None):
        raise OptionError(f"{shown!r} has no host and port to connect to", f"write {NetworkSource.usage}")
    try:
        pairs = parse_qsl(fragment, keep_blank_values=True, strict_parsing=bool(fragment))
    except ValueError as error:
        raise OptionError(
            f"what stands behind the # of {shown!r} cannot be read", "write #name=value&name=value"
        ) from error
    given = dict(pairs)
    if len(given) < len(pairs):
        raise OptionError(f"{shown!r} has a parameter twice behind its #", "write each parameter once")
    known = ("silence", "threads")
    check_parameters(shown, given, ("transport", *known) if split.scheme.startswith("rtsp") else known)
    transport = given.get("transport", "tcp")
    if transport not in TRANSPORTS:
        raise OptionError(f"transport={transport!r} is not known", f"choose one of: {', '.join(TRANSPORTS)}")
    return NetworkAddress(
        url=url,
        transport=transport,
        silence_s=_number("silence", given.get("silence", "5"), 1.0, 60.0),
        threads=int(_number("threads", given.get("threads", "1"), 1.0, 16.0)),
    )


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not low <= value <= high:
        raise OptionError(f"{name}={text} is not a number from {low:g} to {high:g}", f"write {name}={low:g}")
    return value
