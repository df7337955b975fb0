"""Pd and Fa of a running stream, against the truth that its source knows: a sink like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edge_irdet.evaluation.detection_probability import DetectionCounts, DetectionProbability
from edge_irdet.evaluation.matching import MATCH_DISTANCE
from edge_irdet.evaluation.target_size import SIZE_CLASSES, size_class
from edge_irdet.record import Record
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.sink import Sink, StreamInfo


@dataclass(slots=True)
class TargetsFound:
    """How many of some targets were detected."""

    targets: int = 0
    """True targets, each counted in every frame that shows it."""

    detected: int = 0
    """Targets with a detection of their own."""

    @property
    def pd(self) -> float | None:
        """Probability of detection, 0..1; ``None`` without any target."""
        return self.detected / self.targets if self.targets else None


class ScoringSink(Sink):
    """Compares the records of a stream with the truth of its frames; frames without truth are passed over.

    >>> score = ScoringSink()
    >>> Pipeline(open_source("synthetic:sea"), detector, [score]).run()
    >>> score.counts.pd, score.counts.false_alarms_per_image, score.by_size["3 to 5 px"].pd

    The figures grow with every frame and are exact once the stream has ended. A detection is right where its
    box's centre lies within ``distance`` of the target's centre, one to one
    (:class:`~edge_irdet.evaluation.detection_probability.DetectionProbability`).

    Args:
        distance: greatest distance of the centres in pixels, inclusive.

    Raises:
        OptionError: ``distance`` is not positive and finite.
    """

    usage: ClassVar[str] = "score against truth"

    def __init__(self, distance: float = MATCH_DISTANCE) -> None:
        super().__init__(self.usage)
        self.distance = distance
        """Greatest distance of the centres in pixels."""
        self.by_size = {name: TargetsFound() for name in SIZE_CLASSES}
        """By the longer side of the target's true box; the classes are those of ``edge-irdet evaluate``."""
        self._probability = DetectionProbability(distance)

    @property
    def counts(self) -> DetectionCounts:
        """Pd, Fa and false alarms per frame over all targets, with the sums they come from."""
        return self._probability.counts

    def open(self, info: StreamInfo) -> None:
        """Nothing to get ready."""

    def write(self, frame: Frame, record: Record) -> None:
        """Count one frame."""
        truth = frame.truth
        if truth is None:
            return
        boxes = np.array([detection.box for detection in record.detections], np.float64).reshape(-1, 4)
        match = self._probability.add(boxes, truth.centroids, record.width, record.height)
        detected = set(match.pairs[:, 1].tolist())
        sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(axis=1, initial=0.0)
        for index, side in enumerate(sides.tolist()):
            found = self.by_size[size_class(side)]
            found.targets += 1
            found.detected += index in detected

    def close(self) -> None:
        """Nothing to finish."""
