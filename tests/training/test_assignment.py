from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.training.assignment import assign
from edge_irdet.training.config import AssignmentConfig

ANCHORS = torch.tensor(
    [
        [[4.0, 4.0], [6.0, 6.0], [8.0, 8.0]],
        [[12.0, 12.0], [16.0, 16.0], [20.0, 20.0]],
        [[30.0, 30.0], [40.0, 40.0], [60.0, 60.0]],
    ]
)
STRIDES = (8, 16, 32)
GRIDS = [(8, 8), (4, 4), (2, 2)]


def cells(target: tuple[float, ...], config: AssignmentConfig) -> list[set[tuple[int, int, int]]]:
    levels = assign(torch.tensor([[0.0, 0.0, *target]]), ANCHORS, STRIDES, GRIDS, config)
    return [
        {(int(a), int(r), int(c)) for a, r, c in zip(level.anchor, level.row, level.column, strict=True)}
        for level in levels
    ]


def test_own_cell_and_the_nearer_neighbours() -> None:
    found = cells((18.0, 31.0, 4.0, 4.0), AssignmentConfig(anchor_ratio=1.2))
    # Cell (column 2, row 3) of 8 px at fractions 0.25 and 0.875: neighbours left and below.
    assert found[0] == {(0, 3, 2), (0, 3, 1), (0, 4, 2)}
    assert found[1] == found[2] == set()


def test_neighbours_outside_the_grid_are_left_out() -> None:
    found = cells((1.0, 63.0, 4.0, 4.0), AssignmentConfig(anchor_ratio=1.2))
    assert found[0] == {(0, 7, 0)}


def test_the_ratio_rule_is_yolov5s() -> None:
    config = AssignmentConfig(anchor_ratio=2.0, neighbour_cells=False)
    found = cells((20.0, 20.0, 9.0, 5.0), config)
    # 9/4 is too wide; 9/6 and 5/6 fit; 9/8 and 8/5 fit; 12/5 is too high.
    assert found[0] == {(1, 2, 2), (2, 2, 2)}
    assert found[1] == found[2] == set()


def test_the_size_range_keeps_small_targets_on_p3() -> None:
    config = AssignmentConfig(
        anchor_ratio=9.0, neighbour_cells=False, side_range=((0.0, 10.0), (10.0, 30.0), (30.0, 1e9))
    )
    assert [len(level) for level in cells((20.0, 20.0, 7.0, 7.0), config)] == [3, 0, 0]
    assert [len(level) for level in cells((20.0, 20.0, 20.0, 12.0), config)] == [0, 3, 0]


def test_a_target_that_no_anchor_fits_gets_the_nearest() -> None:
    found = cells((20.0, 20.0, 1.0, 0.5), AssignmentConfig(anchor_ratio=2.0, neighbour_cells=False))
    assert found[0] == {(0, 2, 2)}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 63.9), st.floats(0, 63.9), st.floats(0.5, 60), st.floats(0.5, 60)),
        min_size=1,
        max_size=6,
    )
)
def test_every_target_is_answered_for_inside_the_grid(boxes: list[tuple[float, ...]]) -> None:
    targets = torch.tensor([[float(index), 0.0, *box] for index, box in enumerate(boxes)])
    levels = assign(targets, ANCHORS, STRIDES, GRIDS, AssignmentConfig())
    answered = torch.cat([level.image for level in levels])
    assert set(answered.tolist()) == set(range(len(boxes)))
    for level, (rows, columns) in zip(levels, GRIDS, strict=True):
        assert bool(((level.row >= 0) & (level.row < rows)).all())
        assert bool(((level.column >= 0) & (level.column < columns)).all())


def test_no_targets_give_no_assignment() -> None:
    levels = assign(torch.zeros(0, 6), ANCHORS, STRIDES, GRIDS, AssignmentConfig())
    assert [len(level.image) for level in levels] == [0, 0, 0]


def test_strides_and_levels_are_the_callers() -> None:
    """The edge variant's: a 5 px target at stride 4, a 30 px one at stride 8, none lost."""
    anchors = torch.tensor([[[5.0, 5.0]] * 3, [[30.0, 30.0]] * 3])
    config = AssignmentConfig(neighbour_cells=False, side_range=((0.0, 20.0), (8.0, 1e9)))
    targets = torch.tensor([[0.0, 0.0, 21.0, 30.0, 5.0, 5.0], [0.0, 0.0, 21.0, 30.0, 30.0, 30.0]])
    fine, coarse = assign(targets, anchors, (4, 8), [(16, 16), (8, 8)], config)
    assert (fine.column.tolist(), fine.row.tolist()) == ([5] * 3, [7] * 3)
    assert (coarse.column.tolist(), coarse.row.tolist()) == ([2] * 3, [3] * 3)
