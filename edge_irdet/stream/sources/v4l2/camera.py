"""V4L2 cameras as a source."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from edge_irdet.errors import SourceLostError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.source import READ_SECONDS, ReadTimeout, Source
from edge_irdet.stream.sources.v4l2 import structures as v4l2
from edge_irdet.stream.sources.v4l2.buffers import CaptureBuffers
from edge_irdet.stream.sources.v4l2.description import read_identity, require_capture
from edge_irdet.stream.sources.v4l2.device import (
    POLL_ERR,
    POLL_HUP,
    POLL_NVAL,
    OpenDevice,
    VideoDevice,
    camera_error,
    open_kernel_device,
)
from edge_irdet.stream.sources.v4l2.negotiation import Agreement, negotiate
from edge_irdet.stream.sources.v4l2.numbering import SequenceNumbers
from edge_irdet.stream.sources.v4l2.request import CameraRequest

LONGEST_AGE_NS = 2_000_000_000
"""From the kernel's stamp, the start of the exposure with some drivers, to a buffer that is full."""

_LOST = POLL_ERR | POLL_HUP | POLL_NVAL


class V4L2Source(Source):
    """Frames of a V4L2 camera: all bits of 16-bit grey formats, GREY, the luma of YUYV, UYVY and MJPG.

    Frames have the kernel's capture time where the driver stamps with the monotonic clock, and the driver's
    sequence numbers, counted from 0 at opening.

    Args:
        uri: as the user wrote it.
        device: for example ``/dev/video0``.
        wanted: what is asked of it.
        open_device: opens it; tests put a fake camera here.
    """

    usage: ClassVar[str] = (
        "/dev/videoN or v4l2:///dev/videoN[?format=Y16&size=640x512&rate=30&telemetry=top:2&crop=0,0,320x256]"
        "   V4L2 camera"
    )
    live: ClassVar[bool] = True

    def __init__(
        self,
        uri: str,
        device: Path,
        wanted: CameraRequest | None = None,
        open_device: OpenDevice = open_kernel_device,
    ) -> None:
        super().__init__(uri)
        self.device = device
        self.wanted = wanted or CameraRequest()
        self.stamps_replaced = 0
        """Frames since opening whose stamp was impossible and replaced by the time of reading: it lay in the
        future, not after the one before, or long before the frame was waited for."""
        self._open_device = open_device
        self._handle: VideoDevice | None = None
        self._buffers: CaptureBuffers | None = None
        self._agreement: Agreement | None = None
        self._pool = ImagePool()
        self._image: NDArray[Any] | None = None
        self._reset()

    def _reset(self) -> None:
        self._numbers = SequenceNumbers()
        self._broken = False
        self._last_capture_ns = 0
        self._image = None
        self.missed = 0
        self.stamps_replaced = 0

    @property
    def rate(self) -> float | None:
        """Frames per second that the driver states."""
        return self._agreement.rate if self._agreement else None

    @property
    def negotiated(self) -> str | None:
        """What the camera gives, such as ``Y16 640x512 at 60 fps, kernel time stamps``; None while closed."""
        agreement, buffers = self._agreement, self._buffers
        if agreement is None or buffers is None:
            return None
        if not buffers.stamps_are_monotonic:
            clock = "time stamps at reading (the driver has none of the monotonic clock)"
        elif self.stamps_replaced:
            clock = f"kernel time stamps ({self.stamps_replaced} were impossible: time of reading instead)"
        else:
            clock = "kernel time stamps"
        return f"{agreement.description}, {clock}"

    def open(self) -> None:
        """Open the camera, set what is asked of it and start it.

        Raises:
            CameraError: no such device, no permission, not a camera, busy, or it does not give what is asked.
        """
        self.close()
        self._reset()
        try:
            self._handle = self._open_device(self.device)
            identity, capabilities = read_identity(self.device, self._handle)
            require_capture(self.device, identity, capabilities)
            self._agreement = negotiate(self.device, self._handle, self.wanted)
            self._buffers = CaptureBuffers(self.device, self._handle, self._agreement.layout)
            self._buffers.start()
        except OSError as error:
            self.close()
            raise camera_error(self.device, error, "being opened") from error
        except BaseException:
            self.close()
            raise

    def read(self) -> Frame | None:
        """The next frame.

        Raises:
            SourceLostError: the camera was unplugged, or its driver gave up.
            ReadTimeout: it gave nothing for :data:`READ_SECONDS`.
        """
        handle, buffers = self._handle, self._buffers
        if handle is None or buffers is None:
            return None
        deadline = time.monotonic() + READ_SECONDS
        try:
            while True:
                events, oldest_ns = handle.wait(0.0), 0
                if not events:
                    # Nothing was there: what comes now is new, and its stamp has to say so.
                    oldest_ns = time.monotonic_ns() - LONGEST_AGE_NS
                    events = handle.wait(deadline - time.monotonic())
                if events & _LOST:
                    raise self._lost("its driver reports an error")
                taken = buffers.take() if events else None
                frame = self._frame_of(buffers, taken, oldest_ns) if taken is not None else None
                if frame is not None:
                    return frame
                if time.monotonic() >= deadline:
                    raise ReadTimeout(f"{self.device} gave no frame for {READ_SECONDS:g} s")
        except OSError as error:
            raise self._lost(f"its driver answers: {error.strerror}") from error

    def close(self) -> None:
        """Stop the camera and give it back; may be called again."""
        if self._buffers is not None:
            self._buffers.stop()
            self._buffers = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None
        self._agreement = None

    def _frame_of(self, buffers: CaptureBuffers, taken: v4l2.Buffer, oldest_ns: int) -> Frame | None:
        assert self._agreement is not None
        arrived_ns = time.monotonic_ns()
        step = self._numbers.advance(taken.sequence)
        self.missed += step.missed
        self._broken = self._broken or step.broken
        image = self._image
        if image is None:
            window, dtype = self._agreement.layout.window, self._agreement.layout.pixel_format.dtype
            image = self._pool.take((window.height, window.width), dtype)
        # Kept for the next frame where this one fails.
        self._image = image
        if taken.flags & v4l2.BUF_FLAG_ERROR:
            problem: str | None = "its driver marked it as damaged"
        else:
            problem = buffers.copy(taken, image)
        buffers.lend(taken.index)
        if problem is not None:
            self.skips.add(f"frame {step.sequence}: {problem}")
            self._broken = True
            return None
        frame = Frame(
            image=image,
            sequence=step.sequence,
            capture_ns=self._capture_ns(buffers, taken, oldest_ns, arrived_ns),
            source=self.uri,
            pixel_format=pixel_format_of(image),
            discontinuity=self._broken,
        )
        self._broken, self._image = False, None
        return frame

    def _capture_ns(
        self, buffers: CaptureBuffers, taken: v4l2.Buffer, oldest_ns: int, arrived_ns: int
    ) -> int:
        capture_ns = arrived_ns
        if buffers.stamps_are_monotonic:
            stamp_ns = taken.timestamp.tv_sec * 1_000_000_000 + taken.timestamp.tv_usec * 1_000
            # Some drivers mark another clock as the monotonic one, or give one stamp to several frames.
            if max(self._last_capture_ns + 1, oldest_ns) <= stamp_ns <= arrived_ns:
                capture_ns = stamp_ns
            else:
                self.stamps_replaced += 1
        self._last_capture_ns = capture_ns
        return capture_ns

    def _lost(self, reason: str) -> SourceLostError:
        return SourceLostError(
            f"{self.device} was lost: {reason}",
            "check its cable and power, and what its driver says: sudo dmesg | tail",
        )
