"""Time of the preprocess step for each 16 -> 8 bit mapping and frame size, as JSON.

    OMP_NUM_THREADS=1 python benchmarks/preprocess.py --frame 640x512 --frame 320x256

The frames are synthetic 14-bit counts, mapped and fitted into the package's input on one core. ``wide``
frames use all 65536 counts, which is the slowest there is; cameras with stuck pixels come near to it. The
mappings take turns frame by frame, so that a ratio between them holds on a machine whose speed drifts.
"""

from __future__ import annotations

import json
import time

import click
import cv2
import numpy as np

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.machine.processor import describe_processor
from edge_irdet.package import DEFAULT_PACKAGE, PreprocessSpec, SixteenBitSpec, open_package
from edge_irdet.scene import SceneConfig, SyntheticScene

WARM_UP = 20
SCENE_FRAMES = 8
EIGHT_BIT = "none (8-bit frames)"
MAPPINGS: dict[str, SixteenBitSpec | None] = {
    EIGHT_BIT: None,
    **{
        text: parse_mapping(text)
        for text in (
            "fixed-range:5000,12000",
            "linear-percentile",
            "linear-percentile@15",
            "plateau@0",
            "plateau@15",
        )
    },
}


def frames_of(width: int, height: int, bits: int, wide: bool) -> list[np.ndarray]:
    """Frames of a synthetic scene, or of all counts there are."""
    if wide:
        generator = np.random.default_rng(0)
        highest = 1 << bits
        return [
            generator.integers(0, highest, (height, width)).astype(np.uint16 if bits == 16 else np.uint8)
            for _ in range(SCENE_FRAMES)
        ]
    scene = SyntheticScene(SceneConfig(width=width, height=height, bits=bits))
    return [scene.render(index).image for index in range(SCENE_FRAMES)]


def measure(package: str, width: int, height: int, wide: bool, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds by mapping: median, 99th percentile and minimum."""
    manifest = open_package(package).manifest
    images = {bits: frames_of(width, height, bits, wide) for bits in (8, 16)}
    steps = {
        name: Preprocessor(
            PreprocessSpec(pad_value=manifest.preprocess.pad_value, sixteen_bit=spec), manifest.input
        )
        for name, spec in MAPPINGS.items()
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(repeats + WARM_UP):
        for name, step in steps.items():
            image = images[8 if name == EIGHT_BIT else 16][index % SCENE_FRAMES]
            start = time.perf_counter()
            step(image)
            if index >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {
        name: {
            "median_ms": round(1e3 * float(np.median(values)), 3),
            "p99_ms": round(1e3 * float(np.percentile(values, 99)), 3),
            "min_ms": round(1e3 * min(values), 3),
        }
        for name, values in times.items()
    }


@click.command()
@click.option("--package", default=DEFAULT_PACKAGE, show_default=True)
@click.option("--frame", "sizes", multiple=True, default=["320x256", "640x512"], show_default=True)
@click.option("--frames", type=click.IntRange(min=10), default=200, show_default=True)
def main(package: str, sizes: tuple[str, ...], frames: int) -> None:
    """Time the preprocess step of a package's input."""
    cv2.setNumThreads(1)
    results: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    try:
        for size in sizes:
            width, height = (int(side) for side in size.split("x"))
            results[size] = {
                kind: measure(package, width, height, kind == "wide", frames) for kind in ("scene", "wide")
            }
    except (EdgeIrdetError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    report = {
        "package": package,
        "frames": frames,
        "threads": 1,
        "machine": describe_processor(),
        "sizes": results,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
