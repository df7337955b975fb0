"""Tracking of tiny fast targets by distance, frame by frame."""

from edge_irdet.stream.tracking.config import TrackerConfig
from edge_irdet.stream.tracking.tracker import Tracker

__all__ = ["Tracker", "TrackerConfig"]
