"""Writes tests/golden/preprocess anew: run it only when the preprocess spec changes on purpose.

python tests/golden/write_preprocess.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.package import InputSpec, PreprocessSpec, SixteenBitMapping, SixteenBitSpec

FOLDER = Path(__file__).parent / "preprocess"
PERCENTILE = SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9)
FIXED = SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 1995, 3235)
PLATEAU = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0.5, 99.9, plateau=0.7)
STEEP = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0, 100, plateau=100, linear=0, max_gain=1.25)
SMOOTHED = SixteenBitSpec(
    SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9, smoothing_frames=3, shutter_frames=2
)
SMOOTHED_PLATEAU = SixteenBitSpec(
    SixteenBitMapping.PLATEAU, 1, 99.5, plateau=0.4, smoothing_frames=2.5, shutter_frames=2
)
# Its curve runs along the halves between grey levels: a fused multiply-add takes 21 counts to the other side.
HALVES = SixteenBitSpec(SixteenBitMapping.PLATEAU, 0, 100, plateau=100, linear=70)
UNSMOOTHED_PLATEAU = SixteenBitSpec(SixteenBitMapping.PLATEAU, 1, 99.5, plateau=0.4, shutter_frames=0)

CASES: dict[str, tuple[tuple[int, int], str, SixteenBitSpec | None, tuple[int, int], int]] = {
    # name: (frame height, width), kind of frames, mapping, (network width, height), pad value
    "same": ((32, 64), "grey", None, (64, 32), 114),
    "half": ((64, 128), "grey", None, (64, 64), 114),
    "odd_down": ((53, 77), "grey", None, (64, 32), 0),
    "up": ((19, 31), "grey", None, (96, 64), 200),
    "tall": ((90, 11), "grey", None, (64, 64), 114),
    "one_pixel": ((1, 1), "grey", None, (32, 32), 7),
    "row": ((1, 50), "grey", None, (32, 32), 114),
    "black": ((20, 30), "black", None, (32, 32), 114),
    "counts_percentile": ((37, 53), "counts", PERCENTILE, (64, 64), 114),
    "counts_fixed": ((37, 53), "counts", FIXED, (64, 64), 114),
    "counts_flat": ((20, 30), "flat", PERCENTILE, (32, 32), 114),
    "counts_extreme": ((30, 40), "extreme", PERCENTILE, (64, 32), 114),
    "plateau": ((37, 53), "counts", PLATEAU, (64, 64), 114),
    "plateau_steep": ((37, 53), "counts", STEEP, (64, 64), 114),
    "plateau_flat": ((20, 30), "flat", PLATEAU, (32, 32), 114),
    "plateau_extreme": ((30, 40), "extreme", PLATEAU, (64, 32), 114),
    "plateau_halves": ((27, 57), "even", HALVES, (57, 27), 114),
    "odd_sides_16": ((41, 67), "counts", PERCENTILE, (35, 93), 50),
    "colour": ((45, 64), "colour", None, (64, 64), 114),
    "colour_half": ((32, 64), "colour", None, (32, 16), 0),
    "stream_percentile": ((24, 30), "stream", SMOOTHED, (32, 32), 114),
    "stream_plateau": ((24, 30), "stream", SMOOTHED_PLATEAU, (32, 32), 114),
    "stream_plateau_unsmoothed": ((24, 30), "stream", UNSMOOTHED_PLATEAU, (32, 32), 114),
    "stream_fixed": ((24, 30), "stream", FIXED, (32, 32), 114),
}


def frames_of(kind: str, shape: tuple[int, int]) -> list[np.ndarray]:
    """Reproducible frames, colour as BGR; one but for a stream."""
    generator = np.random.default_rng((len(kind), *shape))
    if kind == "grey":
        return [generator.integers(0, 256, shape).astype(np.uint8)]
    if kind == "black":
        return [np.zeros(shape, np.uint8)]
    if kind == "counts":
        return [generator.normal(2600, 180, shape).clip(0, 65535).astype(np.uint16)]
    if kind == "flat":
        return [generator.integers(3000, 3005, shape).astype(np.uint16)]
    if kind == "colour":
        return [generator.integers(0, 256, (*shape, 3)).astype(np.uint8)]
    if kind == "even":
        counts = np.repeat(np.arange(2000, 2171, dtype=np.uint16), 9)
        return [generator.permutation(counts).reshape(shape)]
    if kind == "stream":
        return stream_of(generator, shape)
    return [generator.choice(np.array([0, 1, 40000, 65535], np.uint16), shape)]


def stream_of(generator: np.random.Generator, shape: tuple[int, int]) -> list[np.ndarray]:
    """A scene that drifts; a hot object; the shutter; a jump; a flat scene that stays; the scene again."""
    scene = generator.normal(3000, 150, shape)

    def counts(image: np.ndarray) -> np.ndarray:
        return np.rint(image + generator.normal(0, 3, shape)).clip(0, 65535).astype(np.uint16)

    hot = scene.copy()
    hot[4:9, 10:16] += 2500
    flat = np.full(shape, 3100.0)
    dark = np.zeros(shape, np.uint16)
    return [
        *(counts(scene + 5 * index) for index in range(4)),
        *(counts(hot) for _ in range(3)),
        counts(flat),
        dark,
        counts(scene),
        *(counts(scene + 1500) for _ in range(2)),
        *(counts(flat + 1600) for _ in range(4)),
        *(counts(scene) for _ in range(2)),
    ]


def main() -> None:
    """Write every case."""
    FOLDER.mkdir(exist_ok=True)
    lines = [
        "# name mapping low high min_span plateau linear max_gain smoothing_frames shutter_frames",
        "#   pad left top width height shutter (0 or 1 for each frame; frames lie below one another)",
    ]
    for name, (shape, kind, mapping, network, pad) in CASES.items():
        spec = PreprocessSpec(pad_value=pad, sixteen_bit=mapping)
        preprocessor = Preprocessor(spec, InputSpec("image", network[0], network[1], 1, "uint8"))
        tensors, shutter = [], ""
        frames = frames_of(kind, shape)
        for frame in frames:
            grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame
            placed = preprocessor(grey)
            tensors.append(preprocessor.tensor[0, 0].copy())
            shutter += str(int(preprocessor.shutter))
        np.save(FOLDER / f"{name}.in.npy", np.concatenate(frames))
        np.save(FOLDER / f"{name}.out.npy", np.concatenate(tensors))
        stated = mapping or SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 0, 1)
        values = (
            name,
            "none" if mapping is None else stated.mapping.value,
            *(stated.low, stated.high, stated.min_span, stated.plateau, stated.linear, stated.max_gain),
            *(stated.smoothing_frames, stated.shutter_frames),
            *(pad, placed.left, placed.top, placed.width, placed.height, shutter),
        )
        lines.append(" ".join(str(value) for value in values))
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
