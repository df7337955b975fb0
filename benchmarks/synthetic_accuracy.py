"""What the 16 -> 8 bit mappings and the measured centroids are worth on synthetic scenes with truth, as JSON.

    python benchmarks/synthetic_accuracy.py

``benchmarks/synthetic_scenes.py`` says how many targets are found in each scene as it is.

``mappings``: share of the targets found within 3 px, and false detections a frame, at the package's
threshold; in ``even`` scenes, and over a ``hot_ground`` that is 500 to 4000 counts warmer than the rest
(targets above it alone). ``centroids``: distance in pixels of the boxes' middles and of the measured
centroids from the truth. The figures in docs/background/model.md come from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import click
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.detection.measurement import measure
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.package import DEFAULT_PACKAGE
from edge_irdet.scene import DIM_SCENES, SceneConfig, SyntheticScene

MAPPINGS = ("linear-percentile", "plateau@0", "plateau:0.1,4,50@0", "plateau:1,4,0@0")
GROUND_ROW = 220
NEAR = 3.0
"""Pixels within which a detection is the target's."""


@dataclass
class Errors:
    """Distances from the truth, pixels."""

    box: list[float] = field(default_factory=list)
    """Of the box's middle."""

    centroid: list[float] = field(default_factory=list)
    """Of the measured centroid."""

    def figures(self) -> dict[str, dict[str, float]]:
        """Mean and median of both."""
        return {
            name: {
                "mean_px": round(float(np.mean(values)), 3),
                "median_px": round(float(np.median(values)), 3),
            }
            for name, values in (("box", self.box), ("centroid", self.centroid))
        }


def scenes(
    bits: int, targets: int, seeds: int, frames: int
) -> Iterator[tuple[NDArray[np.generic], NDArray[np.float64]]]:
    """Images with the true centroids in them, of every kind of clutter."""
    for clutter in DIM_SCENES:
        for seed in range(seeds):
            scene = SyntheticScene(SceneConfig(clutter=clutter, seed=seed, bits=bits, targets=targets))
            for index in range(frames):
                rendered = scene.render(index * 23)
                yield rendered.image.copy(), rendered.truth.centroids


def mapping_figures(
    package: str, mapping: str, hot_ground: bool, seeds: int, frames: int
) -> dict[str, float]:
    """Pd and false detections a frame with one mapping."""
    generator = np.random.default_rng(0)
    found = DetectionProbability(distance=NEAR)
    config = DetectorConfig(runtime="cpu", precision="fp32", sixteen_bit=mapping, threads=1)
    with Detector(package, config) as detector:
        for image, truth in scenes(bits=16, targets=6, seeds=seeds, frames=frames):
            if hot_ground:
                ground = image[GROUND_ROW:]
                ground += generator.integers(500, 4000, ground.shape).astype(np.uint16)
                truth = truth[truth[:, 1] < GROUND_ROW - 4]
            detector.reset()
            height, width = image.shape
            found.add(detector.detect(image).boxes, truth, width, height)
    counts = found.counts
    return {"targets": counts.targets, "pd": counts.pd, "false_per_frame": counts.false_alarms_per_image}


def centroid_figures(package: str, seeds: int, frames: int) -> dict[str, object]:
    """How far boxes and centroids are from the truth."""
    errors = Errors()
    with Detector(package, DetectorConfig(runtime="cpu", precision="fp32", threads=1)) as detector:
        for image, truth in scenes(bits=8, targets=8, seeds=seeds, frames=frames):
            found = detector.detect(image)
            measured = measure(image, found.boxes)
            for middle, centroid in zip(found.centres, measured.centroids, strict=True):
                distances = np.linalg.norm(truth - middle, axis=1)
                if len(distances) and distances.min() < NEAR:
                    errors.box.append(float(distances.min()))
                    errors.centroid.append(float(np.linalg.norm(centroid - truth[distances.argmin()])))
    return {"detections": len(errors.box), **errors.figures()}


@click.command()
@click.option("--package", default=DEFAULT_PACKAGE, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Scenes of a kind.")
@click.option("--frames", type=click.IntRange(min=1), default=8, show_default=True, help="Frames of a scene.")
def main(package: str, seeds: int, frames: int) -> None:
    """Measure mappings and centroids on synthetic scenes."""
    try:
        report = {
            "package": package,
            "mappings": {
                mapping: {
                    "even": mapping_figures(package, mapping, hot_ground=False, seeds=seeds, frames=frames),
                    "hot_ground": mapping_figures(
                        package, mapping, hot_ground=True, seeds=seeds, frames=frames
                    ),
                }
                for mapping in MAPPINGS
            },
            "centroids": centroid_figures(package, seeds, frames),
        }
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
