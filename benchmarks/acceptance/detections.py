"""Detections on labelled frames: the GPU's against the CPU runtime's, by what they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance.frames import data_folder
from acceptance.gpu_runners import OnnxCudaRunner
from acceptance.isolation import CheckFailedError, CheckSkippedError, Findings
from edge_irdet.engine.runner import Runner
from edge_irdet.package import Package, Precision

DATASET, SPLIT = "nuaa_sirst", "split73_grouped_test.txt"
"""Labelled frames below ``EDGE_IRDET_DATA``; nothing is tuned on them here."""


@dataclass(frozen=True)
class Rates:
    """What a detector finds at the package's threshold."""

    images: int
    targets: int
    detected: int
    false_alarms: int
    pd: float
    fa: float
    """False pixels / all pixels."""


def check_tensorrt_detections(
    findings: Findings, module_name: str, directory: Path, precision: str, index: int = 0
) -> None:
    """Detections of the engine that was built into the package before.

    Raises:
        CheckSkippedError: no labelled data, or no engine (its own check says why).
        ExtraMissingError: the TensorRT module or the CUDA binding is not installed.
        CheckFailedError: the GPU finds less, or raises more false alarms, than the accuracy gate allows.
    """
    from acceptance.tensorrt import installed_adapters, targets_for
    from edge_irdet.engine.cuda.adapter import require_driver
    from edge_irdet.engine.tensorrt.module import open_tensorrt
    from edge_irdet.engine.tensorrt.runner import TensorRTRunner
    from edge_irdet.engine.tensorrt.store import find_engine
    from edge_irdet.errors import EngineMismatchError, EngineMissingError

    dataset = labelled_frames()
    module, package, asked = open_tensorrt(module_name), Package(directory), Precision(precision)
    adapters = installed_adapters()
    if not adapters:
        raise CheckSkippedError("no CUDA binding is installed")
    device = require_driver(adapters[0], index)
    targets_for(module, device.compute_capability)
    try:
        engine = find_engine(package, asked, module.host(device))
    except (EngineMissingError, EngineMismatchError) as error:
        raise CheckSkippedError(f"the check before left no engine: {error}") from error
    runner = TensorRTRunner(
        package, asked, engine=engine, module=module, cuda=adapters[0], device_index=index
    )
    compare_detections(findings, package, asked, runner, dataset)


def check_onnx_detections(findings: Findings, directory: Path, precision: str, index: int = 0) -> None:
    """Detections of ONNX Runtime's CUDA provider.

    Raises:
        CheckSkippedError: no labelled data, or no CUDA provider.
        CheckFailedError: as :func:`check_tensorrt_detections`.
    """
    dataset, package, asked = labelled_frames(), Package(directory), Precision(precision)
    runner = OnnxCudaRunner(package.read_graph(asked), index)
    compare_detections(findings, package, asked, runner, dataset)


def labelled_frames() -> Any:
    """The labelled data set.

    Raises:
        CheckSkippedError: it is not there.
    """
    folder = data_folder()
    if folder is None:
        raise CheckSkippedError("EDGE_IRDET_DATA, the folder of labelled data, is not set")
    root = folder / DATASET
    if not (root / "images").is_dir():
        raise CheckSkippedError(f"there is no labelled data at {root} (EDGE_IRDET_DATA)")
    from edge_irdet.dataset.opening import read_dataset

    return read_dataset(root, SPLIT)


def compare_detections(
    findings: Findings, package: Package, precision: Precision, runner: Runner, dataset: Any
) -> None:
    """Rate the runner and the CPU runtime on the same frames.

    Raises:
        CheckFailedError: the runner finds less, or raises more false alarms, than the accuracy gate allows.
    """
    from edge_irdet.detection.detector import Detector, DetectorConfig

    config = DetectorConfig(runtime="cpu", precision=precision)
    with Detector(package, config, runner) as detector:
        gpu = rate(detector.detect, dataset)
    with Detector(package, config) as detector:
        cpu = rate(detector.detect, dataset)
    findings.add(dataset=f"{DATASET}/{SPLIT}", gpu=vars(gpu), cpu=vars(cpu))
    require_no_worse(gpu, cpu)


def rate(detect: Callable[..., Any], dataset: Any) -> Rates:
    """Pd and Fa of a detector on labelled frames."""
    from edge_irdet.evaluation.detection_probability import DetectionProbability
    from edge_irdet.evaluation.truth import Truth

    rated = DetectionProbability()
    for sample in dataset:
        _, centres = Truth.of(sample).targets()
        height, width = sample.image.shape
        rated.add(detect(sample.image).boxes, centres, width, height)
    counts = rated.counts
    return Rates(
        images=counts.images,
        targets=counts.targets,
        detected=counts.detected,
        false_alarms=counts.false_alarms,
        pd=counts.pd or 0.0,
        fa=counts.fa or 0.0,
    )


def require_no_worse(gpu: Rates, cpu: Rates) -> None:
    """Hold the GPU's rates against the CPU's, with the accuracy gate's bounds.

    Raises:
        CheckFailedError: they are worse than the bounds allow, or there was nothing to find.
    """
    from edge_irdet.export.precision.gate import GateBounds

    bounds = GateBounds()
    if not cpu.detected:
        raise CheckFailedError(
            f"the CPU runtime found {cpu.detected} of {cpu.targets} targets: nothing to compare with"
        )
    fall = max(bounds.pd_fall, 1 / cpu.targets)
    if cpu.pd - gpu.pd > fall + 1e-9:
        raise CheckFailedError(f"Pd is {gpu.pd:.4f}, the CPU's {cpu.pd:.4f}; it may fall by {fall:.4f}")
    highest = bounds.fa_factor * cpu.fa + bounds.fa_slack
    if gpu.fa > highest:
        raise CheckFailedError(f"Fa is {gpu.fa:.2e}, the CPU's {cpu.fa:.2e}; it may be {highest:.2e}")
