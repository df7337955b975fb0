"""The one exception family of the package.

Every error says what happened, with which value, and what to run next, and carries a code, which
``edge-irdet explain CODE`` explains. Hundreds are areas, one module each: 1xx sources and frames, 2xx model
packages, 3xx labelled data, 4xx training and export, 5xx outputs, 6xx runners, 7xx options.
"""

from edge_irdet.errors.base import EdgeIrdetError
from edge_irdet.errors.data import (
    DatasetImageError,
    DatasetMissingError,
    LabelInvalidError,
    MaskSizeError,
    SplitEmptyError,
)
from edge_irdet.errors.options import OptionError
from edge_irdet.errors.outputs import (
    OutputFailedError,
    OutputGoneError,
    OutputTakenError,
    RecordInvalidError,
    RecordsLostError,
    UnknownOutputError,
)
from edge_irdet.errors.packages import (
    GraphRefusedError,
    ManifestInvalidError,
    PackageHashError,
    PackageMissingError,
    PrecisionMissingError,
    SchemaNewerError,
)
from edge_irdet.errors.runners import (
    CudaError,
    DriverMissingError,
    DriverOutdatedError,
    EngineBuildError,
    EngineDamagedError,
    EngineMemoryError,
    EngineMismatchError,
    EngineMissingError,
    EngineUntrustedError,
    RunnerError,
    TensorRTError,
    WrongThreadError,
)
from edge_irdet.errors.sources import (
    CameraError,
    FrameFormatError,
    FrameSizeChangedError,
    FramesSkippedError,
    FrameUnreadableError,
    SixteenBitUnmappedError,
    SourceLostError,
    SourceMissingError,
    SourceTruncatedError,
    UnknownSourceError,
)
from edge_irdet.errors.training import (
    AccuracyGateError,
    CalibrationDataError,
    CheckpointInvalidError,
    CheckpointMismatchError,
    ExtraMissingError,
    GraphRuleError,
    ParityError,
    PrecisionConversionError,
    RecipeError,
    TrainingDivergedError,
)

__all__ = [
    "AccuracyGateError",
    "CalibrationDataError",
    "CameraError",
    "CheckpointInvalidError",
    "CheckpointMismatchError",
    "CudaError",
    "DatasetImageError",
    "DatasetMissingError",
    "DriverMissingError",
    "DriverOutdatedError",
    "EdgeIrdetError",
    "EngineBuildError",
    "EngineDamagedError",
    "EngineMemoryError",
    "EngineMismatchError",
    "EngineMissingError",
    "EngineUntrustedError",
    "ExtraMissingError",
    "FrameFormatError",
    "FrameSizeChangedError",
    "FrameUnreadableError",
    "FramesSkippedError",
    "GraphRefusedError",
    "GraphRuleError",
    "LabelInvalidError",
    "ManifestInvalidError",
    "MaskSizeError",
    "OptionError",
    "OutputFailedError",
    "OutputGoneError",
    "OutputTakenError",
    "PackageHashError",
    "PackageMissingError",
    "ParityError",
    "PrecisionConversionError",
    "PrecisionMissingError",
    "RecipeError",
    "RecordInvalidError",
    "RecordsLostError",
    "RunnerError",
    "SchemaNewerError",
    "SixteenBitUnmappedError",
    "SourceLostError",
    "SourceMissingError",
    "SourceTruncatedError",
    "SplitEmptyError",
    "TensorRTError",
    "TrainingDivergedError",
    "UnknownOutputError",
    "UnknownSourceError",
    "WrongThreadError",
]
