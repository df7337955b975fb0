"""1xx: sources and frames."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class UnknownSourceError(EdgeIrdetError):
    """The source URI has a scheme or form that no source answers to."""

    code = "E101"
    title = "unknown source"
    when = "`--source` has a form that no source accepts."
    check = "The spelling before the colon. The message lists every form and suggests the nearest."
    fix = "Use one of the listed forms. `edge-irdet sources` shows them too."


class SourceMissingError(EdgeIrdetError):
    """The source names a file, folder, pattern or device that is not there."""

    code = "E102"
    title = "source missing"
    when = "The file, folder or pattern does not exist, or contains no image and no video."
    check = "`ls` the path. Put patterns in quotes, or the shell expands them."
    fix = "Correct the path. No output was created."


class SourceTruncatedError(EdgeIrdetError):
    """The source opened but cannot be read to its declared end."""

    code = "E103"
    title = "source truncated"
    when = (
        "A video ends before the number of frames that its container declares, or holds no readable frame. "
        "Usually a recording or a download was interrupted."
    )
    check = (
        "The message says how many frames were good. `ffprobe FILE` shows how many the container declares."
    )
    fix = "Record or copy the file again. The records of the good frames are written and valid."


class FrameUnreadableError(EdgeIrdetError):
    """One frame of a source could not be decoded."""

    code = "E104"
    title = "frame unreadable"
    when = "Not one image of a folder could be read."
    check = "`file IMAGE` for the image that the message names."
    fix = "Use images of 8 or 16 bits, grey or colour, without alpha channel."


class FrameFormatError(EdgeIrdetError):
    """A frame has a shape or dtype that a detector must not guess about (RGBA, float, ...)."""

    code = "E105"
    title = "frame format"
    when = (
        "A frame is not a uint8 or uint16 array [H, W]: it has an alpha channel, floats or signed values, is "
        "empty, or its video has an unknown pixel format."
    )
    check = "`frame.dtype` and `frame.shape` in Python; `ffprobe FILE` for the pixel format of a video."
    fix = "Convert the frame first. The meaning of an alpha channel or of a float range cannot be guessed."


class FrameSizeChangedError(EdgeIrdetError):
    """A frame has another size than the ones before it, where the consumer cannot follow."""

    code = "E106"
    title = "frame size changed"
    when = "An output of one fixed size, such as an overlay video, received a frame of another size."
    check = "The message gives both sizes and the number of the frame."
    fix = (
        "Omit the overlay video. `.jsonl`, `.txt` and `.png` outputs take frames of any size; the record of "
        "the first frame of a new size has `discontinuity` set."
    )


class SixteenBitUnmappedError(EdgeIrdetError):
    """A 16-bit frame arrived and no 16 -> 8 bit mapping was named."""

    code = "E107"
    title = "16-bit mapping not named"
    when = "A 16-bit frame arrived, and neither the package nor the command names a mapping to 8 bits."
    check = "The message gives the range of counts in the frame."
    fix = (
        "`--map16 linear-percentile@15` adapts to the scene, `--map16 plateau` suits scenes whose hot and "
        "cold areas are far apart, `--map16 fixed-range:LOW,HIGH` gives the same counts the same grey every "
        'time. In Python: `DetectorConfig(sixteen_bit=parse_mapping("linear-percentile@15"))`.'
    )


class CameraError(EdgeIrdetError):
    """A camera could not be opened, configured or read."""

    code = "E108"
    title = "camera"
    when = (
        "A camera does not exist, is not a video device, is busy, refuses the requested format, or sends "
        "data of an unknown form. Also: a GStreamer pipeline does not start, or a host process sends no "
        "valid frame to its socket."
    )
    check = (
        "`edge-irdet sources` lists the cameras, their formats, and why one cannot be opened. "
        "`fuser -v /dev/videoN` shows which process holds a camera."
    )
    fix = (
        "Stop the other process, join the group (`sudo usermod -aG video $USER`), request a format that the "
        "camera has (`'/dev/videoN?format=Y16&size=640x512'`), check cable and power. "
        "A camera that is lost while it runs is E110."
    )


class FramesSkippedError(EdgeIrdetError):
    """The stream came to its end, but frames were skipped on the way because they could not be read."""

    code = "E109"
    title = "frames skipped"
    when = (
        "A file or folder was read to its end, but some frames could not be read and were skipped. "
        "Live sources only count skipped frames."
    )
    check = (
        "The message names the first skipped frames. Records count them in `skipped`; the frame after a "
        "skipped one has `discontinuity` set."
    )
    fix = "Replace or remove the unreadable files. The records of all other frames are written."


class SourceLostError(EdgeIrdetError):
    """A live source is not reachable now, or was lost; it may come back."""

    code = "E110"
    title = "source lost"
    when = "A camera or network stream cannot be reached, or was lost while it ran."
    check = (
        "Cable and power of the camera; `ping` the host; whether the server of the stream runs, on that "
        "port and path."
    )
    fix = (
        "Nothing, if the source was lost while it ran: reconnection is retried until it is back. "
        "For a source that starts later than the command, allow time with `--wait-for-source SECONDS`."
    )
