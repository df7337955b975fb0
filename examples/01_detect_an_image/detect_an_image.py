"""Detect targets in one image."""

from edge_irdet import Detector, read_grey_image

frame = read_grey_image("../frame.png")  # [H, W] uint8; a NumPy array of your own does as well

# The default package, on the runtime that fits this machine: a TensorRT engine, else the CPU.
with Detector() as detector:
    print(detector.reason)
    found = detector.detect(frame)

# Boxes are left, top, right, bottom in pixels of the frame, with fractions: column i covers i to i + 1.
for box, score in zip(found.boxes.tolist(), found.scores.tolist(), strict=True):
    left, top, right, bottom = box
    print(f"target at x {left:.1f} to {right:.1f}, y {top:.1f} to {bottom:.1f}, score {score:.2f}")
