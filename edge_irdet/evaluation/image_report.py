"""All figures of one model on one labelled data set."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.sample import MaskSource, Sample
from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError, RunnerError
from edge_irdet.evaluation.average_precision import average_precision
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.evaluation.mask_detection_probability import MaskDetectionProbability
from edge_irdet.evaluation.matching import MATCH_DISTANCE, Match
from edge_irdet.evaluation.saliency_overlap import SaliencyOverlap
from edge_irdet.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said about one image."""

    detections: Detections
    """All down to a low score (0.001 or so), in pixels of the image: average precision needs the tail."""

    saliency: NDArray[np.float32] | None = None
    """[H, W] of the image's size, 0..1; ``None`` where the model has no saliency output."""


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """What became of one image's targets and detections at the score threshold."""

    name: str
    """The image's name in its set."""

    detections: Detections
    """Those with at least the score threshold."""

    target_boxes: NDArray[np.float32]
    """[m, 4] of the targets."""

    target_scores: NDArray[np.float32]
    """[m] best score of any detection, also below the threshold, within the matching distance; else 0."""

    match: Match
    """Which detection is which target."""


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Figures of one model on one data set; rates are fractions 0..1, ``None`` where nothing can be rated."""

    dataset: str
    """Name of the set and split."""

    images: int
    """Images evaluated."""

    targets: int
    """Targets in them: components of the annotated masks, else boxes."""

    map50: float | None
    """Mean average precision at IoU 0.5 (the paper's mAP)."""

    ap_3px: float | None
    """Mean average precision at a centre distance of at most 3 px."""

    per_class_ap50: dict[str, float | None]
    """Average precision at IoU 0.5 by class name; ``None`` for a class without targets."""

    per_class_ap_3px: dict[str, float | None]
    """Average precision at 3 px by class name."""

    score_threshold: float
    """Lowest score of the detections that count for ``pd``, ``fa`` and the false alarms."""

    distance_px: float
    """Matching distance of ``pd`` and ``fa``, also those of the saliency map."""

    pd: float | None
    """Probability of detection of the boxes."""

    fa: float | None
    """Pixels of unmatched boxes / all pixels."""

    false_alarms: int
    """Unmatched boxes."""

    false_alarms_per_image: float | None
    """Unmatched boxes / images."""

    mask_source: str | None
    """What ``iou`` and ``niou`` compare with: ``annotated`` masks or ``boxes``; ``None`` without saliency."""

    saliency_threshold: float | None
    """Saliency from which a pixel counts as target; ``None`` without saliency."""

    iou: float | None
    """IoU of the saliency map over the data set (paper, eq. 20)."""

    niou: float | None
    """Mean IoU of the images (paper, eq. 21)."""

    saliency_pd: float | None
    """Probability of detection of the saliency map's components; only with annotated masks."""

    saliency_fa: float | None
    """Pixels of unmatched components / all pixels; only with annotated masks."""

    outcomes: tuple[ImageOutcome, ...] = dataclasses.field(repr=False, default=())
    """Image by image, for the picture sheet; not part of the JSON."""

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, without ``outcomes``."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "outcomes"
        }

    def to_json(self) -> str:
        """The figures as one JSON object, keys as the fields above, full precision."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"


EvaluationProgress = Callable[[int, int], None]
"""Called after each image with the number done and the number of all."""


def evaluate(
    predict: Callable[[Sample], Prediction],
    dataset: LabelledDataset,
    *,
    score_threshold: float,
    distance: float = MATCH_DISTANCE,
    saliency_threshold: float = 0.5,
    progress: EvaluationProgress | None = None,
) -> EvaluationReport:
    """Run ``predict`` over a data set and gather every figure.

    Args:
        predict: sample to prediction, in pixels of the sample's image; it is called once an image, in order,
            and what it raises ends the evaluation.
        dataset: the labelled images.
        score_threshold: for Pd, Fa and false alarms; average precision uses all detections.
        distance: matching distance in pixels for Pd and Fa. ``ap_3px`` stays at 3 px.
        saliency_threshold: a pixel with at least this saliency counts as target.
        progress: called after each image.

    Raises:
        OptionError: a threshold is out of range, or a detection has a class the set does not have.
        RunnerError: a prediction holds values that are not numbers, a saliency map has another size than its
            image, or only some images have one.
        DatasetImageError, LabelInvalidError, MaskSizeError: from reading the set.
        ExtraMissingError: pycocotools is not installed.
    """
    for name, threshold in (("score", score_threshold), ("saliency", saliency_threshold)):
        if not 0.0 <= threshold <= 1.0:
            raise OptionError(f"the {name} threshold is {threshold}", "choose one between 0 and 1")
    boxes_rated = DetectionProbability(distance)
    saliency_rated = MaskDetectionProbability(distance)
    overlap = SaliencyOverlap()
    predictions: list[Detections] = []
    truths: list[Truth] = []
    outcomes: list[ImageOutcome] = []
    with_saliency = 0
    sources: set[MaskSource] = set()
    for done, sample in enumerate(dataset, start=1):
        prediction = predict(sample)
        _check(prediction, sample, dataset.classes)
        truth = Truth.of(sample)
        predictions.append(prediction.detections)
        truths.append(
            dataclasses.replace(truth, mask=None)
        )  # average precision needs no mask: save the memory
        outcomes.append(
            _outcome(sample, truth, prediction.detections, score_threshold, distance, boxes_rated)
        )
        if prediction.saliency is not None:
            with_saliency += 1
            sources.add(sample.mask_source)
            predicted_mask = prediction.saliency >= saliency_threshold
            overlap.add(predicted_mask, sample.mask)
            if truth.mask is not None:
                saliency_rated.add(predicted_mask, truth.mask)
        if progress is not None:
            progress(done, len(dataset))
    if with_saliency not in (0, len(dataset)):
        raise RunnerError(
            f"only {with_saliency} of {len(dataset)} predictions have a saliency map",
            "return one for every image, or for none",
        )
    precision = average_precision(predictions, truths)
    counts, saliency_counts = boxes_rated.counts, saliency_rated.counts
    return EvaluationReport(
        dataset=dataset.name,
        images=counts.images,
        targets=counts.targets,
        map50=precision.mean_iou50,
        ap_3px=precision.mean_3px,
        per_class_ap50=_by_name(precision.per_class_iou50, dataset.classes),
        per_class_ap_3px=_by_name(precision.per_class_3px, dataset.classes),
        score_threshold=score_threshold,
        distance_px=distance,
        pd=counts.pd,
        fa=counts.fa,
        false_alarms=counts.false_alarms,
        false_alarms_per_image=counts.false_alarms_per_image,
        mask_source="+".join(sorted(source.value for source in sources)) or None,
        saliency_threshold=saliency_threshold if with_saliency else None,
        iou=overlap.iou,
        niou=overlap.niou,
        saliency_pd=saliency_counts.pd,
        saliency_fa=saliency_counts.fa,
        outcomes=tuple(outcomes),
    )


def _outcome(
    sample: Sample,
    truth: Truth,
    detections: Detections,
    score_threshold: float,
    distance: float,
    rated: DetectionProbability,
) -> ImageOutcome:
    kept = detections.scores >= score_threshold
    passed = Detections(detections.boxes[kept], detections.scores[kept], detections.classes[kept])
    boxes, centres = truth.targets()
    height, width = sample.image.shape
    match = rated.add(passed.boxes, centres, width, height)
    separations = np.linalg.norm(centres[:, None, :] - detections.centres[None, :, :], axis=2)
    near_scores = np.where(separations <= distance, detections.scores[None, :], np.float32(0))
    best = near_scores.max(axis=1, initial=0.0).astype(np.float32)
    return ImageOutcome(sample.name, passed, boxes, best, match)


def _check(prediction: Prediction, sample: Sample, classes: tuple[str, ...]) -> None:
    found = prediction.detections
    if not (np.isfinite(found.boxes).all() and np.isfinite(found.scores).all()):
        raise RunnerError(
            f"the detections of {sample.name!r} hold values that are not numbers",
            "check the model's precision: run it in fp32 and compare",
        )
    if len(found) and not 0 <= int(found.classes.min()) <= int(found.classes.max()) < len(classes):
        raise OptionError(
            f"{sample.name!r} has a detection of class {int(found.classes.max())}, but the set has the "
            f"{len(classes)} classes {', '.join(classes)}",
            "evaluate on a set with the model's classes, or map the classes in the prediction",
        )
    saliency = prediction.saliency
    if saliency is None:
        return
    if saliency.shape != sample.image.shape:
        raise RunnerError(
            f"the saliency map of {sample.name!r} has the shape {saliency.shape}, "
            f"its image {sample.image.shape}",
            "undo the letterbox before returning the map",
        )
    if not np.isfinite(saliency).all():
        raise RunnerError(
            f"the saliency map of {sample.name!r} holds values that are not numbers",
            "check the model's precision: run it in fp32 and compare",
        )


def _by_name(per_class: dict[int, float], classes: tuple[str, ...]) -> dict[str, float | None]:
    return {name: per_class.get(index) for index, name in enumerate(classes)}
