"""Batches of augmented samples, the same for a seed whatever the workers or the moment of a resume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from edge_irdet.training.augmentation import Augmenter, TrainingSample


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's input."""

    images: Tensor
    """[B, 1, H, W] uint8 grey."""

    targets: Tensor
    """[T, 6] image index, class, centre x, centre y, width, height (network pixels), float32."""

    masks: Tensor
    """[B, 1, H, W] float32 saliency truth in 0..1."""


Draw = tuple[int, int, int]
"""Epoch, position in the epoch, image index: what a sample's generator is seeded with."""


class _Draws(Dataset[TrainingSample]):
    def __init__(self, augmenter: Augmenter, seed: int) -> None:
        self.augmenter = augmenter
        self.seed = seed

    def __getitem__(self, draw: Draw) -> TrainingSample:
        return self.augmenter(draw[2], np.random.default_rng((self.seed, *draw)))


class EpochSampler(Sampler[Draw]):
    """Shuffled draws of one epoch for one process; set :attr:`epoch` before iterating.

    Args:
        images: number of training images.
        samples_per_image: draws of each image.
        seed: seed of the order.
        rank, processes: this process takes every ``processes``-th draw.
        sets: numbers of images of the data sets that follow one another, with ``draws``.
        draws: samples of an epoch from each set; empty draws every image ``samples_per_image`` times.
    """

    def __init__(
        self,
        images: int,
        samples_per_image: int,
        seed: int,
        rank: int,
        processes: int,
        sets: Sequence[int] = (),
        draws: Sequence[int] = (),
    ) -> None:
        self.images = images
        self.samples_per_image = samples_per_image
        self.seed = seed
        self.rank = rank
        self.processes = processes
        self.sets = tuple(sets)
        self.draws = tuple(draws)
        self.epoch = 0

    def __len__(self) -> int:
        drawn = sum(self.draws) if self.draws else self.images * self.samples_per_image
        return drawn // self.processes

    def __iter__(self) -> Iterator[Draw]:
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.draws:
            order = self._mixed(generator)
        else:
            order = np.concatenate(
                [generator.permutation(self.images) for _ in range(self.samples_per_image)]
            )
        for position in range(self.rank, len(self) * self.processes, self.processes):
            yield self.epoch, position, int(order[position])

    def _mixed(self, generator: np.random.Generator) -> NDArray[np.int64]:
        # Each set is gone through in shuffled rounds that run on over the epochs, so that every image comes
        # up as often as any other of its set, whatever share of the set an epoch takes.
        chosen = []
        first = 0
        for number, (images, draws) in enumerate(zip(self.sets, self.draws, strict=True)):
            begin = self.epoch * draws
            rounds = range(begin // images, (begin + draws - 1) // images + 1)
            drawn = np.concatenate(
                [np.random.default_rng((self.seed, number, turn)).permutation(images) for turn in rounds]
            )
            offset = begin - rounds.start * images
            chosen.append(first + drawn[offset : offset + draws])
            first += images
        order = np.concatenate(chosen)
        return order[generator.permutation(len(order))]


def collate(samples: list[TrainingSample]) -> Batch:
    """Stack samples of equal size into a batch."""
    images = torch.from_numpy(np.stack([sample.image for sample in samples]))[:, None]
    masks = torch.from_numpy(np.stack([sample.mask for sample in samples]))[:, None]
    rows = []
    for index, sample in enumerate(samples):
        sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
        centres = (sample.boxes[:, :2] + sample.boxes[:, 2:]) / 2
        image_index = np.full((len(sides), 1), index, np.float32)
        rows.append(
            np.concatenate((image_index, sample.classes[:, None], centres, sides), 1, dtype=np.float32)
        )
    return Batch(images, torch.from_numpy(np.concatenate(rows)), masks)


def batch_loader(
    augmenter: Augmenter, sampler: EpochSampler, batch: int, seed: int, workers: int
) -> DataLoader[TrainingSample]:
    """Loader of :class:`Batch`; the last, smaller batch of an epoch is left out unless it is the only one."""
    return DataLoader(
        _Draws(augmenter, seed),
        batch_size=min(batch, max(1, len(sampler))),
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        drop_last=True,
        persistent_workers=workers > 0,
    )
