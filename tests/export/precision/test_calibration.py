from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import onnx
import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import (
    AccuracyGateError,
    CalibrationDataError,
    OptionError,
    OutputFailedError,
    PrecisionConversionError,
    PrecisionMissingError,
    RecipeError,
    SixteenBitUnmappedError,
)
from edge_irdet.export.precision import package_update
from edge_irdet.export.precision.calibration import CalibrationConfig, CalibrationReport, calibrate_package
from edge_irdet.export.precision.calibration_report import write_report
from edge_irdet.export.precision.lint import lint
from edge_irdet.export.precision.recipe import Fp16Recipe, Int8Recipe, Recipe
from edge_irdet.package import Package, Precision, encode_manifest

MakePackage = Callable[[onnx.ModelProto], Package]
DetectorGraph = Callable[..., onnx.ModelProto]

RECIPE = Recipe("test", Int8Recipe(images=24))
CONFIG = CalibrationConfig(RECIPE, orientations=2)
OUTLIER = 3000.0


def contents(package: Package) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in package.directory.iterdir()}


def calibrate(package: Package, root: Path, config: CalibrationConfig = CONFIG) -> CalibrationReport:
    return calibrate_package(package, read_dataset(root, "train.txt"), config)


def test_both_precisions_enter_a_package_that_keeps_its_accuracy(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph())
    test = read_dataset(data_root, "test.txt")
    report = calibrate_package(package, read_dataset(data_root, "train.txt"), CONFIG, test=test)
    report.require_passed()
    assert report.calibration_images == 24
    assert report.gate_images == 7  # 15 % of 48
    assert report.outcomes[0].report.map50 == pytest.approx(1.0)
    opened = Package(package.directory)
    assert set(opened.manifest.graphs) == {Precision.FP32, Precision.FP16, Precision.INT8}
    for precision in opened.manifest.graphs:
        assert lint(onnx.load_model_from_string(opened.read_graph(precision))) == []
        assert opened.manifest.metrics[precision].dataset == test.name
    gate = opened.manifest.metrics[Precision.INT8].gate
    assert gate is not None
    assert gate.passed
    assert "validation part" in gate.dataset
    assert gate.images == 14
    image = test[0].image
    for precision in (Precision.FP16, Precision.INT8):
        with Detector(opened, DetectorConfig(runtime="cpu", precision=precision, threads=1)) as detector:
            assert len(detector.detect(image)) == 2


def test_the_same_command_writes_the_same_bytes(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph())
    calibrate(package, data_root)
    first = contents(package)
    calibrate(Package(package.directory), data_root)
    second = contents(package)
    assert {name: first[name] for name in first if name.endswith("onnx")} == {
        name: second[name] for name in second if name.endswith("onnx")
    }


def test_a_precision_that_loses_targets_stays_out_and_its_layers_are_named(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path, tmp_path: Path
) -> None:
    package = make_package(detector_graph(outlier=OUTLIER))
    report = calibrate(package, data_root)
    with pytest.raises(AccuracyGateError, match=r"int8: mAP@0\.5.*worst layers: /network/neck/second/Conv"):
        report.require_passed()
    opened = Package(package.directory)
    assert set(opened.manifest.graphs) == {Precision.FP32, Precision.FP16}
    assert Precision.INT8 not in opened.manifest.metrics
    assert sorted(contents(opened)) == ["model.fp16.onnx", "model.onnx", "package.json"]
    write_report(report, tmp_path / "report", "machine")
    assert "**failed**" in (tmp_path / "report" / "report.md").read_text()


def test_keeping_the_named_layer_passes(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph(outlier=OUTLIER))
    recipe = replace(RECIPE, int8=replace(RECIPE.int8, keep_float=("/network/neck/*",)))
    report = calibrate(package, data_root, replace(CONFIG, recipe=recipe, precisions=(Precision.INT8,)))
    report.require_passed()
    assert report.kept_layers == ("/network/neck/second/Conv",)
    assert set(Package(package.directory).manifest.graphs) == {Precision.FP32, Precision.INT8}


def test_an_earlier_graph_that_passed_outlives_a_failed_attempt(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph(outlier=OUTLIER))
    kept = replace(RECIPE, int8=replace(RECIPE.int8, keep_float=("/network/neck/*",)))
    only_int8 = replace(CONFIG, precisions=(Precision.INT8,))
    calibrate(package, data_root, replace(only_int8, recipe=kept))
    before = (package.directory / "model.int8.onnx").read_bytes()
    report = calibrate(Package(package.directory), data_root, only_int8)
    assert report.failed
    Package(package.directory).read_graph(Precision.INT8)  # compares the hash
    assert (package.directory / "model.int8.onnx").read_bytes() == before


def test_the_report_with_sensitivity(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path, tmp_path: Path
) -> None:
    package = make_package(detector_graph(outlier=OUTLIER))
    report = calibrate(package, data_root, replace(CONFIG, sensitivity=True, precisions=(Precision.INT8,)))
    found = report.sensitivity[Precision.INT8]
    assert [cost.name for cost in found.stages] == ["neck/second", "backbone/first"]
    assert found.layers[0].name == "/network/neck/second/Conv"
    assert found.layers[0].map50_fall is not None
    assert found.layers[0].map50_fall > 0.5
    write_report(report, tmp_path / "deep" / "report", "some processor, 2 cores")
    read = json.loads((tmp_path / "deep" / "report" / "report.json").read_text())
    assert read["precisions"]["int8"]["gate"]["passed"] is False
    assert {layer["name"] for layer in read["layers"]} == {
        "/network/backbone/first/Conv",
        "/network/neck/second/Conv",
        "/network/det/Conv",
    }
    text = (tmp_path / "deep" / "report" / "report.md").read_text()
    assert "| /network/neck/second/Conv |" in text
    assert "some processor, 2 cores" in text


