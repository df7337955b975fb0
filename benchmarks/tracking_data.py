"""Sequences to track on: detections and true targets by frame, of labelled videos and of synthetic scenes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from video_accuracy import Label, read_labels

from edge_irdet.detection.detections import Detections
from edge_irdet.detection.detector import Detector
from edge_irdet.evaluation.matching import match_points
from edge_irdet.scene import Clutter, SceneConfig, SyntheticScene
from edge_irdet.stream.sources import open_source

LOWEST_SCORE = 0.25
"""Detections are kept down to this score; each table then takes those above its own threshold."""

LINK_DISTANCE = 25.0
"""Pixels between the places of one identity in two frames that follow one another, where a video has several
targets."""

LINK_FRAMES = 15
"""An identity that is not labelled for more frames than this is over, where a video has several targets."""

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
        return replace(self, name=f"{self.name} without every {every}. frame", frames=kept)

    def blinded(self, period: int, length: int) -> LabelledSequence:
        """The same without any detection in the last ``length`` of every ``period`` frames; the targets stay."""
        none = Detections.none()
        frames = [
            replace(frame, detections=none) if index % period >= period - length else frame
            for index, frame in enumerate(self.frames)
        ]
        return replace(self, name=f"{self.name} blind {length} of {period}", frames=frames)


def link_identities(labels: dict[int, list[Label]]) -> dict[int, NDArray[np.int64]]:
    """Identities for labels that have none.

    A video with one target at a time has one identity. In others, labels of a frame are linked to the
    identities whose last place is nearest, one to one and optimally, within ``LINK_DISTANCE`` and
    ``LINK_FRAMES``; the rest begin new ones.

    Returns:
        [n] identities of each frame's labels, in their order.
    """
    if max((len(row) for row in labels.values()), default=0) <= 1:
        return {index: np.ones(len(row), np.int64) for index, row in labels.items()}
    last: dict[int, tuple[int, tuple[float, float]]] = {}
    linked, fresh = {}, 1
    for index in sorted(labels):
        row = labels[index]
        alive = [number for number, (seen, _) in last.items() if index - seen <= LINK_FRAMES]
        places = np.array([last[number][1] for number in alive], np.float64).reshape(-1, 2)
        centres = np.array([label.centre for label in row], np.float64).reshape(-1, 2)
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
    found, size, rate = _cached_detections(path, detector, cache)
    labels = read_labels(data / "gt" / f"{name}.csv")
    ids = link_identities(labels)
    frames = [
        TrackedFrame(
            capture_ns=round(index * 1e9 / rate),
            detections=detections,
            true_ids=ids.get(index, np.zeros(0, np.int64)),
            true_centres=np.array([label.centre for label in labels.get(index, [])], np.float64).reshape(
                -1, 2
            ),
        )
        for index, detections in enumerate(found)
    ]
    return LabelledSequence(name, size, frames)


def scene_sequence(
    clutter: Clutter, detector: Detector, seed: int = 0, frames: int = 300, targets: int = 4
) -> LabelledSequence:
    """A synthetic scene, whose targets' identities and places are known exactly."""
    config = SceneConfig(clutter=clutter, seed=seed, frames=frames, targets=targets)
    scene = SyntheticScene(config)
    rows = []
    for index in range(frames):
        rendered = scene.render(index)
        rows.append(
            TrackedFrame(
                capture_ns=round(index * 1e9 / config.rate),
                detections=detector.detect(rendered.image),
                true_ids=rendered.truth.track_ids,
                true_centres=rendered.truth.centroids,
            )
        )
    return LabelledSequence(f"synthetic:{clutter.value} seed {seed}", (config.width, config.height), rows)


def _cached_detections(
    path: Path, detector: Detector, cache: Path
) -> tuple[list[Detections], tuple[int, int], float]:
    manifest = detector.package.manifest
    identity = f"{path.name} {path.stat().st_size} {detector.postprocess} {manifest.graphs}"
    kept = cache / f"{path.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.npz"
    if not kept.is_file():
        rows: list[Detections] = []
        size, rate = (0, 0), ASSUMED_RATE
        with open_source(str(path)) as source:
            rate = source.rate or ASSUMED_RATE
            while (frame := source.read()) is not None:
                size = (frame.image.shape[1], frame.image.shape[0])
                rows.append(detector.detect(frame.image))
        cache.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        with part.open("wb") as handle:
            np.savez_compressed(
                handle,
                counts=np.array([len(row) for row in rows], np.int64),
                boxes=_stacked([row.boxes for row in rows], (0, 4), np.float32),
                scores=_stacked([row.scores for row in rows], (0,), np.float32),
                classes=_stacked([row.classes for row in rows], (0,), np.int64),
                size=np.array(size, np.int64),
                rate=np.array(rate),
            )
        part.replace(kept)
    with np.load(kept) as arrays:
        ends = np.cumsum(arrays["counts"])[:-1]
        parts = (np.split(arrays[name], ends) for name in ("boxes", "scores", "classes"))
        found = [Detections(*row) for row in zip(*parts, strict=True)]
        return found, (int(arrays["size"][0]), int(arrays["size"][1])), float(arrays["rate"])


def _stacked(rows: Iterable[NDArray[np.generic]], empty: tuple[int, ...], kind: type) -> NDArray[np.generic]:
    filled = list(rows)
    return np.concatenate(filled) if filled else np.zeros(empty, kind)
