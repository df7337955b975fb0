"""Latency of a package, stage by stage: preprocess, runner, decode and suppression, and the whole detector.

    python benchmarks/latency.py --package light-sgmtlm-reduced --frame 640x512 --threads 1 --json

All stages are timed in one run, frame after frame, so that a ratio between them holds on a machine whose
speed drifts.
"""

from __future__ import annotations

import json
import time

import click
import numpy as np

from edge_irdet.cli.options import choice_of
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.detection.nms import select_detections
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.machine.processor import describe_processor
from edge_irdet.package import Precision
from edge_irdet.scene import SceneConfig, SyntheticScene

WARM_UP = 20
SCENE_FRAMES = 16


@click.command()
@click.option("--package", default="light-sgmtlm-reduced", show_default=True)
@click.option("--precision", type=choice_of(Precision), default=Precision.FP32.value)
@click.option("--frame", default="320x256", show_default=True, help="Size of the source frames.")
@click.option("--frames", type=click.IntRange(min=10), default=200, show_default=True)
@click.option("--threads", type=click.IntRange(min=0), default=0, help="CPU threads; 0 takes one a core.")
@click.option("--json", "as_json", is_flag=True)
def main(package: str, precision: Precision, frame: str, frames: int, threads: int, as_json: bool) -> None:
    """Time the stages of a package's detector on synthetic frames."""
    width, height = (int(side) for side in frame.split("x"))
    scene = SyntheticScene(SceneConfig(width=width, height=height))
    images = [scene.render(index).image for index in range(SCENE_FRAMES)]
    times: dict[str, list[float]] = {"preprocess": [], "runner": [], "select": [], "all": []}
    try:
        config = DetectorConfig(runtime="cpu", precision=precision, threads=threads)
        with Detector(package, config) as detector:
            feeds = {detector.package.manifest.input.name: detector.preprocessor.tensor}
            for index in range(frames + WARM_UP):
                marks = [time.perf_counter()]
                detector.preprocessor(images[index % SCENE_FRAMES])
                marks.append(time.perf_counter())
                outputs = detector.runner.infer(feeds)
                marks.append(time.perf_counter())
                select_detections(outputs["boxes"][0], outputs["scores"][0], detector.postprocess)
                marks.append(time.perf_counter())
                if index >= WARM_UP:
                    for name, start, end in zip(
                        ("preprocess", "runner", "select"), marks, marks[1:], strict=False
                    ):
                        times[name].append(end - start)
                    times["all"].append(marks[-1] - marks[0])
            runner = detector.runner.name
    except EdgeIrdetError as error:
        raise click.ClickException(str(error)) from error
    stages = {
        name: {
            f"p{percent}_ms": round(1e3 * float(np.percentile(values, percent)), 3)
            for percent in (50, 90, 99)
        }
        for name, values in times.items()
    }
    report = {
        "package": package,
        "precision": Precision(precision).value,
        "runner": runner,
        "frame": frame,
        "frames": frames,
        "threads": threads,
        "machine": describe_processor(),
        "stages": stages,
    }
    if as_json:
        print(json.dumps(report, indent=2))
        return
    print(f"{package} {report['precision']} on {runner}, {frame}, {frames} frames, {report['machine']}")
    for name, stage in stages.items():
        shown = "  ".join(f"p{percent} {stage[f'p{percent}_ms']:8.3f}" for percent in (50, 90, 99))
        print(f"  {name:<10} {shown} ms")


if __name__ == "__main__":
    main()
