"""The acceptance benchmark: how it reports what is there, missing, failing, crashing and hanging.

What stands for CUDA and TensorRT here are the FAKES of the runner's own tests: they prove what the benchmark
asks and how it judges, nothing about CUDA.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu_acceptance
from acceptance import adapter, detections, device, isolation, tensorrt
from acceptance.frames import BOUNDS, compare_all, network_inputs, outputs_of, require_close, scene_frames
from acceptance.gpu_runners import OnnxCudaRunner
from acceptance.isolation import Check, CheckFailedError, CheckSkippedError, Findings, run_isolated
from acceptance.report import NO_GPU, AcceptanceReport, CheckResult, Status

from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.detection.detector import Detector
from edge_irdet.engine.comparison import Comparison
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.tensorrt_module import TensorRTModule
from edge_irdet.errors import CudaError, DriverMissingError, ExtraMissingError
from edge_irdet.package import Precision, open_package
from edge_irdet.scene import SceneConfig, SyntheticScene

FAKES = ROOT / "tests" / "engine" / "tensorrt"
SMALL = adapter.Sizes(contents=(1, 300, 5000), large=4096, rounds=3)
FAKE_GPU = device.Gpu("FAKE GPU", "8.7", 8 << 30, True, "13.0")


def loaded(name: str) -> ModuleType:
    """A module of the runner's tests, from its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FAKES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


fake_cuda = loaded("fake_cuda")


def has_gpu() -> bool:
    try:
        device.find_gpu()
    except (DriverMissingError, CudaError):
        return False
    return True


class Kept(Findings):
    """Findings that stay here."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.excuses: list[str] = []
        super().__init__(self._keep)

    def _keep(self, message: tuple[Any, ...]) -> None:
        if message[0] == "figures":
            self.figures.update(message[1])
        else:
            self.excuses.append(message[1])


# Without a GPU, for real -----------------------------------------------------------------------------------


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_the_command_says_e602_and_still_writes_its_json(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu_acceptance.py"), "--output", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == NO_GPU, finished.stderr
    assert "E602 driver missing" in finished.stderr
    assert finished.stdout == ""
    (written,) = (tmp_path / "new").iterdir()
    assert written.name == "gpu_acceptance-no-gpu.json"
    report = json.loads(written.read_text(encoding="utf-8"))
    assert report["schema"] == 1
    assert report["device"] is None
    assert "E602 driver missing" in report["error"]
    assert report["machine"]["python"]
    assert report["versions"]["numpy"]
    names = [check["name"] for check in report["checks"]]
    assert len(set(names)) == len(names)
    assert {"adapter cuda-python", "adapter pycuda", "light-sgmtlm-reduced fp32 tensorrt"} <= set(names)
    for check in report["checks"]:
        assert check["status"] == "skipped"
        assert "E602" in check["reason"]
        assert check["figures"] == {}
    assert report["summary"] == {
        "passed": 0,
        "failed": 0,
        "skipped": len(names),
        "exit_code": NO_GPU,
    }


def test_a_missing_driver_library_is_e602() -> None:
    with pytest.raises(DriverMissingError, match="no NVIDIA driver"):
        device.find_gpu(library="libcuda-that-is-not-there.so.1")


class FakeDriver:
    """A FAKE of libcuda: it fills what its caller points at."""

    def __init__(self, devices: int = 1, status: int = 0, fails: str = "") -> None:
        self._devices, self._status, self._fails = devices, status, fails

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            if name == self._fails:
                return 999
            if name == "cuInit":
                return self._status
            if name == "cuDeviceGetName":
                arguments[0].value = b"Orin (FAKE)"
                return 0
            values = {
                "cuDeviceGetCount": self._devices,
                "cuDeviceGet": 0,
                "cuDeviceTotalMem_v2": 8 << 30,
                "cuDriverGetVersion": 12060,
            }
            attributes = {75: 8, 76: 7, 18: 1}
            value = attributes[arguments[1].value] if name == "cuDeviceGetAttribute" else values[name]
            arguments[0]._obj.value = value
            return 0

        return call


def test_the_gpu_is_named_by_the_fake_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver())
    assert device.find_gpu() == device.Gpu("Orin (FAKE)", "8.7", 8 << 30, True, "12.6")
    with pytest.raises(DriverMissingError, match="shows 1 device"):
        device.find_gpu(3)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver(status=100))
    with pytest.raises(DriverMissingError, match="cuInit gave 100"):
        device.find_gpu()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver(fails="cuDeviceGetName"))
    with pytest.raises(CudaError, match="cuDeviceGetName gave 999"):
        device.find_gpu()


# Isolation -------------------------------------------------------------------------------------------------

BEHAVIOURS = """
import ctypes, importlib, os, time
from acceptance.isolation import CheckFailedError, CheckSkippedError
from edge_irdet.errors import CudaError, ExtraMissingError

