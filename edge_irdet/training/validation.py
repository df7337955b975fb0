"""Running the torch model on labelled images: validation during training."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.letterbox import fit_frame, letterbox
from edge_irdet.detection.nms import select_detections
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE, average_precision
from edge_irdet.evaluation.truth import Truth
from edge_irdet.evaluation.video_rates import FOUND_DISTANCES, Tally, rate_frame
from edge_irdet.network.decode import decode_levels
from edge_irdet.network.network import Network
from edge_irdet.package import PostprocessSpec

FALSE_ALARMS_PER_FRAME = 0.1
"""False alarms a frame that the threshold of :func:`validation_rate` may leave."""

EVERYTHING = PostprocessSpec(score_threshold=EVALUATION_SCORE)
"""The paper's suppression down to the low scores that average precision needs."""


def without_saliency_head(model: Network) -> Network:
    """A copy that detects exactly alike and leaves out the head, half of the reduced model's time."""
    copied = copy.deepcopy(model)
    copied.salhead = None
    return copied


def inverted(sample: Sample) -> Sample:
    """A sample of 8 bits as a camera of the other polarity gives it; labels stay."""
    return replace(sample, image=255 - sample.image)


def validation_map50(
    model: Network, samples: Sequence[Sample], size: tuple[int, int], pad_value: int
) -> float | None:
    """mAP@0.5 of a model on labelled images (8 bits), letterboxed to ``size`` (width, height), FP32.

    None where they have no target, so that nothing can be rated.
    """
    truths = [Truth.of(sample) for sample in samples]
    return average_precision(detect_samples(model, samples, size, pad_value), truths).mean_iou50


def validation_rate(
    model: Network, samples: Sequence[Sample], size: tuple[int, int], pad_value: int
) -> float | None:
    """Detection rate of a model on video frames at the score threshold that keeps false alarms rare.

    Counted as :mod:`edge_irdet.evaluation.video_rates` counts, within its larger distance. Of the thresholds
    with at most :data:`FALSE_ALARMS_PER_FRAME` the best rate counts; 0 where none keeps it. Images are 8
    bits, letterboxed to ``size`` (width, height), FP32.

    None where there is no target, so that nothing can be rated.
    """
    centres = [Truth.of(sample).targets()[1] for sample in samples]
    targets = sum(len(own) for own in centres)
    if not targets:
        return None
    overall = Tally()
    for found, own in zip(detect_samples(model, samples, size, pad_value), centres, strict=True):
        overall.add(rate_frame(found.scores, found.centres, own)[0])
    allowed = overall.false_alarms <= FALSE_ALARMS_PER_FRAME * len(samples)
    return float(overall.found[FOUND_DISTANCES[-1]][allowed].max(initial=0)) / targets


@torch.no_grad()
def detect_samples(
    model: Network,
    samples: Sequence[Sample],
    size: tuple[int, int],
    pad_value: int,
    spec: PostprocessSpec = EVERYTHING,
) -> list[Detections]:
    """Detections of a model on images (8 bits), letterboxed to ``size`` (width, height), FP32."""
    detector = without_saliency_head(model).eval()
    device = next(detector.parameters()).device
    predictions = []
    for sample in samples:
        canvas = np.full((size[1], size[0]), pad_value, np.uint8)
        placement = fit_frame((sample.image.shape[1], sample.image.shape[0]), size)
        letterbox(sample.image.view(np.uint8), placement, canvas)
        image = torch.from_numpy(canvas).to(device)[None, None].float().div(255).expand(1, 3, -1, -1)
        boxes, scores = decode_levels(detector(image).levels, detector.det.anchors, detector.det.strides)
        found = select_detections(boxes[0].cpu().numpy(), scores[0].cpu().numpy(), spec)
        predictions.append(Detections(placement.to_source(found.boxes), found.scores, found.classes))
    return predictions
