"""Which anchor of which cell answers for which target (YOLOv5's rule, with a size range a level)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edge_irdet.training.config import AssignmentConfig


@dataclass(frozen=True, slots=True)
class LevelAssignment:
    """The assigned anchors of one level, one entry an anchor; a target may have several entries."""

    image: Tensor
    """[M] index in the batch."""

    anchor: Tensor
    """[M] index of the anchor, 0..2."""

    row: Tensor
    """[M] cell row."""

    column: Tensor
    """[M] cell column."""

    box: Tensor
    """[M, 4] target centre x, centre y, width, height in network pixels."""

    target_class: Tensor
    """[M] class index."""


def assign(
    targets: Tensor,
    anchors: Tensor,
    strides: Sequence[int],
    grid_sizes: list[tuple[int, int]],
    config: AssignmentConfig,
) -> list[LevelAssignment]:
    """Assign targets to anchors of the levels.

    An anchor answers when its sides differ from the target's by less than ``anchor_ratio`` and the target's
    longer side lies in the level's range. A target that no anchor answers for gets the anchor whose sides
    are nearest, so that none is lost.

    Args:
        targets: [T, 6] image index, class, centre x, centre y, width, height (network pixels), float32.
        anchors: [levels, 3, 2] anchor sizes in network pixels.
        strides: network pixels a cell of each level.
        grid_sizes: (rows, columns) of each level.
        config: the rule's parameters.
    """
    sides = targets[:, 4:6].clamp(min=1e-3)
    ratio = sides[:, None, None, :] / anchors[None]
    worst_ratio = torch.maximum(ratio, 1 / ratio).amax(-1)  # [T, level, anchor]
    longer = sides.amax(-1)
    low = torch.tensor([bounds[0] for bounds in config.side_range], device=targets.device)
    high = torch.tensor([bounds[1] for bounds in config.side_range], device=targets.device)
    in_range = (longer[:, None] >= low) & (longer[:, None] <= high)
    matches = (worst_ratio < config.anchor_ratio) & in_range[:, :, None]
    lost = ~matches.flatten(1).any(1)
    if bool(lost.any()):
        nearest = worst_ratio[lost].flatten(1).argmin(1)
        matches.view(len(targets), -1)[lost.nonzero()[:, 0], nearest] = True

    levels = []
    for level, (stride, (rows, columns)) in enumerate(zip(strides, grid_sizes, strict=True)):
        target_index, anchor_index = matches[:, level].nonzero(as_tuple=True)
        cell = targets[target_index, 2:4] / stride
        target_index, anchor_index, cell_xy = _with_neighbours(
            target_index, anchor_index, cell, rows, columns, config.neighbour_cells
        )
        matched = targets[target_index]
        levels.append(
            LevelAssignment(
                image=matched[:, 0].long(),
                anchor=anchor_index,
                row=cell_xy[:, 1].clamp(0, rows - 1),
                column=cell_xy[:, 0].clamp(0, columns - 1),
                box=matched[:, 2:6],
                target_class=matched[:, 1].long(),
            )
        )
    return levels


def _with_neighbours(
    target_index: Tensor, anchor_index: Tensor, cell: Tensor, rows: int, columns: int, neighbours: bool
) -> tuple[Tensor, Tensor, Tensor]:
    # The decode reaches from -0.5 to 1.5 cells, so the cell on the nearer side of each axis can answer too.
    own = cell.long()
    if not neighbours:
        return target_index, anchor_index, own
    fraction = cell - own
    step = torch.where(fraction < 0.5, -1, 1)
    size = torch.tensor([columns, rows], device=cell.device)
    chosen_targets, chosen_anchors, cells = [target_index], [anchor_index], [own]
    for axis in (0, 1):
        beside = own.clone()
        beside[:, axis] += step[:, axis]
        inside = (beside[:, axis] >= 0) & (beside[:, axis] < size[axis])
        chosen_targets.append(target_index[inside])
        chosen_anchors.append(anchor_index[inside])
        cells.append(beside[inside])
    return torch.cat(chosen_targets), torch.cat(chosen_anchors), torch.cat(cells)