def passes(findings, value):
    os.write(1, b"a native library prints")
    findings.add(value=value)

def skips(findings):
    raise CheckSkippedError("nothing to run on")

def extra(findings):
    raise ExtraMissingError("pycuda is not there", "pip install pycuda")

def module(findings):
    importlib.import_module("a_module_nobody_has")

def own_module(findings):
    importlib.import_module("edge_irdet.a_module_that_is_gone")

def differs(findings):
    findings.add(before=1)
    raise CheckFailedError("2 px, allowed 1")

def coded(findings):
    raise CudaError("cudaMalloc failed", "free memory")

def bug(findings):
    return {}["missing"]

def crashes(findings):
    findings.add(before=1)
    os.abort()

def exits(findings):
    os._exit(7)

def hangs(findings):
    findings.add(before=1)
    time.sleep(600)

def excused(findings):
    findings.excuse("SM 9.0 is not named")
    os.abort()

def excused_and_passes(findings):
    findings.excuse("SM 9.0 is not named")
"""


@pytest.fixture
def behaviours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "behaviours.py").write_text(BEHAVIOURS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))  # the new process has the path too
    monkeypatch.delitem(sys.modules, "behaviours", raising=False)
    return importlib.import_module("behaviours")


def test_what_a_process_of_its_own_reports(behaviours: ModuleType) -> None:
    passed = run_isolated(Check("a check", behaviours.passes, (3,)), 60)
    assert (passed.name, passed.status, passed.reason) == ("a check", Status.PASSED, "")
    assert passed.figures == {"value": 3}
    assert passed.seconds > 0


def test_a_crash_is_a_failure_and_keeps_the_figures(behaviours: ModuleType) -> None:
    crashed = run_isolated(Check("crash", behaviours.crashes), 60)
    assert (crashed.status, crashed.figures) == (Status.FAILED, {"before": 1})
    assert "SIGABRT" in crashed.reason
    ended = run_isolated(Check("exit", behaviours.exits), 60)
    assert (ended.status, "exit code 7" in ended.reason) == (Status.FAILED, True)


def test_a_hanging_check_is_ended_and_failed(behaviours: ModuleType) -> None:
    hung = run_isolated(Check("hang", behaviours.hangs), 2)
    assert (hung.status, hung.figures) == (Status.FAILED, {"before": 1})
    assert "not ended after 2 s" in hung.reason


def test_an_excused_crash_is_skipped_and_still_tells_of_it(behaviours: ModuleType) -> None:
    tried = run_isolated(Check("excused", behaviours.excused), 60)
    assert tried.status is Status.SKIPPED
    assert "SM 9.0 is not named; tried all the same" in tried.reason
    assert "SIGABRT" in tried.reason


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("skips", Status.SKIPPED, "nothing to run on"),
        ("extra", Status.SKIPPED, "pycuda is not there"),
        ("module", Status.SKIPPED, "a_module_nobody_has is not installed"),
        ("own_module", Status.FAILED, "a_module_that_is_gone"),
        ("differs", Status.FAILED, "2 px, allowed 1"),
        ("coded", Status.FAILED, "E604 cuda: cudaMalloc failed"),
        ("bug", Status.FAILED, "KeyError: 'missing'"),
        ("excused_and_passes", Status.PASSED, ""),
    ],
)
def test_what_an_exception_means(behaviours: ModuleType, name: str, status: Status, words: str) -> None:
    found, reason = isolation.outcome_of(getattr(behaviours, name), Kept(), ())
    assert found is status
    assert words in reason


# The report ------------------------------------------------------------------------------------------------


def report_of(*statuses: Status, gpu: bool = True) -> AcceptanceReport:
    return AcceptanceReport(
        time="2026-01-01T00:00:00+00:00",
        machine={"processor": "a test"},
        device={"name": "FAKE"} if gpu else None,
        versions={"numpy": "2"},
        settings={"frames": 10},
        checks=[
            CheckResult(f"check {number}", status, "", {"far": float("inf"), "places": (1, 2)})
            for number, status in enumerate(statuses)
        ],
    )


def test_exit_codes() -> None:
    assert report_of(Status.PASSED, Status.SKIPPED).exit_code == 0
    assert report_of(Status.PASSED, Status.FAILED, Status.SKIPPED).exit_code == 1
    assert report_of(Status.SKIPPED, gpu=False).exit_code == 2


def test_the_json_counts_what_it_lists_and_holds_every_number() -> None:
    content = json.loads(report_of(Status.PASSED, Status.FAILED, Status.SKIPPED).to_json())
    assert content["summary"] == {"passed": 1, "failed": 1, "skipped": 1, "exit_code": 1}
    assert [check["status"] for check in content["checks"]] == ["passed", "failed", "skipped"]
    assert content["checks"][0]["figures"] == {"far": "inf", "places": [1, 2]}
    assert set(content) == {
        "schema",
        "benchmark",
        "time",
        "machine",
        "device",
        "versions",
        "settings",
        "error",
        "summary",
        "checks",
    }


@pytest.mark.parametrize(("name", "code"), [("passes", 0), ("differs", 1)])
def test_the_command_with_a_fake_gpu(
    behaviours: ModuleType, name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (1,) if name == "passes" else ()
    checks = [Check(name, getattr(behaviours, name), arguments), Check("skips", behaviours.skips)]
    monkeypatch.setattr(gpu_acceptance, "find_gpu", lambda: FAKE_GPU)
    monkeypatch.setattr(gpu_acceptance, "planned", lambda *_: (checks, []))
    output = tmp_path / "report.json"
    finished = CliRunner().invoke(gpu_acceptance.main, ["--output", str(output)])
    assert finished.exit_code == code, finished.output
    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["device"]["name"] == "FAKE GPU"
    assert report["error"] is None
    assert report["summary"]["exit_code"] == code
    assert [check["status"] for check in report["checks"]][1] == "skipped"


def test_the_file_is_named_after_the_device(tmp_path: Path) -> None:
    gpu = device.Gpu("NVIDIA Jetson Orin Nano (8GB)", "8.7", 1, True, "12.6")
    named = gpu_acceptance.output_path(tmp_path, gpu)
    assert named == tmp_path / "gpu_acceptance-nvidia-jetson-orin-nano-8gb.json"
    assert gpu_acceptance.output_path(tmp_path / "own.json", gpu) == tmp_path / "own.json"


def test_every_graph_of_the_manifest_is_planned_and_nothing_else(tmp_path: Path) -> None:
    checks, refused = gpu_acceptance.planned(("light-sgmtlm-reduced",), tmp_path, 10)
    assert refused == []
    names = [check.name for check in checks]
    for precision in open_package("light-sgmtlm-reduced").manifest.graphs:
        for runtime in ("cpu", "tensorrt", "tensorrt_rtx", "onnxruntime-cuda"):
            assert f"light-sgmtlm-reduced {precision.value} {runtime}" in names
    assert {"torch light-sgmtlm fp16", "torch light-sgmtlm-reduced fp32"} <= set(names)
    (copy,) = {check.arguments[1] for check in checks if check.function is tensorrt.check_tensorrt}
    assert tmp_path in copy.parents  # the shipped package is not built into
    assert open_package(copy).manifest == open_package("light-sgmtlm-reduced").manifest


def test_a_package_that_is_not_there_fails_and_the_rest_is_planned(tmp_path: Path) -> None:
    checks, (refused,) = gpu_acceptance.planned((str(tmp_path / "nothing"),), tmp_path, 10)
    assert refused.status is Status.FAILED
    assert "E201" in refused.reason
    assert "adapter cuda-python" in [check.name for check in checks]


# The adapter's exercise, against the FAKE of CUDA ----------------------------------------------------------


class BoundedFakeCuda(fake_cuda.FakeCuda):  # type: ignore[name-defined,misc]
    """The FAKE, which refuses more memory than it has instead of taking it from the test machine."""

    def allocate(self, size: int) -> int:
        if size > self.free_bytes:
            raise CudaError("out of memory (FAKE)", "nothing: it is a fake")
        return int(super().allocate(size))


def test_a_right_adapter_passes_and_leaves_nothing() -> None:
    cuda, findings = BoundedFakeCuda(), Kept()
    adapter.exercise(findings, cuda, sizes=SMALL)
    cuda.require_nothing_left()
    assert findings.figures["device"] == "Orin (FAKE)"
    assert findings.figures["contents_compared_bytes"] == [1, 300, 5000]
    assert findings.figures["cuda_graph"].startswith("captured")
    assert findings.figures["to_device_gb_per_s"] > 0
    assert findings.figures["balance"]["allocated_and_freed_mb"] == pytest.approx(3 * 4096 / 2**20)


def test_no_driver_and_no_binding_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DriverMissingError):
        adapter.exercise(Kept(), BoundedFakeCuda(device=None, driver=0), sizes=SMALL)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(ExtraMissingError):
        adapter.check_adapter(Kept(), "pycuda")


class OneByteWrong(BoundedFakeCuda):
    """A FAKE whose copies to the host are wrong in their last byte."""

    def _copy(self, address: int, buffer: Any, to_device: bool) -> None:
        super()._copy(address, buffer, to_device)
        if not to_device:
            buffer.array[-1] ^= 1


class CapturesNothing(BoundedFakeCuda):
    """A FAKE that runs at once what it should only record, and records nothing."""

    def begin_capture(self, stream: int) -> None:
        super().begin_capture(stream)
        self.capturing[stream] = self.streams[stream]

    def end_capture(self, stream: int) -> int:
        graph = int(super().end_capture(stream))
        self.graphs[graph] = []
        return graph


class Leaks(BoundedFakeCuda):
    """A FAKE that does not give device memory back."""

    def free(self, address: int) -> None:
        self.free_bytes -= self.memory_bytes[address].size
        super().free(address)


class GrantsAnything(BoundedFakeCuda):
    """A FAKE that grants whatever is asked for."""

    def allocate(self, size: int) -> int:
        return int(super().allocate(min(size, 1 << 20)))


class ShortPinnedMemory(BoundedFakeCuda):
    """A FAKE whose pinned buffers are a byte short."""

    def allocate_pinned(self, size: int) -> Any:
        return super().allocate_pinned(max(1, size - 1))


class ClaimsNoGraphs(BoundedFakeCuda):
    """A FAKE that says it cannot capture, and yet does not refuse."""

    supports_graphs = False

    def begin_capture(self, stream: int) -> None:
        pass


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (OneByteWrong, "1 of 1 bytes came back wrong"),
        (CapturesNothing, "had run already"),
        (Leaks, "not given back"),
        (GrantsAnything, "four times the device's memory"),
        (ShortPinnedMemory, "array of 299 bytes"),
        (ClaimsNoGraphs, "raised nothing"),
    ],
)
def test_a_wrong_adapter_fails_and_what_it_took_is_freed(wrong: type[Any], words: str) -> None:
    cuda = wrong()
    with pytest.raises(CheckFailedError, match=words):
        adapter.exercise(Kept(), cuda, sizes=SMALL)
    cuda.require_nothing_left()


@pytest.mark.parametrize(
    "call", ["allocate", "copy_to_device", "create_stream", "launch_graph", "synchronise"]
)
def test_a_failing_call_is_raised_and_what_was_taken_is_freed(call: str) -> None:
    cuda = BoundedFakeCuda()
    cuda.fail = {call: 1}
    with pytest.raises(CudaError, match=call):
        adapter.exercise(Kept(), cuda, sizes=SMALL)
    cuda.require_nothing_left()


# TensorRT, against the FAKE of it --------------------------------------------------------------------------


@pytest.fixture
def small_package_directory(tmp_path: Path) -> Path:
    """A package with a graph of a few nodes, as the runner's tests have it."""
    pytest.importorskip("onnx")
    spec = importlib.util.spec_from_file_location("tensorrt_conftest", FAKES / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    package = module.write_package(tmp_path / "small", {Precision.FP32: module.small_graph()})
    return Path(package.directory)


@pytest.mark.parametrize("generation", ["8.5", "10", "11", "rtx"])
def test_engines_are_built_run_and_compared_on_the_fake_tensorrt(
    generation: str, small_package_directory: Path
) -> None:
    cuda, findings = fake_cuda.FakeCuda(), Kept()
    module = TensorRTModule(loaded("fake_tensorrt").fake_tensorrt(generation, cuda))
    tensorrt.accept(findings, module, [cuda], small_package_directory, Precision.FP32, 10)
    cuda.require_nothing_left()
    plain, graph = findings.figures["launches"]
    assert (plain["launch"], graph["launch"]) == ("enqueueV3 (as asked)", "CUDA graph")
    for launch in (plain, graph):
        assert launch["against_cpu"]["live_boxes"] > 0
        assert set(launch["latency_ms"]) == {"p50", "p90", "p99"}
        assert launch["peak_device_memory_mb"] == 0.0  # the FAKE's memory does not change
    assert findings.figures["plan_bytes"] > 0
    assert "two_threads" in findings.figures
    # The FAKE device is an Orin, SM 8.7, which TensorRT-RTX does not name.
    assert len(findings.excuses) == (generation == "rtx")


def test_what_is_known_before_a_failure_is_kept(small_package_directory: Path) -> None:
    cuda, findings = OneByteWrong(), Kept()
    module = TensorRTModule(loaded("fake_tensorrt").fake_tensorrt("10", cuda))
    with pytest.raises(CheckFailedError, match="too far from the CPU"):
        tensorrt.accept(findings, module, [cuda], small_package_directory, Precision.FP32, 10)
    assert findings.figures["engine"].startswith("fp32-")
    cuda.require_nothing_left()


def test_targets_of_tensorrt_rtx() -> None:
    def module(*names: str) -> TensorRTModule:
        config = SimpleNamespace(num_compute_capabilities=1)
        kinds = SimpleNamespace(**{name: name for name in names})
        trt = SimpleNamespace(
            __name__="tensorrt_rtx", __version__="1.7", IBuilderConfig=config, ComputeCapability=kinds
        )
        return TensorRTModule(trt)

    findings = Kept()
    assert tensorrt.targets_for(findings, module("SM86", "SM120"), "12.0") == ("12.0",)
    assert findings.excuses == []
    assert tensorrt.targets_for(findings, module("SM86"), "9.0") == ()
    assert findings.excuses == ["tensorrt_rtx 1.7 does not name SM 9.0 among its targets (8.6)"]
    with pytest.raises(CheckSkippedError, match=r"does not name SM 7\.2"):
        tensorrt.targets_for(findings, module("SM86"), "7.2")


# Comparing -------------------------------------------------------------------------------------------------


def test_outputs_of_one_graph_are_close_and_of_shifted_frames_are_not() -> None:
    package = open_package("light-sgmtlm-reduced")
    inputs = network_inputs(package)[:2]
    with CpuRunner(package.graph_path(), threads=1) as runner:
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
    runner = OnnxCudaRunner(open_package().graph_path())
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
    runner = CpuRunner(package.graph_path(), threads=1)
    detections.compare_detections(findings, package, Precision.FP32, runner, samples)
    assert findings.figures["gpu"] == findings.figures["cpu"]
    assert findings.figures["gpu"]["images"] == 4
    assert findings.figures["gpu"]["detected"] > 0
    with Detector(package) as detector:
        blind = detections.rate(lambda image: detector.detect(np.zeros_like(image)), samples)
    with pytest.raises(CheckFailedError, match="Pd is"):
        detections.require_no_worse(blind, detections.Rates(**findings.figures["cpu"]))
