"""Choosing a package's score threshold by a stated rule, on labelled images or videos, and storing it.

>>> config = DetectorConfig(runtime="cpu", precision="fp32", score_threshold=THRESHOLDS[0])
>>> with Detector(package, config) as detector:
...     choice = choose_on_images(detector, read_dataset(folder, "train.txt"), max_fa=1e-5)
>>> package = write_threshold(package, choice)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from edge_irdet.dataset.class_order import in_class_order
from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.splits import split_as_trained
from edge_irdet.detection.detector import Detector
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.operating_point import THRESHOLDS, choose_point, operating_curve
from edge_irdet.evaluation.predicting import VideoProgress, evaluate_videos, predict, require_low_scores
from edge_irdet.evaluation.truth import Truth
from edge_irdet.evaluation.video_rates import FOUND_DISTANCES, choose_threshold
from edge_irdet.files import write_bytes_atomically
from edge_irdet.package import MANIFEST_NAME, Package, PostprocessSpec, encode_manifest
from edge_irdet.provenance import OperatingPoint

MAX_FA = 1e-5
"""Largest Fa on images where none is given."""

MAX_FALSE_ALARMS = 0.1
"""Most false alarms per frame on videos where none are given."""


@dataclass(frozen=True)
class ThresholdPoint:
    """A detector at one score threshold."""

    score: float
    """The threshold."""

    found: float
    """Share of the targets that are found, 0..1."""

    alarms: float
    """Fa, or false alarms per frame: see :attr:`ThresholdChoice.alarms_name`."""

    false_alarms: int
    """Number of false alarms."""


@dataclass(frozen=True)
class ThresholdChoice:
    """A curve over all thresholds, and the point that a rule chose."""

    points: tuple[ThresholdPoint, ...]
    """By rising threshold."""

    chosen: ThresholdPoint
    """One of them."""

    rule: str
    """The rule in words."""

    dataset: str
    """Name of the set and split."""

    extent: str
    """Number of images, or of frames and videos, in words."""

    videos: bool
    """Whether it was chosen on videos, else on images."""

    postprocess: PostprocessSpec
    """Suppression rule that the curve belongs to, with the chosen threshold."""

    @property
    def found_name(self) -> str:
        """What ``found`` counts."""
        return f"found within {FOUND_DISTANCES[-1]:g} px" if self.videos else "Pd"

    @property
    def alarms_name(self) -> str:
        """What ``alarms`` counts."""
        return "false alarms per frame" if self.videos else "Fa"

    def operating_point(self) -> OperatingPoint:
        """What the manifest says about the choice."""
        found, alarms = round(self.chosen.found, 6), round(self.chosen.alarms, 9)
        return OperatingPoint(
            rule=self.rule,
            dataset=f"{self.dataset}, {self.extent}",
            nms=self.postprocess.nms.value,
            score_threshold=self.chosen.score,
            pd=None if self.videos else found,
            fa=None if self.videos else alarms,
            found_within_5_px=found if self.videos else None,
            false_alarms_per_frame=alarms if self.videos else None,
            false_alarms=self.chosen.false_alarms,
        )


def choose_on_images(
    detector: Detector,
    dataset: LabelledDataset,
    max_fa: float = MAX_FA,
    training: Mapping[str, Any] | None = None,
) -> ThresholdChoice:
    """The threshold of highest Pd whose Fa stays within a limit, on the images that training held back.

    Args:
        detector: an active detector that keeps detections down to the lowest of
            :data:`~edge_irdet.evaluation.operating_point.THRESHOLDS`.
        dataset: the train list; its validation part decides.
        max_fa: limit of Fa (pixels of unmatched boxes / all pixels).
        training: ``validation_fraction`` and ``split_seed`` that differ from the package's training.

    Raises:
        OptionError: the detector drops detections that are counted or does not have a class of the set, no
            image has a target, or no threshold keeps the limit.
        DatasetImageError, LabelInvalidError, MaskSizeError: from the images.
    """
    require_low_scores(detector, THRESHOLDS[0])
    manifest = detector.package.manifest
    dataset = in_class_order(dataset, manifest.classes, manifest.name)
    division = msgspec.structs.replace(manifest.training.division, **(training or {}))
    samples = list(dataset.subset(split_as_trained(dataset.names, division)[1]))
    predictions = [predict(detector, sample).detections for sample in samples]
    sizes = [(sample.image.shape[1], sample.image.shape[0]) for sample in samples]
    curve = operating_curve(predictions, [Truth.of(sample) for sample in samples], sizes)
    points = tuple(ThresholdPoint(one.score_threshold, one.pd, one.fa, one.false_alarms) for one in curve)
    return _choice(
        detector,
        points,
        curve.index(choose_point(curve, max_fa)),
        rule=f"highest Pd with Fa <= {max_fa:g}",
        dataset=f"the validation part of {dataset.name}",
        extent=f"{len(samples)} validation images",
        videos=False,
    )


def choose_on_videos(
    detector: Detector,
    root: Path,
    split: str,
    max_false_alarms: float = MAX_FALSE_ALARMS,
    stride: int = 1,
    progress: VideoProgress = lambda name, done, of: None,
) -> ThresholdChoice:
    """The threshold with the most targets found whose false alarms per frame stay within a limit.

    Args:
        detector: as for :func:`choose_on_images`.
        root: folder of the data set.
        split: value of the column ``split`` of ``videos.csv``, or a list of videos, none of them trained on.
        max_false_alarms: limit, per frame.
        stride: frames between two that are looked at.
        progress: called after each video.

    Raises:
        OptionError: as for :func:`choose_on_images`.
        DatasetImageError, DatasetMissingError, LabelInvalidError: from the videos.
    """
    report = evaluate_videos(detector, root, split, stride, progress)
    overall, near = report.overall, FOUND_DISTANCES[-1]
    chosen = choose_threshold(overall, max_false_alarms)
    points = tuple(
        ThresholdPoint(
            score,
            float(overall.found[near][index]) / overall.targets,
            float(overall.false_alarms[index]) / overall.frames,
            int(overall.false_alarms[index]),
        )
        for index, score in enumerate(THRESHOLDS)
    )
    return _choice(
        detector,
        points,
        chosen,
        rule=f"most targets found within {near:g} px, at most {max_false_alarms:g} false alarms per frame",
        dataset=report.dataset,
        extent=f"{overall.frames} frames of {len(report.videos)} videos",
        videos=True,
    )


def write_threshold(package: Package, choice: ThresholdChoice) -> Package:
    """Store a choice in a package: score threshold, suppression rule, and how they were chosen.

    Returns:
        The package, opened again.

    Raises:
        OptionError: nothing was found at the chosen threshold; the package stays as it was.
        OutputFailedError: the manifest cannot be written; the package stays as it was.
    """
    if choice.chosen.found <= 0.0:
        raise OptionError(
            f"at the threshold {choice.chosen.score:g} the package finds no target of {choice.dataset}",
            f"allow more ({choice.alarms_name}), or see with edge-irdet evaluate what the package detects",
        )
    manifest = msgspec.structs.replace(
        package.manifest, postprocess=choice.postprocess, operating_point=choice.operating_point()
    )
    write_bytes_atomically(package.directory / MANIFEST_NAME, encode_manifest(manifest))
    return Package(package.directory)


def _choice(
    detector: Detector, points: tuple[ThresholdPoint, ...], chosen: int, *, videos: bool, **words: str
) -> ThresholdChoice:
    score = points[chosen].score
    postprocess = msgspec.structs.replace(detector.postprocess, score_threshold=score)
    return ThresholdChoice(points, points[chosen], postprocess=postprocess, videos=videos, **words)
