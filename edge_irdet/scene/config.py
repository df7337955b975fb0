"""What a synthetic scene shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from edge_irdet.errors import OptionError

SMALLEST_SIDE = 32
LARGEST_SIDE = 4096
MOST_TARGETS = 100
LARGEST_TARGET = 30.0


class Clutter(str, Enum):
    """What lies behind the targets."""

    CLOUD = "cloud"
    """Sky with fractal clouds, warmer than the clear sky between them."""

    SEA = "sea"
    """Moving waves in perspective with glint below a horizon, hazy sky above."""

    URBAN = "urban"
    """Sky over a tree line and buildings with windows, warm roofs, hot outlets and masts."""

    TREELINE = "treeline"
    """Open sky above trees and a field, modelled on thermal videos of aircraft, birds and drones."""


DIM_SCENES = (Clutter.CLOUD, Clutter.SEA, Clutter.URBAN)
"""Scenes for stress tests: their targets are mostly smaller and dimmer than those of real videos."""


@dataclass(frozen=True)
class SceneConfig:
    """A synthetic scene; equal configurations give equal frames.

    Grey levels are those of an 8-bit display, 0..255, whatever :attr:`bits` is.

    Raises:
        OptionError: a value is out of its range.
    """

    clutter: Clutter = Clutter.CLOUD
    """What lies behind the targets."""

    width: int = 320
    """Pixels, 32..4096."""

    height: int = 256
    """Pixels, 32..4096."""

    frames: int = 300
    """Length; the scene itself goes on, so frame ``i`` is the same whatever the length."""

    rate: float = 30.0
    """Frames a second. All motion is in pixels a second, so the rate only samples the scene more finely."""

    seed: int = 0
    """Not negative. Chooses background, noise and targets."""

    targets: int = 3
    """Targets in view at most times, 0..100: one that leaves is followed by one that enters elsewhere."""

    target_size: tuple[float, float] = (1.0, 9.0)
    """Smallest and largest length of a target in pixels before the optics blur it, up to 30."""

    scr: tuple[float, float] = (5.0, 20.0)
    """Smallest and largest signal-to-clutter ratio of a target: its peak over the standard deviation of the
    undisturbed background around it (21 x 21 px, temporal noise included). What is drawn is the ratio to the
    median along the target's path; at one place it is more or less. The peak stays within 10 to 170 grey
    levels, whatever the ratio asks for."""

    contrast: tuple[float, float] | None = None
    """Smallest and largest peak of a target over its surroundings, grey levels, up to 255; None: what
    :attr:`scr` asks for."""

    dark_share: float = 0.05
    """Share of targets colder than their surroundings, 0..1."""

    noise: float = 2.0
    """Standard deviation of the temporal noise, grey levels; the fixed pattern left over after correction is
    a third of it."""

    drift: float = 6.0
    """Mean speed of the camera's sway, pixels a second; the view stays around one point."""

    bits: int = 8
    """8: grey levels. 16: 14-bit counts in uint16, 6000 + 16 a grey level, as an uncooled camera gives."""

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            _require(
                SMALLEST_SIDE <= getattr(self, name) <= LARGEST_SIDE,
                name,
                getattr(self, name),
                f"{SMALLEST_SIDE} to {LARGEST_SIDE} pixels",
            )
        _require(self.frames >= 1, "frames", self.frames, "at least 1")
        _require(math.isfinite(self.rate) and self.rate > 0, "rate", self.rate, "a positive number")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        _require(0 <= self.targets <= MOST_TARGETS, "targets", self.targets, f"0 to {MOST_TARGETS}")
        _require_range("target_size", self.target_size, 0.1, LARGEST_TARGET)
        _require_range("scr", self.scr, 0.0, 1000.0)
        if self.contrast is not None:
            _require_range("contrast", self.contrast, 1.0, 255.0)
        _require(0 <= self.dark_share <= 1, "dark_share", self.dark_share, "0 to 1")
        _require(0 <= self.noise <= 100, "noise", self.noise, "0 to 100 grey levels")
        _require(0 <= self.drift <= 1000, "drift", self.drift, "0 to 1000 pixels a second")
        _require(self.bits in (8, 16), "bits", self.bits, "8 or 16")


def usual_scene(clutter: Clutter, **changes: object) -> SceneConfig:
    """The scene that ``synthetic:CLUTTER`` names.

    ``treeline`` has targets like those of the videos that it is modelled on (``drone_ir_cc0``, 1126 targets
    in every 60th frame), none colder than its surroundings, seen from a tripod. Percentiles 5, 50 and 95:

    - width at half the peak, px: videos 2, 5, 11; here 2.4, 5.0, 10.1;
    - peak over the surroundings, grey levels: videos 66, 155, 221; here 49, 130, 211;
    - ratio of this peak to the clutter: videos 7, 37, 149; here 7, 42, 119.

    No value was chosen by what a detector finds. The other scenes (:data:`DIM_SCENES`) have
    :class:`SceneConfig`'s targets.

    Args:
        clutter: behind the targets.
        changes: fields of :class:`SceneConfig` to set.

    Raises:
        OptionError: a value is out of its range.
    """
    usual: dict[str, object] = {}
    if clutter is Clutter.TREELINE:
        usual = {
            "target_size": (1.8, 12.0),
            "contrast": (40.0, 220.0),
            "dark_share": 0.0,
            "noise": 1.5,
            "drift": 0.3,
        }
    return SceneConfig(clutter, **{**usual, **changes})  # type: ignore[arg-type]


def _require(good: bool, name: str, value: object, allowed: str) -> None:
    if not good:
        raise OptionError(f"a synthetic scene cannot have {name}={value}", f"choose {name}: {allowed}")


def _require_range(name: str, values: tuple[float, float], lowest: float, highest: float) -> None:
    good = len(values) == 2 and lowest <= values[0] <= values[1] <= highest
    _require(good, name, values, f"two rising numbers, {lowest:g} to {highest:g}")
