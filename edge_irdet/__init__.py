"""Infrared small-target detection on NVIDIA Jetson: Light-SGMTLM from weights to a stream of detections."""

__version__ = "0.1.0"
