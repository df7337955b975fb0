"""Running the torch model on labelled images: validation during training."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.letterbox import letterbox, place
from edge_irdet.detection.nms import select
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE, average_precision
from edge_irdet.evaluation.truth import Truth
from edge_irdet.network.decode import decode_levels
from edge_irdet.network.light_sgmtlm import LightSGMTLM
from edge_irdet.package import PostprocessSpec


def without_saliency_head(model: LightSGMTLM) -> LightSGMTLM:
    """A copy that detects exactly alike and leaves out the head, half of the reduced model's time."""
    copied = copy.deepcopy(model)
    copied.salhead = None
    return copied


@torch.no_grad()
def validation_map50(
    model: LightSGMTLM, samples: Sequence[Sample], size: tuple[int, int], pad_value: int
) -> float | None:
    """mAP@0.5 of a model on labelled images (8 bits), letterboxed to ``size`` (width, height), FP32.

    None where they have no target, so that nothing can be rated.
    """
    detector = without_saliency_head(model).eval()
    device = next(detector.parameters()).device
    spec = PostprocessSpec(score_threshold=EVALUATION_SCORE)
    predictions = []
    for sample in samples:
        canvas = np.full((size[1], size[0]), pad_value, np.uint8)
        placement = place((sample.image.shape[1], sample.image.shape[0]), size)
        letterbox(sample.image.view(np.uint8), placement, canvas)
        image = torch.from_numpy(canvas).to(device)[None, None].float().div(255).expand(1, 3, -1, -1)
        boxes, scores = decode_levels(detector(image).levels, detector.det.anchors)
        found = select(boxes[0].cpu().numpy(), scores[0].cpu().numpy(), spec)
        predictions.append(Detections(placement.to_source(found.boxes), found.scores, found.classes))
    truths = [Truth.of(sample) for sample in samples]
    return average_precision(predictions, truths).mean_iou50
