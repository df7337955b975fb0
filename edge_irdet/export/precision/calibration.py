"""Calibrating a package: make the graphs, lint them, judge them, and put in those that pass."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.orientations import in_orientations
from edge_irdet.errors import OptionError, PrecisionMissingError
from edge_irdet.evaluation.image_report import EvaluationReport
from edge_irdet.export.graph import parse_graph
from edge_irdet.export.precision.calibration_report import CalibrationReport, PrecisionOutcome
from edge_irdet.export.precision.emulation import emulate_fp16
from edge_irdet.export.precision.fp16 import to_fp16
from edge_irdet.export.precision.frames import network_inputs, select_frames
from edge_irdet.export.precision.gate import judge_precision, require_judgeable
from edge_irdet.export.precision.int8 import (
    apply_recipe,
    chosen_convolutions,
    quantize_all,
    restrict_quantisation,
)
from edge_irdet.export.precision.lint import require_clean
from edge_irdet.export.precision.measure import GraphMeasurer
from edge_irdet.export.precision.package_update import put_graphs
from edge_irdet.export.precision.profile import LayerProfile, profile_layers, require_fp16_ranges
from edge_irdet.export.precision.recipe import Recipe, Remainder
from edge_irdet.export.precision.regions import find_regions, with_named_nodes
from edge_irdet.export.precision.sensitivity import Sensitivity, find_sensitivity
from edge_irdet.package import Package, Precision, PreprocessSpec, SixteenBitSpec
from edge_irdet.provenance import PrecisionFigures

PROFILE_FRAMES = 8
"""Gate frames on which layers are profiled and blamed."""


@dataclass(frozen=True)
class CalibrationConfig:
    """What to make and how to judge it."""

    recipe: Recipe = field(default_factory=Recipe)
    """How the graphs are made."""

    precisions: tuple[Precision, ...] = (Precision.INT8, Precision.FP16)
    """Which ones."""

    orientations: int = 8
    """Orientations of each gate frame, 1 to 8; see
    :func:`edge_irdet.dataset.orientations.in_orientations`."""

    sensitivity: bool = False
    """Also find what INT8 costs in each stage, and in each layer of the guilty stages; takes minutes."""

    threads: int = 1
    """CPU threads of one inference."""

    sixteen_bit: SixteenBitSpec | None = None
    """Mapping for 16-bit images; None takes the package's."""

    def __post_init__(self) -> None:
        if not 1 <= self.orientations <= 8:
            raise OptionError(f"orientations is {self.orientations}", "choose 1 to 8")
        if not self.precisions or Precision.FP32 in self.precisions:
            raise OptionError(
                "calibration makes int8 and fp16; fp32 is what they are made from",
                "choose --precision int8,fp16",
            )


def calibrate_package(
    package: Package,
    dataset: LabelledDataset,
    config: CalibrationConfig,
    *,
    gate: LabelledDataset | None = None,
    test: LabelledDataset | None = None,
    status: Callable[[str], None] = lambda text: None,
) -> CalibrationReport:
    """Make the precisions of a package, and put those that pass the gate into it.

    Args:
        package: a package with its FP32 graph.
        dataset: labelled images of the train list: frames to calibrate on are drawn from these.
        config: what to make.
        gate: labelled images to judge on; None takes the part of ``dataset`` that the trainer held back.
        test: labelled images that are measured for the report and decide nothing.
        status: called with what is being done.

    Returns:
        The report; call :meth:`CalibrationReport.require_passed`.

    Raises:
        PrecisionMissingError, PackageHashError: the FP32 graph is absent or altered.
        RecipeError: the recipe's patterns do not fit the graph.
        CalibrationDataError: too few frames, or no target on the gate's.
        PrecisionConversionError: the graph cannot be converted.
        GraphRuleError: a graph that was made breaks a rule.
        AccuracyGateError: FP32 itself detects too little to be judged against.
        OutputFailedError: the package could not be written; it is as it was, or lacks what was replaced.
    """
    fp32 = _fp32_graph(package)
    require_clean(fp32, "the FP32 graph")
    recipe = config.recipe
    selected = select_frames(dataset, gate, package.manifest, recipe.int8.images, recipe.int8.seed)
    judged_on = in_orientations(selected.gate, config.orientations, selected.gate_name)
    work = _Work(package, config, fp32, judged_on, test, status)
    spec, network_input = work.preprocess, package.manifest.input
    frames = list(network_inputs(selected.gate[:PROFILE_FRAMES], spec, network_input))
    outcomes = [work.outcome(Precision.FP32, fp32, fp32, frames)]
    require_judgeable(outcomes[0].report)
    graphs: dict[Precision, onnx.ModelProto] = {}
    reducers: dict[Precision, Callable[[Collection[str]], onnx.ModelProto]] = {}
    profiles: tuple[LayerProfile, ...] = ()
    convolutions = find_regions(with_named_nodes(fp32))
    chosen = chosen_convolutions(fp32, recipe.int8)
    if Precision.FP16 in config.precisions:
        graphs[Precision.FP16] = to_fp16(fp32, recipe.fp16.keep_float)
        reducers[Precision.FP16] = lambda layers: emulate_fp16(to_fp16(fp32, only=layers))
    if Precision.INT8 in config.precisions:
        status(f"calibrating int8 on {len(selected.calibration)} frames")
        calibration = network_inputs(dataset.subset(selected.calibration), spec, network_input)
        everything = quantize_all(fp32, calibration, recipe.int8)
        graphs[Precision.INT8] = apply_recipe(everything, recipe.int8)
        reducers[Precision.INT8] = lambda layers: restrict_quantisation(everything, layers)
    status("profiling layers")
    profiles = profile_layers(fp32, graphs.get(Precision.INT8, fp32), frames)
    if Precision.FP16 in graphs or recipe.int8.remainder is Remainder.FP16:
        require_fp16_ranges(profiles)
    for precision, graph in graphs.items():
        require_clean(graph, f"the {precision.value} graph")
        judged = emulate_fp16(graph) if _has_fp16(precision, recipe) else graph
        outcomes.append(work.outcome(precision, graph, judged, frames, outcomes[0].report))
    sensitivity: dict[Precision, Sensitivity] = {}
    for index, outcome in enumerate(outcomes):
        if outcome.gate is None:
            continue
        precision = outcome.precision
        candidates = convolutions.convolutions
        if config.sensitivity and precision is Precision.INT8:
            sensitivity[precision] = work.sensitivity(precision, reducers, candidates, frames, selected.gate)
        if not outcome.gate.passed:
            reduced = chosen if precision is Precision.INT8 else candidates
            found = work.sensitivity(precision, reducers, reduced, frames, None)
            outcomes[index] = _blamed(outcome, found)
    report = CalibrationReport(
        package=package.manifest.name,
        variant=package.manifest.variant,
        recipe=recipe,
        calibration_set=dataset.name,
        calibration_images=len(selected.calibration),
        gate_images=len(selected.gate),
        orientations=config.orientations,
        threads=config.threads,
        quantised_layers=len(chosen),
        kept_layers=tuple(name for name in convolutions.convolutions if name not in chosen),
        outcomes=tuple(outcomes),
        profiles=profiles,
        sensitivity=sensitivity,
    )
    passed = {item.precision for item in outcomes if item.gate is None or item.gate.passed}
    put_graphs(
        package,
        {precision: graph for precision, graph in graphs.items() if precision in passed},
        {item.precision: _metrics(item, recipe, config) for item in outcomes if item.precision in passed},
    )
    return report


