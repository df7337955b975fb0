"""Labelled infrared images: one sample type, one reader per layout. NumPy and OpenCV only, no torch."""
