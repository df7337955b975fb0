"""Open sky above a row of trees and a field, modelled on thermal videos of aircraft, birds and drones.

The levels follow one frame of each of 252 real videos (``drone_ir_cc0``, CC0, 320x256 pixels, splits train
and val). Ranges are from the videos' 5th to their 95th percentile unless another is named:

- row of the skyline over the frame's height: 0.67 to 0.83 (75th; the others look higher or see no ground);
- median level of the sky: 46 to 115; its local standard deviation (21 x 21 px): 0.9 to 13, median 2.2;
- trees 170 (10th) to 248, last row of the field 75 to 132 (75th);
- motion of the camera: 0 to 0.3 px per second;
- along the trees, the dark halo of the camera's local contrast enhancement: the sky falls to a tenth of its
  level at the tree tops and to two thirds 28 px above them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_irdet.scene.background import BORDER, StillBackground, clouds
from edge_irdet.scene.fields import fractal_field

HALO = 0.125
"""Standard deviation of the halo's blur over the frame's height."""


def treeline_background(generator: np.random.Generator, height: int, width: int) -> StillBackground:
    """Sky, clear or with streaks of cloud, over trees, a field and a few posts.

    Args:
        generator: of the random choices.
        height: of the frame, pixels.
        width: of the frame, pixels.
    """
    rows, columns = height + 2 * BORDER, width + 2 * BORDER
    skyline = BORDER + height * float(generator.uniform(0.67, 0.83))
    sky = _sky(generator, rows, columns, skyline)
    ground = np.zeros((rows, columns), np.float32)
    covered = np.zeros((rows, columns), np.float32)
    tops = _trees_and_field(generator, ground, covered, skyline, height)
    for _ in range(int(generator.integers(0, 4))):
        _post(generator, ground, covered, skyline, height)
    sky *= 1 - np.clip(1.9 * cv2.GaussianBlur(covered, (0, 0), HALO * height), 0, 0.95)
    mask = cv2.GaussianBlur(covered, (0, 0), 0.5)
    picture = np.asarray(sky + mask * (ground - sky), np.float32)
    return StillBackground(picture, max(0.3, float(np.median(tops) - BORDER) / height), overhead=False)


def _sky(generator: np.random.Generator, rows: int, columns: int, skyline: float) -> NDArray[np.float32]:
    """Clear and even, or darker with streaks of high cloud."""
    streaked = generator.random() < 0.4
    level = float(generator.uniform(46, 75) if streaked else generator.uniform(85, 115))
    haze = fractal_field(generator, rows, columns, 3.2, 0.5 * columns, stretch=2.5)
    # The upper edge is 15 % darker: the lens shades the corners of the frame.
    shading = 1 - 0.15 * np.clip(1 - np.arange(rows) / (0.3 * skyline), 0, 1)
    sky = np.asarray(level * shading[:, None] + 1.2 * haze, np.float32)
    if streaked:
        cover, depth = float(generator.uniform(0.2, 0.6)), float(generator.uniform(20, 90))
        sky += depth * clouds(generator, rows, columns, cover, 3.5, 0.7 * columns)
    return sky


def _trees_and_field(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.float32],
    skyline: float,
    height: int,
) -> NDArray[np.float32]:
    """Fill trees and field in; gives the row of the tree tops in each column."""
    rows, columns = ground.shape
    tall = height * float(generator.uniform(0.02, 0.14))
    slope = float(generator.uniform(-0.04, 0.04)) * height * np.linspace(-0.5, 0.5, columns)
    crowns = fractal_field(generator, 1, columns, 1.6, 30)[0]
    foot = np.asarray(skyline + tall + slope, np.float32)
    tops = np.asarray(foot - tall * np.clip(0.9 + 0.12 * crowns, 0.3, 1.3), np.float32)
    below = np.arange(rows, dtype=np.float32)[:, None]
    stems = fractal_field(generator, 1, columns, 1.0, 12)[0]
    leaves = fractal_field(generator, rows, columns, 2.2, 12, stretch=0.4)
    trees = float(generator.uniform(195, 245)) + 14 * leaves + 12 * stems
    near = float(generator.uniform(80, 130))
    furrows = fractal_field(generator, rows, columns, 2.2, 40, stretch=6)
    far = np.exp(-np.maximum(below - foot, 0) / (0.08 * height))
    field = near + (0.75 * (float(trees.mean()) - near)) * far + 4 * furrows
    wood = (below >= tops) & (below < foot)
    land = below >= foot
    ground[wood] = np.asarray(trees, np.float32)[wood]
    ground[land] = np.asarray(field, np.float32)[land]
    covered[wood | land] = 1
    return tops


def _post(
    generator: np.random.Generator,
    ground: NDArray[np.float32],
    covered: NDArray[np.float32],
    skyline: float,
    height: int,
) -> None:
    """A fence post in the field, or a lamp post that stands into the sky."""
    rows, columns = ground.shape
    x = int(generator.uniform(0.05, 0.95) * columns)
    lamp = generator.random() < 0.3
    head = int(
        skyline + height * float(generator.uniform(-0.16, -0.06) if lamp else generator.uniform(0.0, 0.08))
    )
    foot = int(min(rows, skyline + height * float(generator.uniform(0.12, 0.4))))
    level = float(generator.uniform(190, 255))
    for canvas, value in ((ground, level), (covered, 1.0)):
        cv2.rectangle(canvas, (x, head), (x + int(height > 200), foot), value, -1)
        if lamp:
            cv2.ellipse(canvas, (x + 3, head), (4, 1), 0, 0, 360, value, -1)
