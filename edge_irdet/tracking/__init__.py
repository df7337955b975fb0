"""Tracking of tiny fast targets by distance, frame by frame."""

from edge_irdet.tracking.config import TrackerConfig
from edge_irdet.tracking.tracker import Tracker

__all__ = ["Tracker", "TrackerConfig"]
