"""Running a detector over labelled data for its figures, which need detections down to low scores.

>>> config = DetectorConfig(runtime="cpu", precision="fp32", score_threshold=EVALUATION_SCORE)
>>> with Detector(package, config) as detector:
...     report = evaluate_images(detector, read_dataset(folder, "test.txt"))
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_irdet.dataset.class_order import in_class_order
from edge_irdet.dataset.labelled_dataset import LabelledDataset
from edge_irdet.dataset.sample import Sample
from edge_irdet.dataset.video_labels import videos_of_split
from edge_irdet.detection.detector import Detector
from edge_irdet.errors import OptionError
from edge_irdet.evaluation.average_precision import EVALUATION_SCORE
from edge_irdet.evaluation.image_report import EvaluationProgress, EvaluationReport, Prediction, evaluate
from edge_irdet.evaluation.video_rates import THRESHOLDS, VideoReport, rate_videos

VideoProgress = Callable[[str, int, int], None]
"""Called after each video with its name, the number done and the number of all."""


def predict(detector: Detector, sample: Sample) -> Prediction:
    """What a detector says about one still, with its saliency map if the package has one."""
    detector.reset()  # stills are no sequence
    if detector.has_saliency:
        return Prediction(*detector.detect_with_saliency(sample.image))
    return Prediction(detector.detect(sample.image))


def evaluate_images(
    detector: Detector,
    dataset: LabelledDataset,
    score_threshold: float | None = None,
    progress: EvaluationProgress | None = None,
) -> EvaluationReport:
    """All figures of a detector on labelled images, as ``edge-irdet evaluate`` prints them.

    Args:
        detector: an active detector that keeps detections down to :data:`EVALUATION_SCORE`.
        dataset: the images.
        score_threshold: for Pd, Fa and false alarms; None takes the package's.
        progress: called after each image.

    Raises:
        OptionError: the detector drops detections that average precision needs, or does not have a class of
            the set.
        DatasetImageError, LabelInvalidError, MaskSizeError, RunnerError, ExtraMissingError: of
            :func:`~edge_irdet.evaluation.image_report.evaluate`.
    """
    require_low_scores(detector, EVALUATION_SCORE)
    manifest = detector.package.manifest
    dataset = in_class_order(dataset, manifest.classes, manifest.name)
    if score_threshold is None:
        score_threshold = manifest.postprocess.score_threshold
    return evaluate(
        lambda sample: predict(detector, sample), dataset, score_threshold=score_threshold, progress=progress
    )


def evaluate_videos(
    detector: Detector,
    root: Path,
    split: str | None = None,
    stride: int = 1,
    progress: VideoProgress = lambda name, done, of: None,
) -> VideoReport:
    """Detection rate and false alarms of a detector on labelled videos, at every threshold.

    Args:
        detector: an active detector that keeps detections down to the lowest of
            :data:`~edge_irdet.evaluation.video_rates.THRESHOLDS`.
        root: folder of the data set.
        split: value of the column ``split`` of ``videos.csv``, or a list of videos; None takes all.
        stride: frames between two that are looked at.
        progress: called after each video.

    Raises:
        OptionError: the detector drops detections that are counted, or there is no video.
        DatasetImageError, DatasetMissingError, LabelInvalidError: of
            :func:`~edge_irdet.evaluation.video_rates.rate_videos`.
    """
    require_low_scores(detector, float(THRESHOLDS[0]))
    name, videos = videos_of_split(root, split)
    return rate_videos(detector.detect, root, name, videos, stride, progress)


def require_low_scores(detector: Detector, lowest: float) -> None:
    """Check that a detector keeps the detections that a figure needs.

    Raises:
        OptionError: its score threshold is higher than ``lowest``.
    """
    kept = detector.postprocess.score_threshold
    if kept > lowest:
        raise OptionError(
            f"the detector drops scores below {kept:g}, and the figures need those down to {lowest:g}",
            f"make it with DetectorConfig(score_threshold={lowest:g})",
        )
