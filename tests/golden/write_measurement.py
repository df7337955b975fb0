"""Writes tests/golden/measurement anew: run it only when a measurement changes on purpose.

python tests/golden/write_measurement.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_irdet.detection.measurement import measure

FOLDER = Path(__file__).parent / "measurement"
Case = tuple[NDArray[np.generic], NDArray[np.float32]]


def scene(
    seed: int, bits: int, size: tuple[int, int], targets: int, crowded: bool = False, dark: bool = False
) -> Case:
    """Blurred points on a background with noise, and boxes around them that are a little off."""
    generator = np.random.default_rng(seed)
    height, width = size
    level, peak, noise = (60, 120, 3) if bits == 8 else (7000, 900, 12)
    image = generator.normal(level, noise, size)
    spread = (12 if crowded else 1000, 12 if crowded else 1000)
    places = generator.uniform(4, np.minimum(spread, (width - 4, height - 4)), (targets, 2))
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    boxes = []
    for index, (x, y) in enumerate(places):
        sigma = generator.uniform(0.7, 2.5)
        sign = -1 if dark or index % 5 == 4 else 1
        image += sign * peak * 0.5 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        half = generator.uniform(1.2, 2.2, 2) * sigma
        off = generator.normal(0, 0.4, 2)
        boxes.append((x + off[0] - half[0], y + off[1] - half[1], x + off[0] + half[0], y + off[1] + half[1]))
    dtype, most = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    return image.round().clip(0, most).astype(dtype), np.array(boxes, np.float32).reshape(-1, 4)


EDGES = np.array(
    [
        *((-3, -3, 2, 2), (60, 40, 70, 52), (0, 0, 64, 48), (10.5, 10.5, 10.6, 10.6), (70, 70, 80, 80)),
        *((5, 5, 5, 9), (9, 9, 4, 12), (20, 20, np.nan, 25), (30, 10, 33, 13), (-10, 20, 90, 22)),
    ],
    np.float32,
)
CASES: dict[str, Case] = {
    "grey8": scene(1, 8, (60, 80), 6),
    "grey16": scene(2, 16, (60, 80), 6),
    "crowded8": scene(3, 8, (40, 40), 8, crowded=True),
    "crowded16": scene(4, 16, (40, 40), 8, crowded=True),
    "dark": scene(5, 16, (50, 50), 4, dark=True),
    "edges8": (scene(6, 8, (48, 64), 3)[0], EDGES),
    "edges16": (scene(7, 16, (48, 64), 3)[0], EDGES),
    "flat": (np.full((30, 30), 77, np.uint8), np.array([[10, 10, 14, 14]], np.float32)),
    "bright": (np.full((30, 30), 65535, np.uint16), np.array([[10, 10, 14, 14]], np.float32)),
    "small_frame": (np.arange(12, dtype=np.uint8).reshape(3, 4), np.array([[1, 1, 2, 2]], np.float32)),
    "large_box": (scene(8, 16, (90, 90), 5)[0], np.array([[20, 10, 71.5, 66.25]], np.float32)),
    "none": (scene(9, 8, (20, 20), 1)[0], np.zeros((0, 4), np.float32)),
}


def main() -> None:
    """Write every case."""
    FOLDER.mkdir(exist_ok=True)
    lines = ["# name; the results are [n, 3] x, y, signal-to-clutter ratio"]
    for name, (image, boxes) in CASES.items():
        measured = measure(image, boxes)  # type: ignore[arg-type]
        np.save(FOLDER / f"{name}.image.npy", image)
        np.save(FOLDER / f"{name}.boxes.npy", boxes)
        np.save(FOLDER / f"{name}.out.npy", np.column_stack([measured.centroids, measured.scr]))
        lines.append(name)
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