def _fp32_graph(package: Package) -> onnx.ModelProto:
    if Precision.FP32 not in package.manifest.graphs:
        raise PrecisionMissingError(
            f"{package.directory} has no fp32 graph, and the others are made from it",
            "export the package again: edge-irdet export CHECKPOINT -o PACKAGE",
        )
    return parse_graph(package.read_graph(Precision.FP32), str(package.directory))


def _has_fp16(precision: Precision, recipe: Recipe) -> bool:
    return precision is Precision.FP16 or recipe.int8.remainder is Remainder.FP16


def _metrics(outcome: PrecisionOutcome, recipe: Recipe, config: CalibrationConfig) -> PrecisionFigures:
    judged = {} if outcome.gate is None else {"gate": outcome.gate.to_dict(), "recipe": recipe.to_dict()}
    return msgspec.convert(
        {
            **(outcome.test or outcome.report).to_dict(),
            "cpu_ms": round(outcome.milliseconds, 2),
            "cpu_threads": config.threads,
            **judged,
        },
        PrecisionFigures,
    )


def _blamed(outcome: PrecisionOutcome, found: Sensitivity) -> PrecisionOutcome:
    return replace(outcome, blamed=found.worst_layers())


@dataclass(frozen=True)
class _Work:
    """What every measurement of one calibration shares."""

    package: Package
    config: CalibrationConfig
    fp32: onnx.ModelProto
    gate: LabelledDataset
    test: LabelledDataset | None
    status: Callable[[str], None]

    @property
    def preprocess(self) -> PreprocessSpec:
        spec = self.package.manifest.preprocess
        return msgspec.structs.replace(spec, sixteen_bit=self.config.sixteen_bit or spec.sixteen_bit)

    @property
    def measurer(self) -> GraphMeasurer:
        return GraphMeasurer(self.package, self.config.threads, self.config.sixteen_bit)

    def outcome(
        self,
        precision: Precision,
        graph: onnx.ModelProto,
        judged: onnx.ModelProto,
        frames: list[NDArray[np.uint8]],
        fp32: EvaluationReport | None = None,
    ) -> PrecisionOutcome:
        def progress(done: int, total: int) -> None:
            self.status(f"{precision.value}: frame {done} of {total}")

        report = self.measurer.evaluate(judged, self.gate, progress)
        # Of the graph itself and not of its emulation: what edge-irdet evaluate says of the package.
        test = None if self.test is None else self.measurer.evaluate(graph, self.test, progress)
        return PrecisionOutcome(
            precision=precision,
            bytes=len(graph.SerializeToString(deterministic=True)),
            milliseconds=self.measurer.milliseconds(graph, frames[0]),
            report=report,
            test=test,
            gate=None if fp32 is None else judge_precision(precision, fp32, report),
        )

    def sensitivity(
        self,
        precision: Precision,
        reducers: dict[Precision, Callable[[Collection[str]], onnx.ModelProto]],
        layers: tuple[str, ...],
        frames: list[NDArray[np.uint8]],
        labelled: LabelledDataset | None,
    ) -> Sensitivity:
        return find_sensitivity(
            self.measurer,
            self.fp32,
            reducers[precision],
            layers,
            frames,
            labelled,
            lambda done, total: self.status(f"{precision.value}, layers one by one: {done} of {total}"),
        )
