"""Writes tests/golden/preprocess anew: run it only when the preprocess spec changes on purpose.

python tests/golden/write_preprocess.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_irdet.detection.preprocess import Preprocessor
from edge_irdet.package import InputSpec, PreprocessSpec, SixteenBitMapping, SixteenBitSpec

FOLDER = Path(__file__).parent / "preprocess"
PERCENTILE = SixteenBitSpec(SixteenBitMapping.LINEAR_PERCENTILE, 0.5, 99.9)
FIXED = SixteenBitSpec(SixteenBitMapping.FIXED_RANGE, 1995, 3235)

CASES: dict[str, tuple[tuple[int, int], str, SixteenBitSpec | None, tuple[int, int], int]] = {
    # name: (frame height, width), kind of frame, mapping, (network width, height), pad value
    "same": ((32, 64), "grey", None, (64, 32), 114),
    "half": ((64, 128), "grey", None, (64, 64), 114),
    "odd_down": ((53, 77), "grey", None, (64, 32), 0),
    "up": ((19, 31), "grey", None, (96, 64), 200),
    "tall": ((90, 11), "grey", None, (64, 64), 114),
    "one_pixel": ((1, 1), "grey", None, (32, 32), 7),
    "row": ((1, 50), "grey", None, (32, 32), 114),
    "counts_percentile": ((37, 53), "counts", PERCENTILE, (64, 64), 114),
    "counts_fixed": ((37, 53), "counts", FIXED, (64, 64), 114),
    "counts_flat": ((20, 30), "flat", PERCENTILE, (32, 32), 114),
    "counts_extreme": ((30, 40), "extreme", PERCENTILE, (64, 32), 114),
}


def frame_of(kind: str, shape: tuple[int, int]) -> np.ndarray:
    """A reproducible frame."""
    generator = np.random.default_rng((len(kind), *shape))
    if kind == "grey":
        return generator.integers(0, 256, shape).astype(np.uint8)
    if kind == "counts":
        return generator.normal(2600, 180, shape).clip(0, 65535).astype(np.uint16)
    if kind == "flat":
        return generator.integers(3000, 3005, shape).astype(np.uint16)
    return generator.choice(np.array([0, 1, 40000, 65535], np.uint16), shape)


def main() -> None:
    """Write every case."""
    FOLDER.mkdir(exist_ok=True)
    lines = ["# name mapping low high min_span pad left top width height"]
    for name, (shape, kind, mapping, network, pad) in CASES.items():
        frame = frame_of(kind, shape)
        spec = PreprocessSpec(pad_value=pad, sixteen_bit=mapping)
        preprocessor = Preprocessor(spec, InputSpec("image", network[0], network[1], 1, "uint8"))
        placed = preprocessor(frame)
        np.save(FOLDER / f"{name}.in.npy", frame)
        np.save(FOLDER / f"{name}.out.npy", preprocessor.tensor[0, 0])
        stated = (
            ("none", 0, 0, 64) if mapping is None else (mapping.mapping.value, mapping.low, mapping.high, 64)
        )
        place = (pad, placed.left, placed.top, placed.width, placed.height)
        lines.append(" ".join(str(value) for value in (name, *stated, *place)))
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
