"""The one exception family of the package.

Every error says what happened, with which value, and what to run next, and carries a code that has a section
in ``docs/reference/errors.md``. Hundreds are areas: 1xx sources and frames, 2xx model packages,
3xx labelled data, 4xx training and export, 5xx outputs, 6xx runners, 7xx options.
"""

from __future__ import annotations

from typing import ClassVar


class EdgeIrdetError(Exception):
    """Base of all errors this package raises on purpose.

    Attributes:
        code: stable code, for scripts and for ``docs/reference/errors.md``.
        title: the error's name in ``docs/reference/errors.md``.
        what: what happened, with the offending value in it.
        next_step: the command to run, or the thing to change, next.
    """

    code: ClassVar[str] = "E000"
    title: ClassVar[str] = "unclassified"

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.code} {self.title}: {self.what}\n  next: {self.next_step}"


# 1xx sources and frames ----------------------------------------------------------------------------------


class UnknownSourceError(EdgeIrdetError):
    """The source URI has a scheme or form that no source answers to."""

    code = "E101"
    title = "unknown source"


class SourceMissingError(EdgeIrdetError):
    """The source names a file, folder, pattern or device that is not there."""

    code = "E102"
    title = "source missing"


class SourceTruncatedError(EdgeIrdetError):
    """The source opened but cannot be read to its declared end."""

    code = "E103"
    title = "source truncated"


class FrameUnreadableError(EdgeIrdetError):
    """One frame of a source could not be decoded."""

    code = "E104"
    title = "frame unreadable"


class FrameFormatError(EdgeIrdetError):
    """A frame has a shape or dtype that a detector must not guess about (RGBA, float, ...)."""

    code = "E105"
    title = "frame format"


class FrameSizeChangedError(EdgeIrdetError):
    """A frame has another size than the ones before it, where the consumer cannot follow."""

    code = "E106"
    title = "frame size changed"


class SixteenBitUnmappedError(EdgeIrdetError):
    """A 16-bit frame arrived and no 16 -> 8 bit mapping was named."""

    code = "E107"
    title = "16-bit mapping not named"


class CameraError(EdgeIrdetError):
    """A camera could not be opened, configured or read."""

    code = "E108"
    title = "camera"


class FramesSkippedError(EdgeIrdetError):
    """The stream came to its end, but frames were skipped on the way because they could not be read."""

    code = "E109"
    title = "frames skipped"


class SourceLostError(EdgeIrdetError):
    """A live source is not reachable now, or was lost; it may come back."""

    code = "E110"
    title = "source lost"


# 2xx model packages --------------------------------------------------------------------------------------


class PackageMissingError(EdgeIrdetError):
    """There is no model package at the given path or under the given name."""

    code = "E201"
    title = "package missing"


class ManifestInvalidError(EdgeIrdetError):
    """``package.json`` is not valid: not JSON, a field missing, of a wrong type or out of range."""

    code = "E202"
    title = "manifest invalid"


class PackageHashError(EdgeIrdetError):
    """A file of the package does not have the SHA-256 that the manifest states, or is not there."""

    code = "E203"
    title = "package hash"


class SchemaNewerError(EdgeIrdetError):
    """The package was written by a newer edge-irdet than this one."""

    code = "E204"
    title = "schema newer"


class PrecisionMissingError(EdgeIrdetError):
    """The package does not hold the precision that was asked for."""

    code = "E205"
    title = "precision missing"


# 3xx labelled data ---------------------------------------------------------------------------------------


class DatasetMissingError(EdgeIrdetError):
    """The data set's folder, or a file that its layout needs, is not there."""

    code = "E301"
    title = "data set missing"


class SplitEmptyError(EdgeIrdetError):
    """The split list names no image."""

    code = "E302"
    title = "split empty"


class LabelInvalidError(EdgeIrdetError):
    """A label file cannot be parsed or holds a value out of range."""

    code = "E303"
    title = "label invalid"


class MaskSizeError(EdgeIrdetError):
    """A mask has another size than its image."""

    code = "E304"
    title = "mask size"


class DatasetImageError(EdgeIrdetError):
    """An image of a data set is missing or cannot be decoded."""

    code = "E305"
    title = "data set image"


# 4xx training and export ---------------------------------------------------------------------------------


class CheckpointInvalidError(EdgeIrdetError):
    """A file is not a checkpoint of this package, or holds something that is not plain tensors and text."""

    code = "E401"
    title = "checkpoint invalid"


