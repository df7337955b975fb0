"""Sequences to track on: detections and true targets by frame, of labelled videos and of synthetic scenes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_irdet.dataset.video_labels import VideoLabel, label_path, labels_by_frame
from edge_irdet.detection.detections import Detections
from edge_irdet.detection.detector import Detector
from edge_irdet.errors import FrameFormatError
from edge_irdet.evaluation.matching import match_points
from edge_irdet.scene import SceneConfig, SyntheticScene
from edge_irdet.stream.sources.opening import open_source

LOWEST_SCORE = 0.25
"""Detections are kept down to this score; each table then takes those above its own threshold."""

LINK_DISTANCE = 25.0
"""Greatest distance between the places of one identity in labels that follow one another, pixels."""

LINK_FRAMES = 15
"""An identity that is not labelled for longer than this is over, frames."""

ASSUMED_RATE = 30.0
"""Frames a second of a video that does not state its own."""


@dataclass(frozen=True)
class TrackedFrame:
    """One frame: what was found and what is there."""

    capture_ns: int
    """By the sequence's own rate: a file is read faster or slower than it was recorded."""

    detections: Detections
    """Best first."""

    true_ids: NDArray[np.int64]
    """[n] identities."""

    true_centres: NDArray[np.float64]
    """[n, 2] x, y."""

    dropped_before: bool = False
    """Frames are missing before this one."""


@dataclass(frozen=True)
class LabelledSequence:
    """Frames in order."""

    name: str
    size: tuple[int, int]
    """Width, height."""

    frames: Sequence[TrackedFrame]

    def above(self, score: float) -> LabelledSequence:
        """The same with only the detections of at least ``score``."""
        kept = []
        for frame in self.frames:
            found = frame.detections
            good = found.scores >= score
            kept.append(
                replace(
                    frame,
                    detections=Detections(found.boxes[good], found.scores[good], found.classes[good]),
                )
            )
        return replace(self, frames=kept)

    def sampled(self, every: int) -> LabelledSequence:
        """Every ``every``-th frame only, as a slower camera gives them: targets move further in each."""
        return replace(self, frames=self.frames[::every])

    def thinned(self, every: int) -> LabelledSequence:
        """The same without every ``every``-th frame, as a stream that drops has it."""
        kept: list[TrackedFrame] = []
        dropped = False
        for index, frame in enumerate(self.frames):
            if index % every == every - 1:
                dropped = True
                continue
            kept.append(replace(frame, dropped_before=dropped))
            dropped = False
        return replace(self, frames=kept)

    def blinded(self, period: int, length: int) -> LabelledSequence:
        """The same without detections in the last ``length`` of every ``period`` frames; targets stay."""
        none = Detections.none()
        frames = [
            replace(frame, detections=none) if index % period >= period - length else frame
            for index, frame in enumerate(self.frames)
        ]
        return replace(self, frames=frames)


def link_identities(labels: dict[int, list[VideoLabel]]) -> dict[int, NDArray[np.int64]]:
    """Identities for labels that have none.

    The labels of a frame are linked to the identities whose last place is nearest, one to one and optimally,
    within ``LINK_DISTANCE`` and ``LINK_FRAMES``; the rest begin new ones. In videos with one target at a time
    this is unambiguous: such a target moves by 0.3 px a frame in the median and by 17.7 px at most, and the
    few greater steps (29 px and more, 15 in 9 of 199 videos) are cuts to another clip.

    Returns:
        [n] identities of each frame's labels, in their order.
    """
    last: dict[int, tuple[int, tuple[float, float]]] = {}
    linked, fresh = {}, 1
    for index in sorted(labels):
        row = labels[index]
        alive = [number for number, (seen, _) in last.items() if index - seen <= LINK_FRAMES]
        places = np.array([last[number][1] for number in alive], np.float64).reshape(-1, 2)
        centres = _centres(row)
        ids = np.zeros(len(row), np.int64)
        for which, identity in match_points(centres, places, LINK_DISTANCE).pairs.tolist():
            ids[which] = alive[identity]
        for which in np.flatnonzero(ids == 0).tolist():
            ids[which], fresh = fresh, fresh + 1
        last.update({int(number): (index, label.centre) for number, label in zip(ids, row, strict=True)})
        linked[index] = ids
    return linked


