"""What the streaming loop adds to the runner's own time.

    python benchmarks/stream.py --json
    python benchmarks/stream.py --frame 640x512 --bits 16 --threads 1

The whole pipeline runs: a capture thread that copies frames as a camera driver hands them out, the detector,
the tracker, measurements, and records to a file. A frame's loop time is the time from one call of the runner
to the next; what is not the runner's own is what the loop adds. Both are taken from the same frames of the
same run, so their ratio holds on a machine whose speed drifts.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import click
import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.machine.processor import describe_processor
from edge_irdet.package import Precision, open_package
from edge_irdet.scene import SceneConfig, SyntheticScene
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.process import keep_latency_even
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sources.source import Source
from edge_irdet.tracking import Tracker

WARM_UP = 50
"""Frames before the figures: the first ones pay for allocation and cold caches."""

SCENE_FRAMES = 32


class TimedRunner(CpuRunner):
    """The CPU runner, with the moments at which each call began and ended."""

    def __init__(self, graph: bytes, threads: int) -> None:
        super().__init__(graph, threads)
        self.began: list[int] = []
        self.ended: list[int] = []

    def infer(self, feeds: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        """As the CPU runner."""
        began = time.perf_counter_ns()
        outputs = super().infer(feeds)
        self.ended.append(time.perf_counter_ns())
        self.began.append(began)
        return outputs


class MemorySource(Source):
    """Prepared frames, copied out one by one as from a driver's buffers, as fast as they are taken."""

    usage: ClassVar[str] = "prepared frames"
    live: ClassVar[bool] = False

    def __init__(self, images: list[NDArray[np.generic]], frames: int) -> None:
        super().__init__("memory:")
        self._images = images
        self._frames = frames
        self._next = 0
        self._pool = ImagePool()

    def open(self) -> None:
        """Begin anew."""
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame."""
        if self._next == self._frames:
            return None
        original = self._images[self._next % len(self._images)]
        image = self._pool.take(original.shape, original.dtype.type)
        np.copyto(image, original)
        frame = Frame(image, self._next, time.monotonic_ns(), self.uri, pixel_format_of(image))
        self._next += 1
        return frame

    def close(self) -> None:
        """Nothing to give back."""


def measure_loop(
    package: str, size: tuple[int, int], bits: int, frames: int, threads: int
) -> dict[str, object]:
    """Run the pipeline once and give its figures."""
    scene = SyntheticScene(SceneConfig(width=size[0], height=size[1], bits=bits))
    images = [scene.render(index).image for index in range(SCENE_FRAMES)]
    held = open_package(package)
    runner = TimedRunner(held.read_graph(Precision.FP32), threads)
    config = DetectorConfig(sixteen_bit="linear-percentile" if bits == 16 else None)
    with tempfile.TemporaryDirectory() as folder, Detector(held, config, runner) as detector:
        pipeline = Pipeline(
            MemorySource(images, frames + WARM_UP + 1),
            detector,
            [open_sink(str(Path(folder) / "records.jsonl"))],
            PipelineConfig(tracker=Tracker),
        )
        keep_latency_even()  # as edge-irdet stream does
        summary = pipeline.run()
    began, ended = np.array(runner.began[WARM_UP:]), np.array(runner.ended[WARM_UP:])
    loop, own = np.diff(began) / 1e6, (ended - began)[:-1] / 1e6
    added = loop - own
    return {
        "frame": f"{size[0]}x{size[1]}",
        "bits": bits,
        "runner_ms_p50": round(float(np.median(own)), 3),
        "loop_ms_p50": round(float(np.median(loop)), 3),
        "ratio_p50": round(float(np.median(loop) / np.median(own)), 4),
        "added_ms_p50": round(float(np.median(added)), 3),
        "added_ms_p99": round(float(np.percentile(added, 99)), 3),
        "frames": len(loop),
        "dropped": summary.dropped,
        "detections": summary.detections,
        "package": package,
        "threads": threads,
        "machine": describe_processor(),
    }


@click.command()
@click.option("--package", default="light-sgmtlm-reduced", show_default=True)
@click.option("--frame", "sizes", multiple=True, default=("320x256", "640x512"), show_default=True)
@click.option("--bits", type=click.Choice(["8", "16"]), default="8", show_default=True)
@click.option("--frames", type=click.IntRange(min=10), default=600, show_default=True)
@click.option("--threads", type=click.IntRange(min=0), default=1, show_default=True, help="Of the runner.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a size, a line each.")
def main(package: str, sizes: tuple[str, ...], bits: str, frames: int, threads: int, as_json: bool) -> None:
    """Time the streaming loop beside the runner's own time."""
    for size in sizes:
        width, height = (int(side) for side in size.split("x"))
        try:
            report = measure_loop(package, (width, height), int(bits), frames, threads)
        except EdgeIrdetError as error:
            raise click.ClickException(str(error)) from error
        if as_json:
            print(json.dumps(report), flush=True)
        else:
            print(
                f"{report['frame']} {bits} bits: runner {report['runner_ms_p50']} ms, loop "
                f"{report['loop_ms_p50']} ms, ratio {report['ratio_p50']}, added p99 "
                f"{report['added_ms_p99']} ms over {report['frames']} frames, {report['machine']}"
            )


if __name__ == "__main__":
    main()
