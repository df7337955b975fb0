"""The acceptance benchmark as a command: its JSON and exit codes, and checks that fail, crash or hang."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import gpu_acceptance
import pytest
from acceptance import isolation, tensorrt
from acceptance.isolation import Check, run_isolated
from acceptance.report import NO_GPU, AcceptanceReport, CheckResult, Status
from acceptance_fakes import ROOT, Kept, has_gpu
from click.testing import CliRunner

from edge_irdet.machine.gpu import Gpu
from edge_irdet.package import open_package

FAKE_GPU = Gpu("FAKE GPU", "8.7", 8 << 30, True, "13.0")


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


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("skips", Status.SKIPPED, "nothing to run on"),
        ("extra", Status.SKIPPED, "pycuda is not there"),
        ("module", Status.SKIPPED, "a_module_nobody_has is not installed"),
        ("own_module", Status.FAILED, "a_module_that_is_gone"),
        ("differs", Status.FAILED, "2 px, allowed 1"),
        ("coded", Status.FAILED, "E604 CUDA: cudaMalloc failed"),
        ("bug", Status.FAILED, "KeyError: 'missing'"),
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
    gpu = Gpu("NVIDIA Jetson Orin Nano (8GB)", "8.7", 1, True, "12.6")
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
