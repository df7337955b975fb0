"""Synthetic scenes as a source."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from edge_irdet.errors import OptionError
from edge_irdet.scene import Clutter, SceneConfig, SyntheticScene, usual_scene
from edge_irdet.stream.frame import Frame, FrameTruth, PixelFormat
from edge_irdet.stream.image_pool import ImagePool
from edge_irdet.stream.sources.source import Source
from edge_irdet.stream.uri import SourceURI, check_parameters

PARAMETERS = ("seed", "frames", "size", "targets", "bits", "rate")


class SyntheticSource(Source):
    """A seeded scene with ground truth, rendered as fast as it is read.

    Args:
        uri: as the user wrote it.
        config: the scene.
    """

    usage: ClassVar[str] = (
        "synthetic:[cloud|sea|treeline|urban][?seed=0&frames=300&size=320x256&targets=3&bits=8|16]"
        "   scene with truth"
    )
    live: ClassVar[bool] = False

    def __init__(self, uri: str, config: SceneConfig) -> None:
        super().__init__(uri)
        self.config = config
        self._scene: SyntheticScene | None = None
        self._next = 0
        self._pool = ImagePool()

    @property
    def frame_count(self) -> int | None:
        """Length of the scene."""
        return self.config.frames

    @property
    def rate(self) -> float | None:
        """Frames per second of the scene's motion."""
        return self.config.rate

    @property
    def has_truth(self) -> bool:
        """Always."""
        return True

    def open(self) -> None:
        """Make the scene's background."""
        self._scene = SyntheticScene(self.config)
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame with its truth, or None at the end."""
        if self._scene is None or self._next >= self.config.frames:
            return None
        dtype = np.uint16 if self.config.bits == 16 else np.uint8
        image = self._pool.take((self.config.height, self.config.width), dtype)
        rendered = self._scene.render(self._next, out=image)
        truth = rendered.truth
        frame = Frame(
            image=rendered.image,
            sequence=self._next,
            capture_ns=time.monotonic_ns(),
            source=self.uri,
            pixel_format=PixelFormat.Y16 if self.config.bits == 16 else PixelFormat.GREY,
            truth=FrameTruth(truth.boxes, truth.centroids, truth.track_ids),
        )
        self._next += 1
        return frame

    def close(self) -> None:
        """Free the scene."""
        self._scene = None


def scene_config(uri: str, parsed: SourceURI) -> SceneConfig:
    """The scene that a ``synthetic:`` URI describes.

    Raises:
        OptionError: an unknown clutter or parameter, or a value out of range.
    """
    check_parameters(uri, parsed.parameters, PARAMETERS)
    names = ", ".join(clutter.value for clutter in Clutter)
    try:
        clutter = Clutter(parsed.path) if parsed.path else SceneConfig().clutter
    except ValueError as error:
        raise OptionError(
            f"there is no clutter {parsed.path!r} for synthetic scenes", f"choose one of: {names}"
        ) from error
    changes: dict[str, object] = {}
    try:
        for name, value in parsed.parameters.items():
            if name == "size":
                width, height = value.lower().split("x")
                changes.update(width=int(width), height=int(height))
            else:
                changes[name] = float(value) if name == "rate" else int(value)
    except ValueError as error:
        raise OptionError(
            f"the parameter {name}={value} of {uri!r} is not a number (size: WIDTHxHEIGHT)",
            f"for example: {SyntheticSource.usage}",
        ) from error
    return usual_scene(clutter, **changes)
