"""JPEG pictures of a source's newest frame, made at most once a frame and only when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.preview.newest import Kept, NewestFrames
from edge_irdet.record import Record
from edge_irdet.stream.overlay import COASTING, DISPLAY_PERCENTILES, Trails, display_scale, draw, label
from edge_irdet.stream.status import SourceState, SourceStatus

STALE_SECONDS = 2.0
"""A picture that has not been followed by another for this long is marked as old."""

SAMPLE_STEP = 4
"""Every fourth row and column is enough for the percentiles of the display: a tenth of the time."""

OLD_PICTURE = (70, 90, 255)


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame as it goes to a viewer."""

    jpeg: bytes
    """Encoded picture."""

    record: Record
    """Of the same frame."""

    version: int
    """Of the frame, see :class:`edge_irdet.preview.newest.Kept`."""

    written_ns: int
    """When the frame came from the pipeline, monotonic clock."""

    old: str | None = None
    """What the picture is marked with where it is not live; None where it is."""


class Pictures:
    """Pictures of all sources. It belongs to the server's thread.

    Args:
        frames: where the newest frames are.
        quality: of the JPEG, 1..100.
    """

    def __init__(self, frames: NewestFrames, quality: int) -> None:
        self._frames = frames
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, quality]
        self._plain: dict[str, Picture] = {}
        self._marked: dict[str, Picture] = {}
        self._trails: dict[str, Trails] = {}

    def plain(self, source: str) -> Picture | None:
        """The newest frame in grey, for a viewer that draws for itself; None before the first."""
        kept = self._take(source)
        if kept is None:
            return None
        made = self._plain.get(source)
        if made is None or made.version != kept.version:
            made = Picture(self._encode(display_picture(kept)), kept.record, kept.version, kept.written_ns)
            self._plain[source] = made
        return made

    def marked(self, source: str, old: str | None) -> Picture | None:
        """The newest frame with its detections, tracks and trails drawn in; None before the first frame.

        Args:
            source: URI as in the records.
            old: why the picture is not live; it is then darkened and has this written across.
        """
        kept = self._take(source)
        if kept is None:
            return None
        made = self._marked.get(source)
        if made is not None and (made.version, made.old) == (kept.version, old):
            return made
        trails = self._trails.setdefault(source, Trails())
        scale = display_scale(kept.record.width)
        picture = draw(display_picture(kept), kept.record, scale, trails=trails)
        if kept.record.shutter:
            label(picture, "shutter closed: nothing can be seen", (6, 34), COASTING)
        if old is not None:
            mark_as_old(picture, old)
        made = Picture(self._encode(picture), kept.record, kept.version, kept.written_ns, old)
        self._marked[source] = made
        return made

    def made(self, source: str, marked: bool) -> Picture | None:
        """What :meth:`marked` or :meth:`plain` made last; None where it made nothing yet."""
        return (self._marked if marked else self._plain).get(source)

    def written_ns(self, source: str) -> int | None:
        """When the source's newest frame came, monotonic clock; None before the first."""
        kept = self._take(source)
        return None if kept is None else kept.written_ns

    def _take(self, source: str) -> Kept | None:
        slot = self._frames.slot(source)
        return None if slot is None else slot.take()

    def _encode(self, picture: NDArray[np.uint8]) -> bytes:
        encoded, content = cv2.imencode(".jpg", picture, self._quality)
        assert encoded, "JPEG takes any 8-bit picture of up to 65500 pixels a side"
        return content.tobytes()


def display_picture(kept: Kept) -> NDArray[np.uint8]:
    """8-bit picture of a frame, as :func:`edge_irdet.stream.overlay.display_grey` but ten times as fast.

    The percentiles are those of every fourth row and column, and the stretching is OpenCV's, which does not
    hold the interpreter's lock.
    """
    image = kept.image
    if image.dtype == np.uint8:
        return image.view(np.uint8)
    low, high = np.percentile(image[::SAMPLE_STEP, ::SAMPLE_STEP], DISPLAY_PERCENTILES)
    # Both saturate: what lies below is black, what lies above is white.
    above = cv2.subtract(image, float(low))  # type: ignore[call-overload]  # takes a number too
    return np.asarray(cv2.convertScaleAbs(above, alpha=255.0 / max(high - low, 1.0)), np.uint8)


def age_mark(status: SourceStatus | None, kept_ns: int, now_ns: int) -> str | None:
    """What to write on a picture that is not live; None where it is.

    Args:
        status: of its source, None where unknown.
        kept_ns: when its frame came, monotonic clock.
        now_ns: now, same clock.
    """
    age = max(0.0, (now_ns - kept_ns) / 1e9)
    if status is not None and status.state is not SourceState.RUNNING:
        lasting = max(0.0, (now_ns - status.since_ns) / 1e9)
        return f"OLD PICTURE: source {status.state.value} for {lasting:.0f} s"
    return f"OLD PICTURE: no frame for {age:.0f} s" if age > STALE_SECONDS else None


def mark_as_old(picture: NDArray[np.uint8], text: str) -> None:
    """Darken a BGR picture in place, cross it out and write across it, so that nobody takes it for live."""
    cv2.convertScaleAbs(picture, picture, 0.4)
    height, width = picture.shape[:2]
    cv2.line(picture, (0, 0), (width - 1, height - 1), OLD_PICTURE, 1, cv2.LINE_AA)
    cv2.line(picture, (0, height - 1), (width - 1, 0), OLD_PICTURE, 1, cv2.LINE_AA)
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), OLD_PICTURE, 4)
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.8
    (wide, high), _ = cv2.getTextSize(text, font, size, 2)
    size *= min(1.0, 0.94 * width / wide)
    (wide, high), _ = cv2.getTextSize(text, font, size, 2)
    place = ((width - wide) // 2, (height + high) // 2)
    cv2.putText(picture, text, place, font, size, (0, 0, 0), 6, cv2.LINE_AA)
    cv2.putText(picture, text, place, font, size, OLD_PICTURE, 2, cv2.LINE_AA)
