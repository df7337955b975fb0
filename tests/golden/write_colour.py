"""Writes tests/golden/colour anew: run it only when the reduction of colour to grey changes on purpose.

python tests/golden/write_colour.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "colour"


def main() -> None:
    """Entry point."""
    FOLDER.mkdir(exist_ok=True)
    generator = np.random.default_rng(0)
    extremes = np.array(np.meshgrid([0, 1, 127, 128, 254, 255], [0, 1, 128, 255], [0, 1, 127, 255]))
    bgr = np.concatenate((extremes.reshape(3, -1).T, generator.integers(0, 256, (928, 3)))).astype(np.uint8)
    bgr = bgr.reshape(32, 32, 3)
    blue, green, red = np.moveaxis(bgr.astype(np.int64), -1, 0)
    np.save(FOLDER / "bgr.npy", bgr)
    np.save(FOLDER / "grey.npy", ((3735 * blue + 19235 * green + 9798 * red + 16384) >> 15).astype(np.uint8))


if __name__ == "__main__":
    main()
