"""What a training saw of its data: two starts of one run folder must see the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
import numpy as np

from edge_irdet.dataset.sample import Sample


class DataFingerprint(msgspec.Struct, frozen=True):
    """SHA-256 of three sides of the training data, each over all images in their order."""

    names: str
    """Names of the images, and which of them are held back."""

    labels: str
    """Boxes, classes and masks."""

    pixels: str
    """Grey levels after the 16 -> 8 bit mapping."""

    def differences(self, other: DataFingerprint) -> list[str]:
        """Sides in which the data differ, as nouns."""
        sides = {
            "the list of images": self.names != other.names,
            "the labels": self.labels != other.labels,
            "the pixels (or their 16-bit mapping)": self.pixels != other.pixels,
        }
        return [name for name, differs in sides.items() if differs]


def fingerprint_of(*parts: Iterable[Sample]) -> DataFingerprint:
    """Fingerprint of the training part, the held-back images and the held-back frames, in this order."""
    names, labels, pixels = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    for number, part in enumerate(parts):
        for sample in part:
            names.update(f"{number}:{sample.name}\n".encode())
            for digest, array in (
                (labels, sample.boxes),
                (labels, sample.classes),
                (labels, sample.mask),
                (pixels, sample.image),
            ):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return DataFingerprint(names.hexdigest(), labels.hexdigest(), pixels.hexdigest())
