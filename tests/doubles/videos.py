"""A labelled video of a bright target of 6x4 px that moves by a pixel a frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

FRAMES = 31
"""Two strides and one frame."""


def write_video(root: Path, name: str, labels: list[str]) -> None:
    for folder in ("mp4", "gt"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    # Motion JPEG: every OpenCV build has it, and each frame is coded on its own.
    writer = cv2.VideoWriter(
        str(root / "mp4" / f"{name}.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, (96, 64)
    )
    assert writer.isOpened()
    for frame in range(FRAMES):
        image = np.full((64, 96, 3), 60, np.uint8)
        image[20:24, 20 + frame : 26 + frame] = 220
        writer.write(image)
    writer.release()
    (root / "mp4" / f"{name}.avi").rename(root / "mp4" / f"{name}.mp4")
    (root / "gt" / f"{name}.csv").write_text(
        "frame_idx0,class,x,y,w,h\n" + "".join(f"{row}\n" for row in labels)
    )
