"""The processes of one training, as torchrun starts them; one alone without it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TrainingProcess:
    """This process's place among those that torchrun started; (0, 1) without torchrun."""

    rank: int
    count: int
    device: torch.device


@contextmanager
def joined_processes() -> Iterator[TrainingProcess]:
    """Join the processes that torchrun started, if it did, and leave them at the end."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
    if count > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield TrainingProcess(rank, count, device)
    finally:
        if count > 1:
            torch.distributed.destroy_process_group()