def test_a_report_folder_that_cannot_be_made(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path, tmp_path: Path
) -> None:
    report = calibrate(make_package(detector_graph()), data_root)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailedError, match="--report"):
        write_report(report, tmp_path / "file" / "report", "machine")


def test_a_detector_that_finds_nothing_cannot_be_judged(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    graph = detector_graph()
    for tensor in graph.graph.initializer:
        if tensor.name == "final.weight":
            tensor.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(tensor), tensor.name))
    package = make_package(graph)
    before = contents(package)
    with pytest.raises(AccuracyGateError, match="FP32 itself"):
        calibrate(package, data_root)
    assert contents(package) == before


def test_activations_beyond_fp16_are_found_and_nothing_is_written(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph(outlier=90_000.0 * 9 / 8))
    before = contents(package)
    config = replace(CONFIG, precisions=(Precision.FP16,))
    with pytest.raises(PrecisionConversionError, match=r"leave FP16's range.*first/Conv"):
        calibrate(package, data_root, config)
    assert contents(package) == before


def test_one_image_is_no_calibration_set(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph())
    with pytest.raises(CalibrationDataError, match="has 1 images"):
        calibrate_package(package, read_dataset(data_root, "one.txt"), CONFIG)


def test_nothing_left_beside_the_gate(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    everything = read_dataset(data_root, "train.txt")
    with pytest.raises(CalibrationDataError, match="0 are left"):
        calibrate_package(make_package(detector_graph()), everything, CONFIG, gate=everything)


def test_gate_frames_without_targets(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path, tmp_path: Path
) -> None:
    import cv2
    import numpy as np

    root = tmp_path / "empty"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
        cv2.imwrite(str(root / folder / "a.png"), np.zeros((64, 64), np.uint8))
    with pytest.raises(CalibrationDataError, match="no target"):
        calibrate_package(
            make_package(detector_graph()),
            read_dataset(data_root, "train.txt"),
            CONFIG,
            gate=read_dataset(root),
        )


def test_16_bit_images_need_a_mapping(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path, tmp_path: Path
) -> None:
    import cv2
    import numpy as np

    root = tmp_path / "deep"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for index in range(20):
        cv2.imwrite(str(root / "images" / f"{index}.png"), np.full((64, 64), 3000 + index, np.uint16))
        cv2.imwrite(str(root / "masks" / f"{index}.png"), np.zeros((64, 64), np.uint8))
    with pytest.raises(SixteenBitUnmappedError):
        calibrate_package(make_package(detector_graph()), read_dataset(root), CONFIG)


def test_a_package_without_its_fp32_graph(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph())
    graph = package.manifest.graphs[Precision.FP32]
    manifest = msgspec.structs.replace(package.manifest, graphs={Precision.FP16: graph})
    (package.directory / "package.json").write_bytes(encode_manifest(manifest))
    with pytest.raises(PrecisionMissingError, match="no fp32 graph"):
        calibrate(Package(package.directory), data_root)


def test_unknown_patterns_are_found_before_anything_is_written(
    make_package: MakePackage, detector_graph: DetectorGraph, data_root: Path
) -> None:
    package = make_package(detector_graph())
    before = contents(package)
    for recipe in (
        replace(RECIPE, int8=replace(RECIPE.int8, keep_float=("/network/neckk/*",))),
        replace(RECIPE, fp16=Fp16Recipe(keep_float=("/network/neckk/*",))),
        replace(RECIPE, int8=replace(RECIPE.int8, keep_float=("*",))),
    ):
        with pytest.raises(RecipeError):
            calibrate(package, data_root, replace(CONFIG, recipe=recipe))
    assert contents(package) == before


def test_a_full_disk_leaves_a_valid_package(
    make_package: MakePackage,
    detector_graph: DetectorGraph,
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = make_package(detector_graph())
    calibrate(package, data_root)
    written = package_update.write_bytes_atomically

    def fails_at_the_graph(path: Path, content: bytes) -> None:
        if path.name == "model.int8.onnx":
            raise OutputFailedError("no space", "free some")
        written(path, content)

    monkeypatch.setattr(package_update, "write_bytes_atomically", fails_at_the_graph)
    with pytest.raises(OutputFailedError):
        calibrate(Package(package.directory), data_root)
    opened = Package(package.directory)
    for precision in opened.manifest.graphs:
        opened.read_graph(precision)
    assert Precision.FP32 in opened.manifest.graphs
    assert Precision.INT8 not in opened.manifest.graphs


def test_configurations_that_make_no_sense() -> None:
    with pytest.raises(OptionError, match="orientations"):
        CalibrationConfig(orientations=0)
    with pytest.raises(OptionError, match="fp32"):
        CalibrationConfig(precisions=(Precision.FP32,))
