"""Synthetic infrared scenes with ground truth."""