class CheckpointMismatchError(EdgeIrdetError):
    """A checkpoint belongs to another variant, class count or training configuration."""

    code = "E402"
    title = "checkpoint mismatch"


class ParityError(EdgeIrdetError):
    """The exported graph and the torch model disagree by more than the tolerance."""

    code = "E403"
    title = "parity"


class ExtraMissingError(EdgeIrdetError):
    """A command needs an optional part of the package that is not installed."""

    code = "E404"
    title = "extra missing"


class RecipeError(EdgeIrdetError):
    """A calibration recipe cannot be read, has an unknown field or value, or names nodes that are absent."""

    code = "E406"
    title = "calibration recipe"


class CalibrationDataError(EdgeIrdetError):
    """The calibration frames are too few, or are not what the network takes."""

    code = "E407"
    title = "calibration data"


class PrecisionConversionError(EdgeIrdetError):
    """A graph cannot be brought to another precision: unknown operator, or a constant that does not fit."""

    code = "E408"
    title = "precision conversion"


class GraphRuleError(EdgeIrdetError):
    """A reduced-precision graph breaks a rule that TensorRT's parsers or the decode's accuracy set."""

    code = "E409"
    title = "graph rule"


class AccuracyGateError(EdgeIrdetError):
    """A precision lost more accuracy than the gate allows and was not put into the package."""

    code = "E410"
    title = "accuracy gate"


# 5xx outputs ---------------------------------------------------------------------------------------------


class UnknownOutputError(EdgeIrdetError):
    """The output URI has a form that no sink answers to."""

    code = "E501"
    title = "unknown output"


class OutputFailedError(EdgeIrdetError):
    """An output could not be opened or written (full disk, no permission, folder missing)."""

    code = "E502"
    title = "output failed"


class RecordInvalidError(EdgeIrdetError):
    """A line is not a detection record, or was written by a newer edge-irdet."""

    code = "E503"
    title = "record invalid"


class OutputGoneError(EdgeIrdetError):
    """The reader of standard output or of a pipe has gone, and nothing can bring it back."""

    code = "E505"
    title = "output gone"


class RecordsLostError(EdgeIrdetError):
    """The stream came to its end, but an output missed records on the way."""

    code = "E504"
    title = "records lost"


# 6xx runners ---------------------------------------------------------------------------------------------


class RunnerError(EdgeIrdetError):
    """A runner was used out of order, got the wrong arrays, or its library refused the model."""

    code = "E601"
    title = "runner"


class DriverMissingError(EdgeIrdetError):
    """There is no NVIDIA driver, or it shows no device; TensorRT was not touched."""

    code = "E602"
    title = "driver missing"


class DriverOutdatedError(EdgeIrdetError):
    """The NVIDIA driver is older than the CUDA runtime that would use it."""

    code = "E603"
    title = "driver outdated"


class CudaError(EdgeIrdetError):
    """A CUDA call failed."""

    code = "E604"
    title = "cuda"


class EngineBuildError(EdgeIrdetError):
    """TensorRT's parser or builder refused a graph; its own message is in the text."""

    code = "E605"
    title = "engine build"


class EngineMemoryError(EdgeIrdetError):
    """There is too little free memory to build an engine, or TensorRT ran out of it while building."""

    code = "E606"
    title = "engine memory"


class EngineMissingError(EdgeIrdetError):
    """The package holds no engine for this device, precision and TensorRT version."""

    code = "E607"
    title = "engine missing"


class EngineMismatchError(EdgeIrdetError):
    """An engine was built for another device, TensorRT version, model or precision."""

    code = "E608"
    title = "engine mismatch"


class EngineDamagedError(EdgeIrdetError):
    """An engine's plan or its identity file is truncated, altered or not there."""

    code = "E609"
    title = "engine damaged"


class WrongThreadError(EdgeIrdetError):
    """A runner that is bound to the thread that activated it was used from another."""

    code = "E610"
    title = "wrong thread"


class TensorRTError(EdgeIrdetError):
    """TensorRT failed while loading or running an engine; its own message is in the text."""

    code = "E611"
    title = "TensorRT"


# 7xx options ---------------------------------------------------------------------------------------------


class OptionError(EdgeIrdetError):
    """An option has a value out of its range, or options contradict one another."""

    code = "E701"
    title = "option"