def video_sequence(data: Path, name: str, detector: Detector, cache: Path) -> LabelledSequence:
    """A labelled video with the detector's findings, from the cache where it holds them."""
    path = data / "mp4" / f"{name}.mp4"
    found, size, rate = _cached(f"{path.name} {path.stat().st_size}", detector, cache, lambda: _video(path))
    labels = labels_by_frame(label_path(data, name))
    ids = link_identities(labels)
    frames = [
        TrackedFrame(
            capture_ns=round(index * 1e9 / rate),
            detections=detections,
            true_ids=ids.get(index, np.zeros(0, np.int64)),
            true_centres=_centres(labels.get(index, [])),
        )
        for index, detections in enumerate(found)
    ]
    return LabelledSequence(name, size, frames)


def scene_sequence(config: SceneConfig, detector: Detector, cache: Path) -> LabelledSequence:
    """A synthetic scene, whose targets' identities and places are known, with the detector's findings."""
    found, size, rate = _cached(f"scene {config}", detector, cache, lambda: _scene(config))
    return _with_truth(config, found, size, rate)


def simulated_sequence(config: SceneConfig) -> LabelledSequence:
    """The targets of a synthetic scene as a simulated detector would find them, to see the tracker alone: 10%
    missed, 0.5 px of error, and false alarms at random places, one a frame in the mean."""
    generator = np.random.default_rng((config.seed, 7))
    scene = SyntheticScene(config)
    found = []
    for index in range(config.frames):
        truth = scene.render(index).truth
        seen = generator.random(len(truth.track_ids)) < 0.9
        shift = generator.normal(0.0, 0.5, (int(seen.sum()), 2))
        corners = generator.random((int(generator.poisson(1.0)), 2)) * (config.width - 4, config.height - 4)
        boxes = np.concatenate(
            [
                truth.boxes[seen] + np.tile(shift, 2),
                np.concatenate([corners, corners + 4.0], axis=1),
            ]
        )
        count = len(boxes)
        scores = np.full(count, 0.9, np.float32)
        found.append(Detections(boxes.astype(np.float32), scores, np.zeros(count, np.int64)))
    return _with_truth(config, found, (config.width, config.height), config.rate)


def _with_truth(
    config: SceneConfig, found: Sequence[Detections], size: tuple[int, int], rate: float
) -> LabelledSequence:
    scene = SyntheticScene(config)
    frames = []
    for index, detections in enumerate(found):
        truth = scene.render(index).truth
        stamp = round(index * 1e9 / rate)
        frames.append(TrackedFrame(stamp, detections, truth.track_ids, truth.centroids))
    return LabelledSequence(f"synthetic:{config.clutter.value} seed {config.seed}", size, frames)


def _video(path: Path) -> tuple[Iterator[NDArray[Any]], float]:
    source = open_source(str(path))
    source.open()

    def images() -> Iterator[NDArray[Any]]:
        try:
            while (frame := source.read()) is not None:
                yield frame.image
        finally:
            source.close()

    return images(), source.rate or ASSUMED_RATE


def _scene(config: SceneConfig) -> tuple[Iterator[NDArray[Any]], float]:
    scene = SyntheticScene(config)
    return (scene.render(index).image for index in range(config.frames)), config.rate


def _cached(
    name: str,
    detector: Detector,
    cache: Path,
    images: Callable[[], tuple[Iterator[NDArray[Any]], float]],
) -> tuple[list[Detections], tuple[int, int], float]:
    """What the detector finds in some images, their size and rate; from a file where it ran before."""
    identity = f"{name} {detector.postprocess} {detector.package.manifest.graphs}"
    kept = cache / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npz"
    if not kept.is_file():
        rows: list[Detections] = []
        size = (0, 0)
        frames, rate = images()
        for image in frames:
            size = (image.shape[1], image.shape[0])
            rows.append(detector.detect(image))
        if not rows:
            raise FrameFormatError(f"{name} has no frame", "look at the source: edge-irdet stream SOURCE")
        cache.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        with part.open("wb") as handle:
            np.savez_compressed(
                handle,
                counts=np.array([len(row) for row in rows], np.int64),
                boxes=np.concatenate([row.boxes for row in rows]),
                scores=np.concatenate([row.scores for row in rows]),
                classes=np.concatenate([row.classes for row in rows]),
                size=np.array(size, np.int64),
                rate=np.array(rate),
            )
        part.replace(kept)
    with np.load(kept) as arrays:
        ends = np.cumsum(arrays["counts"])[:-1]
        parts = (np.split(arrays[name], ends) for name in ("boxes", "scores", "classes"))
        found = [Detections(*row) for row in zip(*parts, strict=True)]
        return found, (int(arrays["size"][0]), int(arrays["size"][1])), float(arrays["rate"])


def _centres(labels: Sequence[VideoLabel]) -> NDArray[np.float64]:
    return np.array([label.centre for label in labels], np.float64).reshape(-1, 2)
