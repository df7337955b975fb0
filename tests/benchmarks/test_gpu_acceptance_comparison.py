"""How the acceptance benchmark compares outputs and detections, and that it never takes the CPU for a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from acceptance import detections
from acceptance.frames import BOUNDS, compare_all, network_inputs, outputs_of, require_close, scene_frames
from acceptance.gpu_runners import OnnxCudaRunner
from acceptance.isolation import CheckFailedError, CheckSkippedError
from acceptance_fakes import Kept, has_gpu

from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.comparison import Comparison
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.package import Precision, open_package
from edge_irdet.scene import SceneConfig, SyntheticScene

# Comparing -------------------------------------------------------------------------------------------------


def test_outputs_of_one_graph_are_close_and_of_shifted_frames_are_not() -> None:
    package = open_package("light-sgmtlm-reduced")
    inputs = network_inputs(package)[:2]
    with CpuRunner(package.read_graph(), threads=1) as runner:
        outputs = outputs_of(runner, "image", inputs)
        again = outputs_of(runner, "image", inputs)
        shifted = outputs_of(runner, "image", [np.roll(image, 3, axis=3) for image in inputs])
    figures = require_close(compare_all(outputs, again), BOUNDS["fp32"])
    assert figures["box_pixels"] == 0
    assert figures["live_boxes"] > 0
    for bounds in BOUNDS.values():
        with pytest.raises(CheckFailedError, match="too far"):
            require_close(compare_all(outputs, shifted), bounds)


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (Comparison(0.0, 0.0, 0.0, 0), "no box scored enough"),
        (Comparison(0.03, 0.0, 0.0, 5), "too far"),
        (Comparison(0.0, 6e-4, 0.0, 5), "too far"),
        (Comparison(float("inf"), 0.0, 0.0, 5), "too far"),
    ],
)
def test_a_comparison_that_proves_nothing_or_too_little_fails(comparison: Comparison, words: str) -> None:
    with pytest.raises(CheckFailedError, match=words):
        require_close(comparison, BOUNDS["fp32"])


def test_random_weights_are_judged_by_what_tells_another_frame() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from acceptance.torch_variants import random_graph, require_near

    size = (160, 128)
    graph = random_graph("light-sgmtlm-reduced", size)
    with torch.no_grad():
        outputs = [
            dict(
                zip(
                    graph.output_names,
                    (tensor.numpy() for tensor in graph(torch.from_numpy(image[None, None]))),
                    strict=True,
                )
            )
            for image in scene_frames(size)[:2]
        ]
    same = require_near(outputs, outputs, "fp32")
    assert same["boxes_p100"] == 0
    for precision in ("fp32", "fp16"):
        with pytest.raises(CheckFailedError, match="too far"):
            require_near(outputs, outputs[::-1], precision)
        broken = [{**output, "scores": np.full_like(output["scores"], np.nan)} for output in outputs]
        with pytest.raises(CheckFailedError, match="not finite"):
            require_near(outputs, broken, precision)


def test_runtimes_without_cuda_are_skipped_not_run_on_the_cpu() -> None:
    if has_gpu():
        pytest.skip("this machine has a GPU")
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    runner = OnnxCudaRunner(open_package().read_graph())
    with pytest.raises(CheckSkippedError, match="has no CUDAExecutionProvider"):
        runner.activate()
    pytest.importorskip("torch")
    from acceptance.torch_variants import check_torch

    with pytest.raises(CheckSkippedError, match="sees no GPU"):
        check_torch(Kept(), "light-sgmtlm-reduced", "fp32", 10)


# Detections ------------------------------------------------------------------------------------------------


def rates(detected: int, fa: float) -> detections.Rates:
    return detections.Rates(100, 200, detected, 3, detected / 200, fa)


def test_detections_are_held_to_the_accuracy_gates_bounds() -> None:
    detections.require_no_worse(rates(178, 1e-4), rates(180, 1e-4))
    detections.require_no_worse(rates(180, 1.29e-4), rates(180, 1e-4))
    with pytest.raises(CheckFailedError, match=r"Pd is 0\.8850"):
        detections.require_no_worse(rates(177, 1e-4), rates(180, 1e-4))
    with pytest.raises(CheckFailedError, match="Fa is"):
        detections.require_no_worse(rates(180, 1.4e-4), rates(180, 1e-4))
    with pytest.raises(CheckFailedError, match="nothing to compare"):
        detections.require_no_worse(rates(0, 0.0), rates(0, 0.0))


def test_without_labelled_data_detections_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGE_IRDET_DATA", raising=False)
    with pytest.raises(CheckSkippedError, match="not set"):
        detections.labelled_frames()
    monkeypatch.setenv("EDGE_IRDET_DATA", str(tmp_path))
    with pytest.raises(CheckSkippedError, match="no labelled data"):
        detections.labelled_frames()


def test_two_runners_are_rated_on_the_same_frames() -> None:
    """On synthetic frames; a second CPU runner stands where a GPU's would."""
    scene = SyntheticScene(SceneConfig())
    samples = []
    for index in range(4):
        frame = scene.render(index)
        boxes = frame.truth.boxes
        samples.append(
            Sample(
                str(index),
                frame.image,
                boxes,
                np.zeros(len(boxes), np.int64),
                np.zeros(frame.image.shape, np.uint8),
                MaskSource.BOXES,
            )
        )
    package, findings = open_package(), Kept()
    runner = CpuRunner(package.read_graph(), threads=1)
    detections.compare_detections(findings, package, Precision.FP32, runner, samples)
    assert findings.figures["gpu"] == findings.figures["cpu"]
    assert findings.figures["gpu"]["images"] == 4
    assert findings.figures["gpu"]["detected"] > 0
    with Detector(package, DetectorConfig(runtime="cpu", precision="fp32")) as detector:
        blind = detections.rate(lambda image: detector.detect(np.zeros_like(image)), samples)
    with pytest.raises(CheckFailedError, match="Pd is"):
        detections.require_no_worse(blind, detections.Rates(**findings.figures["cpu"]))
