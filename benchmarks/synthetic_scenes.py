"""How many targets a package finds in each synthetic scene, by size and by clarity, as JSON.

    python benchmarks/synthetic_scenes.py

A target is found where a detection's centre lies within 3 px of its own, one to one, at the package's
threshold. ``by_size``: longer side of the target's box, as in ``edge-irdet evaluate``. ``by_scr``: peak
of the target over the standard deviation of its surroundings. docs/background/accuracy.md has the figures.
"""

from __future__ import annotations

import json
from collections import defaultdict

import click

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.evaluation.detection_probability import DetectionProbability
from edge_irdet.evaluation.target_size import size_class
from edge_irdet.package import DEFAULT_PACKAGE
from edge_irdet.scene import Clutter, SyntheticScene, usual_scene

SCR_LIMITS = (5.0, 10.0, 20.0, 40.0)
LAST_FRAME = 300
"""The frames looked at are evenly spread over as many, ten seconds of a scene."""


def scr_class(scr: float) -> str:
    """The class of a signal-to-clutter ratio, whatever its sign."""
    low = 0.0
    for limit in SCR_LIMITS:
        if abs(scr) < limit:
            return f"{low:g} to {limit:g}"
        low = limit
    return f"{low:g} and more"


def scene_figures(detector: Detector, clutter: Clutter, seeds: int, frames: int) -> dict[str, object]:
    """Pd in all, by size and by clarity, and false detections per frame, of one scene."""
    probability = DetectionProbability()
    by_size: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    by_scr: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for seed in range(seeds):
        scene = SyntheticScene(usual_scene(clutter, seed=seed))
        for index in range(0, LAST_FRAME, max(1, LAST_FRAME // frames)):
            rendered = scene.render(index)
            truth, (height, width) = rendered.truth, rendered.image.shape
            boxes = detector.detect(rendered.image).boxes
            match = probability.add(boxes, truth.centroids, width, height)
            detected = set(match.pairs[:, 1].tolist())
            sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(axis=1, initial=0.0)
            for target, (side, scr) in enumerate(zip(sides.tolist(), truth.scr.tolist(), strict=True)):
                for counts in (by_size[size_class(side)], by_scr[scr_class(scr)]):
                    counts[0] += 1
                    counts[1] += target in detected
    counts = probability.counts
    return {
        "targets": counts.targets,
        "pd": counts.pd,
        "false_per_frame": counts.false_alarms_per_image,
        "by_size": _rates(by_size),
        "by_scr": _rates(by_scr),
    }


def _rates(classes: dict[str, list[int]]) -> dict[str, dict[str, float]]:
    return {
        name: {"targets": targets, "pd": round(found / targets, 3)}
        for name, (targets, found) in sorted(classes.items(), key=lambda item: _first_number(item[0]))
    }


def _first_number(name: str) -> float:
    return next((float(word) for word in name.split() if word[0].isdigit()), 0.0) - ("under" in name)


@click.command()
@click.option("--package", default=DEFAULT_PACKAGE, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=16, show_default=True, help="Scenes of a kind.")
@click.option(
    "--frames", type=click.IntRange(min=1), default=12, show_default=True, help="Frames of a scene."
)
def main(package: str, seeds: int, frames: int) -> None:
    """Measure Pd and false alarms on every synthetic scene."""
    try:
        with Detector(package, DetectorConfig(threads=1)) as detector:
            report = {
                "package": package,
                "scenes": {
                    clutter.value: scene_figures(detector, clutter, seeds, frames) for clutter in Clutter
                },
            }
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
