"""Synthetic infrared scenes with ground truth: clutter, moving small targets, sensor noise."""

from edge_irdet.scene.config import Clutter, SceneConfig
from edge_irdet.scene.scene import SceneFrame, SceneTruth, SyntheticScene

__all__ = ["Clutter", "SceneConfig", "SceneFrame", "SceneTruth", "SyntheticScene"]
