from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from edge_irdet.network.decode import decode_levels

STRIDES = (8, 16, 32)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_decode_by_hand_and_its_order() -> None:
    levels = [torch.zeros(1, 3, 4 // factor, 6 // factor, 7) for factor in (1, 2)] + [
        torch.zeros(1, 3, 1, 1, 7)
    ]
    anchors = torch.arange(1.0, 19.0).view(3, 3, 2)
    raw = (0.3, -0.7, 1.1, -0.2, 0.9, -1.5, 0.4)
    levels[1][0, 2, 1, 2] = torch.tensor(raw)
    boxes, scores = decode_levels(levels, anchors, STRIDES)
    index = 3 * 4 * 6 + 2 * (2 * 3) + 1 * 3 + 2  # after P3: anchor 2, row 1, column 2 of P4
    x, y = (2 * sigmoid(0.3) - 0.5 + 2) * 16, (2 * sigmoid(-0.7) - 0.5 + 1) * 16
    width, height = (2 * sigmoid(1.1)) ** 2 * 11, (2 * sigmoid(-0.2)) ** 2 * 12
    expected = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    assert boxes[0, index].tolist() == pytest.approx(expected, rel=1e-5)
    assert scores[0, index].tolist() == pytest.approx(
        (sigmoid(0.9) * sigmoid(-1.5), sigmoid(0.9) * sigmoid(0.4)), rel=1e-5
    )
    assert boxes.shape == (1, 3 * (24 + 6 + 1), 4)
    assert scores.shape == (1, 3 * (24 + 6 + 1), 2)


def test_decode_is_fp32_whatever_the_network() -> None:
    levels = [torch.randn(1, 3, size, size, 6, dtype=torch.bfloat16) for size in (4, 2, 1)]
    boxes, scores = decode_levels(levels, torch.ones(3, 3, 2), STRIDES)
    assert boxes.dtype == scores.dtype == torch.float32
