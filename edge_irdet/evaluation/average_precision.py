"""Average precision by the reference implementation of the COCO benchmark, pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import ExtraMissingError, OptionError
from edge_irdet.errors.installation import install_step
from edge_irdet.evaluation.truth import Truth

OVERLAP = 0.5
"""Least IoU at which a detection counts: the paper's mAP."""

CENTRE_DISTANCE = 3.0
"""Greatest distance in pixels at which a detection counts for the centre-distance precision."""

DETECTIONS_PER_IMAGE = 300
"""The best so many detections of each class in an image are counted: the limit of the NMS (YOLOv5)."""

# COCOeval takes a pair when its similarity reaches a threshold. The similarity that stands in for IoU is
# 1 - d / (2 limit), so that the threshold 0.5 is met at exactly the limit: x / (2 x) has no rounding error.
_DISTANCE_THRESHOLD = 0.5

Similarity = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Boxes [n, 4] and [m, 4] as left, top, width, height to similarities [n, m]."""


EVALUATION_SCORE = 0.001
"""Score floor under which boxes no longer change average precision (YOLOv5's)."""


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """Average precision, 0..1, by overlap and by distance: of each class that has targets, and their mean."""

    mean_iou50: float | None
    """Mean over the classes at IoU 0.5 (the paper's mAP, eq. 19); ``None`` when no class has targets."""

    mean_3px: float | None
    """Mean over the classes at a centre distance of at most 3 px; ``None`` when no class has targets."""

    per_class_iou50: dict[int, float]
    """Class index to average precision at IoU 0.5."""

    per_class_3px: dict[int, float]
    """Class index to average precision at a centre distance of at most 3 px."""


def average_precision(predictions: Sequence[Detections], truths: Sequence[Truth]) -> AveragePrecision:
    """Average precision at IoU 0.5 and at a centre distance of 3 px.

    COCO's rules: within an image and class, detections by falling score take the free target of greatest IoU,
    if that is at least 0.5; precision is interpolated at 101 recalls, all areas, at most
    ``DETECTIONS_PER_IMAGE``. A class that is detected but has no target anywhere has no average precision and
    is not in the mean.

    The second figure is the same evaluation with the IoU replaced by a similarity that falls linearly with
    the distance between the centres of the boxes. For targets of 3 to 6 pixels IoU is decided by fractions of
    a pixel; a tracker needs the position.

    Args:
        predictions: of each image; keep low scores in, they are what the curve is made of.
        truths: of each image, in the same order.

    Raises:
        OptionError: the two lists differ in length.
        ExtraMissingError: pycocotools is not installed.
    """
    if len(predictions) != len(truths):
        raise OptionError(
            f"{len(predictions)} predictions for {len(truths)} images", "give one prediction for each image"
        )
    coco_class, evaluator_class = _pycocotools()
    classes = sorted({int(index) for truth in truths for index in truth.classes})
    if not classes:
        return AveragePrecision(None, None, {}, {})
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports its progress with print
        true = _coco(coco_class, classes, [(truth.boxes, truth.classes, None) for truth in truths])
        found = _coco(
            coco_class, classes, [(found.boxes, found.classes, found.scores) for found in predictions]
        )
        by_overlap = _precision_of_classes(evaluator_class(true, found, "bbox"), classes, OVERLAP)
        evaluator = evaluator_class(true, found, "bbox")
        evaluator.computeIoU = _with_similarity(evaluator, _centre_similarity)
        by_distance = _precision_of_classes(evaluator, classes, _DISTANCE_THRESHOLD)
    return AveragePrecision(
        mean_iou50=sum(by_overlap.values()) / len(classes),
        mean_3px=sum(by_distance.values()) / len(classes),
        per_class_iou50=by_overlap,
        per_class_3px=by_distance,
    )


def _centre_similarity(detected: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    detected_centres = detected[:, :2] + detected[:, 2:] * 0.5
    true_centres = true[:, :2] + true[:, 2:] * 0.5
    offsets = detected_centres[:, None, :] - true_centres[None, :, :]
    distances: NDArray[np.float64] = np.hypot(offsets[..., 0], offsets[..., 1])
    return 1.0 - distances / (2.0 * CENTRE_DISTANCE)


def _precision_of_classes(evaluator: Any, classes: Sequence[int], threshold: float) -> dict[int, float]:
    evaluator.params.iouThrs = np.array([threshold])
    evaluator.params.maxDets = [DETECTIONS_PER_IMAGE]
    evaluator.params.areaRng = [[0.0, float("inf")]]
    evaluator.params.areaRngLbl = ["all"]
    evaluator.evaluate()
    evaluator.accumulate()
    precision = evaluator.eval["precision"]  # [threshold, recall, class, area range, limit]
    return {index: float(precision[0, :, column, 0, 0].mean()) for column, index in enumerate(classes)}


def _with_similarity(evaluator: Any, similarity: Similarity) -> Callable[[int, int], Any]:
    """What ``COCOeval.computeIoU`` does, in its order and with its limit, for another similarity."""

    def compute(image: int, category: int) -> Any:
        true = evaluator._gts[image, category]
        detected = sorted(evaluator._dts[image, category], key=lambda found: -found["score"])
        detected = detected[: evaluator.params.maxDets[-1]]
        if not true or not detected:
            return []
        return similarity(
            np.array([found["bbox"] for found in detected]), np.array([target["bbox"] for target in true])
        )

    return compute


def _coco(
    coco_class: Any,
    classes: Sequence[int],
    images: Sequence[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32] | None]],
) -> Any:
    """A ``COCO`` object of boxes; ids start at 1, because pycocotools takes the id 0 for "not matched"."""
    annotations: list[dict[str, Any]] = []
    for image, (boxes, indices, scores) in enumerate(images, start=1):
        for position, (left, top, right, bottom) in enumerate(boxes.tolist()):
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(indices[position]) + 1,
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": 0,
            }
            if scores is not None:
                annotation["score"] = float(scores[position])
            annotations.append(annotation)
    coco = coco_class()
    coco.dataset = {
        "images": [{"id": image} for image in range(1, len(images) + 1)],
        "categories": [{"id": index + 1, "name": str(index)} for index in classes],
        "annotations": annotations,
    }
    coco.createIndex()
    return coco


def _pycocotools() -> tuple[Any, Any]:
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise ExtraMissingError(
            f"average precision needs pycocotools, which is not installed ({error})",
            install_step("evaluate"),
        ) from error
    return COCO, COCOeval
