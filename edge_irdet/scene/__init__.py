"""Synthetic infrared scenes with ground truth: clutter, moving small targets, sensor noise."""

from edge_irdet.scene.config import DIM_SCENES, Clutter, SceneConfig, usual_scene
from edge_irdet.scene.scene import SceneFrame, SceneTruth, SyntheticScene

__all__ = [
    "DIM_SCENES",
    "Clutter",
    "SceneConfig",
    "SceneFrame",
    "SceneTruth",
    "SyntheticScene",
    "usual_scene",
]
